//! The trait that every platform wears, so that nothing above this crate knows one platform from
//! another.

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

/// What the consent page's address is made of.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// Our own callback; the same bytes must go into the [`CodeExchange`].
    pub redirect_uri: &'a str,
    /// What ties the callback to this flow.
    pub state: &'a FlowState,
    /// What to ask the user for.
    pub scopes: &'a ScopeSet,
    /// Needed where [`ProviderSpec::uses_pkce`], ignored elsewhere. Only its hash leaves.
    pub verifier: Option<&'a PkceVerifier>,
}

/// What buys the first token set.
#[derive(Debug, Clone, Copy)]
pub struct CodeExchange<'a> {
    /// The code from the callback.
    pub code: &'a AuthorizationCode,
    /// The callback as it stood in the [`AuthorizationRequest`].
    pub redirect_uri: &'a str,
    /// The verifier whose hash stood there.
    pub verifier: Option<&'a PkceVerifier>,
}

/// The tokens of one grant, as far as we hold them.
#[derive(Debug, Clone)]
pub struct HeldTokens {
    /// The access token, perhaps expired.
    pub access: Option<AccessToken>,
    /// The refresh token.
    pub refresh: Option<RefreshToken>,
}

/// What became of a grant that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoteRevocation {
    /// The platform has ended it.
    Revoked,
    /// The platform has no way to end it, or not with what we hold.
    Unsupported,
}

/// One platform. Each method is one attempt: retry, timing, logging and storage belong to the
/// caller.
#[async_trait]
pub trait PlatformAdapter: Send + Sync {
    /// What is known about the platform.
    fn spec(&self) -> &ProviderSpec;

    /// The platform's consent page for this flow.
    ///
    /// # Errors
    ///
    /// `ConfigError` where the platform is not configured, `BadRequest` without the verifier that
    /// it needs.
    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError>;

    /// Buys the first token set. A code is good for one call, so only a surely unprocessed one may
    /// be repeated.
    ///
    /// # Errors
    ///
    /// Any class; `NeedsReauth` means that the code was refused.
    async fn exchange_code_for_token(
        &self,
        exchange: &CodeExchange<'_>,
    ) -> Result<TokenSet, AdapterError>;

    /// Buys a new access token with what is held.
    ///
    /// # Errors
    ///
    /// Any class; `NeedsReauth` means that the grant has ended.
    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError>;

    /// The accounts that the grant reaches: one for most platforms, several or none for some.
    /// `granted` says what may be asked for; empty if unknown.
    ///
    /// # Errors
    ///
    /// Any class; `Unknown` where the answer names no account.
    async fn user_profile(
        &self,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError>;

    /// Ends the grant at the platform. A grant that is gone already counts as revoked.
    ///
    /// # Errors
    ///
    /// Any class; the call may be repeated.
    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError>;

    /// What the account's owner is asked for, where there is no consent page; empty for OAuth
    /// platforms.
    fn credential_fields(&self) -> &[CredentialField] {
        &[]
    }

    /// Reads what the owner filled in and, where the platform can be asked, checks it there.
    ///
    /// # Errors
    ///
    /// [`CredentialError::Fields`] for the owner to mend, else why the platform could not be asked.
    async fn accept_credentials(
        &self,
        _values: &BTreeMap<String, String>,
    ) -> Result<AcceptedCredentials, CredentialError> {
        Err(no_credentials().into())
    }

    /// Whether a stored session still holds.
    ///
    /// # Errors
    ///
    /// Any class. `NeedsReauth` needs to be confirmed by a second check before the session is
    /// called ended.
    async fn check_session(&self, _session: &AccessToken) -> Result<SessionCheck, AdapterError> {
        Err(no_credentials())
    }
}

fn no_credentials() -> AdapterError {
    AdapterError::unsent(
        ErrorClass::BadRequest,
        "the platform takes no credentials, only consent",
    )
}
