//! The trait that every adapter implements, so that no code above this crate depends on a
//! particular provider.

use std::collections::BTreeMap;

use async_trait::async_trait;
use evergrant_model::{
    AccessToken, AccountInfo, AuthorizationCode, FlowState, PkceVerifier, RefreshToken, ScopeSet,
    TokenSet,
};

use crate::{
    AcceptedCredentials, AdapterError, CredentialError, CredentialField, ErrorClass, ProviderSpec,
    SessionCheck,
};

/// The parameters of an authorization request (RFC 6749 §4.1.1).
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// Evergrant's callback URL. The [`CodeExchange`] must repeat it byte for byte.
    pub redirect_uri: &'a str,
    /// The `state` that binds the callback to this flow.
    pub state: &'a FlowState,
    /// The scopes to request.
    pub scopes: &'a ScopeSet,
    /// The PKCE verifier. Required if [`ProviderSpec::requires_pkce`], ignored otherwise. Only its
    /// hash is sent.
    pub verifier: Option<&'a PkceVerifier>,
}

/// The parameters of an authorization code exchange (RFC 6749 §4.1.3).
#[derive(Debug, Clone, Copy)]
pub struct CodeExchange<'a> {
    /// The authorization code from the callback.
    pub code: &'a AuthorizationCode,
    /// The callback URL of the [`AuthorizationRequest`].
    pub redirect_uri: &'a str,
    /// The verifier whose challenge the authorization request carried.
    pub verifier: Option<&'a PkceVerifier>,
}

/// The stored tokens of one grant.
#[derive(Debug, Clone)]
pub struct HeldTokens {
    /// The access token, which may have expired; `None` if none is stored.
    pub access: Option<AccessToken>,
    /// The refresh token; `None` if the provider issued none.
    pub refresh: Option<RefreshToken>,
}

/// The result of revoking a grant at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoteRevocation {
    /// The provider revoked the grant, or it was invalid already.
    Revoked,
    /// The provider cannot revoke grants, or not with the stored tokens.
    Unsupported,
}

/// An adapter for one provider. Each method makes a single attempt: the caller is responsible for
/// retries, time limits, logging and storage.
#[async_trait]
pub trait PlatformAdapter: Send + Sync {
    /// Returns the public facts of the provider.
    fn spec(&self) -> &ProviderSpec;

    /// Returns the URL of the provider's consent page for this flow.
    ///
    /// # Errors
    ///
    /// `ConfigError` if the provider is not configured; `BadRequest` if a required verifier is
    /// missing or malformed.
    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError>;

    /// Exchanges an authorization code for tokens. A code can be used once, so the call may be
    /// retried only if [`AdapterError::is_known_unprocessed`].
    ///
    /// # Errors
    ///
    /// An error of any class. `NeedsReauth` means that the provider rejected the code.
    async fn exchange_code_for_token(
        &self,
        exchange: &CodeExchange<'_>,
    ) -> Result<TokenSet, AdapterError>;

    /// Refreshes the access token with the stored tokens.
    ///
    /// # Errors
    ///
    /// An error of any class. `NeedsReauth` means that the grant has ended.
    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError>;

    /// Fetches the accounts that the grant reaches: one for most providers, several or none for
    /// some. `granted` limits the fields that are requested; empty if the granted scopes are
    /// unknown.
    ///
    /// # Errors
    ///
    /// An error of any class. `Unknown` if the response names no account.
    async fn user_profile(
        &self,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError>;

    /// Revokes the grant at the provider. A grant that is already invalid counts as revoked.
    ///
    /// # Errors
    ///
    /// An error of any class. The call may be retried.
    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError>;

    /// Returns the fields of the session credentials form; empty for OAuth providers.
    fn credential_fields(&self) -> &[CredentialField] {
        &[]
    }

    /// Returns the single values of session credentials: those that were entered, completed from
    /// the pasted text. They are not validated. Empty for OAuth providers.
    fn read_credentials(&self, _values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Validates session credentials and, if the operator configured a check, verifies them at the
    /// provider.
    ///
    /// # Errors
    ///
    /// [`CredentialError::Fields`] if fields are missing or invalid, or the session has ended;
    /// [`CredentialError::Provider`] if the check failed or the provider takes no session
    /// credentials.
    async fn accept_credentials(
        &self,
        _values: &BTreeMap<String, String>,
    ) -> Result<AcceptedCredentials, CredentialError> {
        Err(no_credentials().into())
    }

    /// Checks whether a stored session is still valid.
    ///
    /// # Errors
    ///
    /// An error of any class. A second check must confirm `NeedsReauth` before the session counts
    /// as ended.
    async fn check_session(&self, _session: &AccessToken) -> Result<SessionCheck, AdapterError> {
        Err(no_credentials())
    }
}

fn no_credentials() -> AdapterError {
    AdapterError::unsent(
        ErrorClass::BadRequest,
        "the provider does not use session credentials",
    )
}
