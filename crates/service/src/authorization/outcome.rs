//! What flows consist of and result in: the vocabulary of this module.

use evergrant_adapters::ProviderSpec;
use evergrant_encryption::EncryptedToken;
use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::{
    AccountInfo, AuthorizationCode, CorrelationId, ErrorCode, FlowId, FlowState as State,
    ProviderSlug, Timestamp, UserId,
};
use evergrant_store::{Flow, FlowStatus, StoredTokens};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ServiceError;

/// What the platform sent back with the browser.
#[derive(Debug)]
pub struct CallbackParams {
    /// The state, which identifies the flow.
    pub state: State,
    /// The authorization code.
    pub code: Option<AuthorizationCode>,
    /// The platform's error code.
    pub error: Option<String>,
    /// The issuer (RFC 9207), if the platform names itself.
    pub issuer: Option<String>,
}

/// How a callback ended, and where the browser goes.
#[derive(Debug)]
pub struct CallbackOutcome {
    /// The app's address for the browser.
    pub redirect_url: String,
    /// The platform.
    pub provider: ProviderSlug,
    /// The app's user.
    pub user: UserId,
    /// The flow's correlation id.
    pub correlation_id: CorrelationId,
    /// The result.
    pub end: CallbackEnd,
}

impl CallbackOutcome {
    pub(crate) fn of(flow: &Flow, end: CallbackEnd) -> Self {
        Self {
            redirect_url: flow.redirect_url.clone(),
            provider: flow.provider.clone(),
            user: flow.user,
            correlation_id: flow.correlation_id.clone(),
            end,
        }
    }
}

/// The result of a callback.
pub enum CallbackEnd {
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
    /// The consent reached several accounts, and the browser must choose.
    Choose {
        /// The flow's id.
        flow_id: FlowId,
        /// The proof that this browser consented.
        receipt: String,
        /// The accounts to choose from.
        accounts: Vec<ReachedAccount>,
    },
    /// The flow failed.
    Failed(ErrorCode),
}

impl std::fmt::Debug for CallbackEnd {
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
            Self::Failed(code) => f.debug_tuple("Failed").field(code).finish(),
        }
    }
}

/// The progress of a flow, for the caller that started it.
#[derive(Debug, Clone)]
pub struct FlowState {
    /// The status.
    pub status: FlowStatus,
    /// The platform.
    pub provider: ProviderSlug,
    /// The accounts to choose from, if there is a choice.
    pub accounts: Vec<ReachedAccount>,
    /// The error code of a flow that failed.
    pub code: Option<ErrorCode>,
    /// The account that the flow connected.
    pub account: Option<String>,
}

/// The tokens of a consent, and whether they are confirmed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GrantedTokens {
    /// A parked flow stores them without access token and refresh token, which have columns of
    /// their own.
    #[serde(flatten, with = "FlowTokens")]
    pub(crate) tokens: StoredTokens,
    /// Whether the platform has confirmed the credential; only a pasted one may be unconfirmed.
    pub(crate) verified: bool,
}

/// The form in which a parked flow stores [`StoredTokens`].
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

/// An account that a grant reaches, as a parked flow stores it and the chooser shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReachedAccount {
    /// The account's id at the platform.
    pub id: String,
    /// The handle.
    pub username: Option<String>,
    /// The name shown to people.
    pub display_name: Option<String>,
    /// What the platform says of the account; an object.
    pub metadata: serde_json::Value,
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

/// What a consent granted: tokens, and the accounts that they reach.
pub(crate) struct Granted {
    pub(crate) tokens: GrantedTokens,
    pub(crate) accounts: Vec<ReachedAccount>,
}

/// A consent that is ready to be stored for the chosen accounts.
pub(crate) struct Consent<'a> {
    pub(crate) tokens: &'a GrantedTokens,
    pub(crate) accounts: &'a [ReachedAccount],
}

/// The accounts that this flow may connect: only the one to reconnect, if there is such a one.
pub(crate) fn eligible(
    spec: &ProviderSpec,
    flow: &Flow,
    mut reached: Vec<ReachedAccount>,
) -> Result<Vec<ReachedAccount>, ServiceError> {
    if reached.is_empty() {
        let detail = format!(
            "{} has no account of the kind that can be connected.",
            spec.name
        );
        return Err(ServiceError::new(ErrorCode::NoEligibleAccount, detail));
    }
    if let Some(wanted) = &flow.reconnect {
        reached.retain(|account| account.id == wanted.as_str());
        if reached.is_empty() {
            let name = &spec.name;
            let detail = format!("This is another {name} account than the one to be reconnected.");
            return Err(ServiceError::new(ErrorCode::AccountMismatch, detail));
        }
    }
    Ok(reached)
}

/// The accounts that a parked flow's consent reaches.
pub(crate) fn accounts_of(flow: &Flow) -> Result<Vec<ReachedAccount>, ServiceError> {
    flow.grant
        .as_ref()
        .map_or(Ok(Vec::new()), |grant| from_json(&grant.accounts))
}

/// 128 bits that only the browser which returned from the platform can have. They depend on the
/// authorization code, which is stored nowhere, and on a salt, which never leaves the database.
/// Only their hash is stored.
pub(crate) fn receipt(flow: &Flow, params: &CallbackParams) -> String {
    let code = params.code.as_ref().map_or("", AuthorizationCode::expose);
    let mut message = flow.receipt_salt.clone();
    message.extend_from_slice(&sha256(params.state.expose()));
    message.extend_from_slice(code.as_bytes());
    let digest = sha256(message);
    base64url(digest.first_chunk::<16>().unwrap_or(&[0; 16]))
}

/// The JSON of a value that always has one.
pub(crate) fn to_json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// A value from JSON that [`to_json`] made.
pub(crate) fn from_json<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T, ServiceError> {
    serde_json::from_value(value.clone()).map_err(|_| ServiceError::internal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granted_tokens_of_a_parked_flow_keep_their_stored_form() {
        let stored = serde_json::json!({
            "token_type": "bearer", "expires_at": "2026-01-01T01:00:00.000Z", "grant_expires_at": null,
            "scope": "read", "issued_at": "2026-01-01T00:00:00.000Z", "verified": true,
        });
        let read: GrantedTokens = from_json(&stored).unwrap();
        assert_eq!(read.tokens.scope.as_deref(), Some("read"));
        let access = Some(EncryptedToken::from_stored("ciphertext".to_owned()));
        let tokens = StoredTokens {
            access,
            ..read.tokens
        };
        assert_eq!(
            to_json(&GrantedTokens {
                tokens,
                verified: true
            }),
            stored,
            "without the tokens"
        );
    }
}
