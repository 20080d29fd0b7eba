//! The types that the steps of an authorization flow exchange.

use evergrant_adapters::ProviderSpec;
use evergrant_encryption::EncryptedToken;
use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::{
    AccountInfo, AuthorizationCode, CorrelationId, FlowId, FlowState, ProviderSlug, ScopeSet,
    Timestamp, UserId,
};
use evergrant_store::{Flow, FlowStatus, StoredTokens};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ServiceError;
use crate::error::SignedInAccount;

/// Maximum number of scopes that a callback may list.
const MAX_SCOPES: usize = 200;

/// The parameters of the authorization response (RFC 6749 §4.1.2).
#[derive(Debug, Clone)]
pub struct CallbackParams {
    /// The state, which identifies the flow.
    pub state: FlowState,
    /// The authorization code; `None` if the platform reports an error.
    pub code: Option<AuthorizationCode>,
    /// The platform's error code, such as `access_denied`.
    pub error: Option<String>,
    /// What the platform says about the error.
    pub error_details: ErrorDetails,
    /// The granted scopes, from the parameter that [`crate::Providers::callback_scope`] names;
    /// `None` if the platform lists none.
    pub scope: Option<String>,
    /// The issuer (RFC 9207); `None` if the platform does not send one.
    pub issuer: Option<String>,
}

impl CallbackParams {
    /// Creates parameters that have only a state.
    #[must_use]
    pub fn new(state: FlowState) -> Self {
        Self {
            state,
            code: None,
            error: None,
            error_details: ErrorDetails::default(),
            scope: None,
            issuer: None,
        }
    }

    /// Returns whether the user declined the authorization, in the words of this platform.
    pub(crate) fn is_denial(&self, spec: &ProviderSpec) -> bool {
        let ErrorDetails { reason, code, .. } = &self.error_details;
        [&self.error, reason, code]
            .into_iter()
            .flatten()
            .any(|word| spec.vocabulary.is_denial(word))
    }

    /// Returns the granted scopes; `None` if the platform lists none.
    pub(crate) fn granted_scope(&self) -> Option<ScopeSet> {
        let scopes = self.scope.as_deref().map(ScopeSet::parse)?;
        let is_plausible = scopes.iter().count() <= MAX_SCOPES && !scopes.is_empty();
        is_plausible.then_some(scopes)
    }
}

/// The parameters of an authorization response that explain an error.
#[derive(Debug, Clone, Default)]
pub struct ErrorDetails {
    /// `error_description`, or `error_message` at some platforms.
    pub description: Option<String>,
    /// `error_reason`, such as `user_denied`.
    pub reason: Option<String>,
    /// `error_code`, such as `200`.
    pub code: Option<String>,
}

/// The result of a callback, and where to redirect the browser.
#[derive(Debug)]
pub struct CallbackOutcome {
    /// The app's page to which the browser returns.
    pub redirect_url: String,
    /// The platform.
    pub provider: ProviderSlug,
    /// The app's user.
    pub user: UserId,
    /// The flow's correlation id.
    pub correlation_id: CorrelationId,
    /// Whether the account was connected, or what the browser must do next.
    pub result: CallbackResult,
}

impl CallbackOutcome {
    /// Creates the outcome of a callback of this flow.
    pub(crate) fn of(flow: &Flow, result: CallbackResult) -> Self {
        Self {
            redirect_url: flow.redirect_url.clone(),
            provider: flow.provider.clone(),
            user: flow.user,
            correlation_id: flow.correlation_id.clone(),
            result,
        }
    }
}

/// The result of a callback.
pub enum CallbackResult {
    /// An account is connected.
    Connected {
        /// The account's id at the platform.
        account: String,
    },
    /// The browser that started the flow must finish it.
    Pending {
        /// The flow's id.
        flow_id: FlowId,
        /// The proof that this browser consented.
        receipt: String,
    },
    /// The consent reached several accounts, and the user must choose which to connect.
    Choose {
        /// The flow's id.
        flow_id: FlowId,
        /// The proof that this browser consented.
        receipt: String,
        /// The accounts to choose from.
        accounts: Vec<ReachedAccount>,
    },
    /// The flow failed.
    Failed(FailedCallback),
}

/// The result of a callback whose flow failed.
#[derive(Clone)]
pub struct FailedCallback {
    /// The flow's id.
    pub flow_id: FlowId,
    /// The proof that this browser consented, with which it reads the whole failure; `None` if the
    /// flow is not bound to a browser.
    pub receipt: Option<String>,
    /// Why the flow failed, without what only the receipt discloses.
    pub error: ServiceError,
}

impl std::fmt::Debug for CallbackResult {
    /// Omits the receipt.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connected { account } => f
                .debug_struct("Connected")
                .field("account", account)
                .finish(),
            Self::Pending { flow_id, .. } => f
                .debug_struct("Pending")
                .field("flow_id", flow_id)
                .finish_non_exhaustive(),
            Self::Choose { flow_id, .. } => f
                .debug_struct("Choose")
                .field("flow_id", flow_id)
                .finish_non_exhaustive(),
            Self::Failed(failed) => f.debug_tuple("Failed").field(&failed.error).finish(),
        }
    }
}

/// The progress of a flow, for the caller that started it.
#[derive(Debug, Clone)]
pub struct FlowProgress {
    /// The status; `error` also for a flow whose deadline has passed.
    pub status: FlowStatus,
    /// The platform.
    pub provider: ProviderSlug,
    /// The accounts to choose from; empty unless `status` is `choose`, and for a flow that is bound
    /// to a browser.
    pub accounts: Vec<ReachedAccount>,
    /// Why the flow failed, without what only the receipt discloses; `None` unless it failed.
    pub error: Option<ServiceError>,
    /// The flow's correlation id.
    pub correlation_id: CorrelationId,
    /// The platform's id of the account that the flow connected; `None` before that.
    pub account: Option<String>,
}

/// The tokens of a consent, and whether the platform has confirmed them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GrantedTokens {
    /// The encrypted tokens. The JSON of a parked flow omits the access token and the refresh
    /// token, which have columns of their own.
    #[serde(flatten, with = "FlowTokens")]
    pub(crate) tokens: StoredTokens,
    /// Whether the platform has confirmed the credential. `false` only for a pasted session
    /// credential that could not be checked.
    pub(crate) verified: bool,
}

/// The JSON form of [`StoredTokens`] in a parked flow.
#[derive(Serialize, Deserialize)]
#[serde(remote = "StoredTokens")]
struct FlowTokens {
    #[serde(skip)]
    access: Option<EncryptedToken>,
    #[serde(skip)]
    refresh: Option<EncryptedToken>,
    expires_at: Option<Timestamp>,
    grant_expires_at: Option<Timestamp>,
    token_type: Option<String>,
    scope: Option<String>,
    issued_at: Option<Timestamp>,
}

/// An account that a grant reaches, as a parked flow stores it and the account chooser shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReachedAccount {
    /// The account's id at the platform.
    pub id: String,
    /// The handle; `None` if the platform has none.
    pub username: Option<String>,
    /// The name shown to people; `None` if the platform has none.
    pub display_name: Option<String>,
    /// The account's profile as the platform reports it: a JSON object.
    pub metadata: serde_json::Value,
}

impl ReachedAccount {
    /// Returns the account's handle with `@`, or else its name; `None` if it has neither.
    pub(crate) fn mention(&self) -> Option<String> {
        let handle = self.username.as_ref().map(|handle| format!("@{handle}"));
        handle.or_else(|| self.display_name.clone())
    }
}

impl From<ReachedAccount> for SignedInAccount {
    fn from(account: ReachedAccount) -> Self {
        Self {
            id: account.id,
            username: account.username,
            display_name: account.display_name,
        }
    }
}

impl From<AccountInfo> for ReachedAccount {
    fn from(account: AccountInfo) -> Self {
        Self {
            id: account.id.as_str().to_owned(),
            username: account.username,
            display_name: account.display_name,
            metadata: serde_json::Value::Object(account.metadata),
        }
    }
}

/// The result of a consent: tokens, and the accounts that they reach.
pub(crate) struct Granted {
    pub(crate) tokens: GrantedTokens,
    pub(crate) accounts: Vec<ReachedAccount>,
}

/// A consent that is ready to be stored for the chosen accounts.
pub(crate) struct Consent<'a> {
    pub(crate) tokens: &'a GrantedTokens,
    pub(crate) accounts: &'a [ReachedAccount],
}

/// Returns the accounts that a parked flow's consent reaches; empty if the flow holds no grant.
pub(crate) fn accounts_of(flow: &Flow) -> Result<Vec<ReachedAccount>, ServiceError> {
    flow.grant
        .as_ref()
        .map_or(Ok(Vec::new()), |grant| from_json(&grant.accounts))
}

/// Derives the receipt of a consent: 128 bits, as base64url, that prove that a browser is the one
/// which returned from the platform.
///
/// The receipt depends on the authorization code, which is stored nowhere, and on a salt, which
/// never leaves the database. Only the receipt's hash is stored.
pub(crate) fn receipt(flow: &Flow, params: &CallbackParams) -> String {
    let code = params.code.as_ref().map_or("", AuthorizationCode::expose);
    let mut message = flow.receipt_salt.clone();
    message.extend_from_slice(&sha256(params.state.expose()));
    message.extend_from_slice(code.as_bytes());
    let digest = sha256(message);
    base64url(digest.first_chunk::<16>().unwrap_or(&[0; 16]))
}

/// Serializes a value whose serialization cannot fail.
pub(crate) fn to_json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Deserializes JSON that [`to_json`] produced.
///
/// # Errors
///
/// `INTERNAL_ERROR` if the stored JSON has another shape.
pub(crate) fn from_json<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T, ServiceError> {
    serde_json::from_value(value.clone()).map_err(|error| ServiceError::internal().caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_parked_tokens_is_stable_and_holds_no_token() {
        let stored = serde_json::json!({
            "token_type": "bearer", "expires_at": "2026-01-01T01:00:00.000Z", "grant_expires_at": null,
            "scope": "read", "issued_at": "2026-01-01T00:00:00.000Z", "verified": true,
        });
        let parsed: GrantedTokens = from_json(&stored).unwrap();
        assert_eq!(parsed.tokens.scope.as_deref(), Some("read"));
        let access = Some(EncryptedToken::from_stored("ciphertext".to_owned()));
        let tokens = StoredTokens {
            access,
            ..parsed.tokens
        };
        assert_eq!(
            to_json(&GrantedTokens {
                tokens,
                verified: true
            }),
            stored,
            "the access token must not be serialized"
        );
    }
}
