//! The start of an authorization flow (`initiateOAuthFlow` in the original Node.js API).

use std::sync::Arc;

use evergrant_adapters::{
    AdapterError, AuthorizationRequest, PlatformAdapter, Provider, ProviderSpec,
};
use evergrant_encryption::EncryptedToken;
use evergrant_encryption::digest::{decode_base64url, sha256};
use evergrant_model::{
    Call, Clock, ErrorCode, FlowId, FlowState, PkceVerifier, ProviderAccountId, ProviderSlug,
    ScopeSet, Timestamp, UserId,
};
use evergrant_store::{ConnectionRepository, FlowRepository, NewFlow, UserRepository};
use url::Url;

use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::tokens::encryption::TokenEncryption;
use crate::{ServiceError, ServiceSettings};

/// The options of a new flow.
#[derive(Debug, Clone, Default)]
pub struct ConnectRequest {
    /// The app's page to which the browser returns. Default: the first allowed URL.
    pub redirect_url: Option<String>,
    /// The scopes to request in addition to the required ones. Default: all scopes of the
    /// platform's catalogue entry.
    pub scopes: Option<Vec<String>>,
    /// The platform's id of the account to reconnect; `None` connects a new one.
    pub account: Option<ProviderAccountId>,
    /// The SHA-256, as base64url, of a verifier that the caller keeps. With a challenge, the flow
    /// must be finished with the verifier.
    pub challenge: Option<String>,
}

/// A flow that has started.
pub struct StartedFlow {
    /// The URL of the consent page, or of Evergrant's form for a platform without one.
    pub auth_url: String,
    /// The state, which the callback must return.
    pub state: FlowState,
    /// The flow's id.
    pub flow_id: FlowId,
    /// When the state expires.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for StartedFlow {
    /// Omits the URL, which contains the state.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartedFlow")
            .field("flow_id", &self.flow_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The message for invalid scopes (RFC 6749 §3.3).
const SCOPES_EXPECTED: &str = "must be at most 100 scopes, each of 1 to 255 printable ASCII \
                               characters without space, quotation mark, comma or backslash";

/// A validated request.
struct ValidRequest {
    redirect_url: Url,
    scopes: ScopeSet,
    reconnect: Option<ProviderAccountId>,
    challenge: Option<String>,
}

/// Starts flows.
pub(crate) struct FlowStarter {
    pub(crate) flows: FlowRepository,
    pub(crate) users: UserRepository,
    pub(crate) connections: ConnectionRepository,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) settings: Arc<ServiceSettings>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl FlowStarter {
    /// Implements [`crate::IntegrationsService::initiate_oauth_flow`].
    pub(crate) async fn start(
        &self,
        call: &Call,
        slug: &ProviderSlug,
        user: UserId,
        request: ConnectRequest,
    ) -> Result<StartedFlow, ServiceError> {
        let provider = self.providers.get(slug)?;
        if self.users.by_id(user).await?.is_none() {
            return Err(ServiceError::user_not_found());
        }
        self.providers.configured(slug)?;
        let request = self.validate(provider.spec(), user, request).await?;
        let flow = self.store(call, &provider, user, &request).await?;
        self.recorder.record(
            call,
            &Outcome::FlowStarted {
                provider: &provider.spec().slug,
                user,
                flow: &flow.flow_id,
            },
        );
        Ok(flow)
    }

    /// Checks the options of a request and applies the defaults.
    async fn validate(
        &self,
        spec: &ProviderSpec,
        user: UserId,
        request: ConnectRequest,
    ) -> Result<ValidRequest, ServiceError> {
        if let Some(account) = &request.account
            && self
                .connections
                .owned(user, &spec.slug, account)
                .await?
                .is_none()
        {
            return Err(ServiceError::account_not_found());
        }
        Ok(ValidRequest {
            redirect_url: self.redirect_url(request.redirect_url.as_deref())?,
            scopes: requested_scopes(spec, request.scopes.as_deref())?,
            challenge: request.challenge.map(validate_challenge).transpose()?,
            reconnect: request.account,
        })
    }

    /// Returns the requested URL, or the default one, if it is allowed.
    fn redirect_url(&self, requested: Option<&str>) -> Result<Url, ServiceError> {
        let allowed = &self.settings.allowed_redirects;
        match requested {
            Some(text) => allowed.require("redirectUrl", text),
            None => allowed.first().cloned().ok_or_else(ServiceError::internal),
        }
    }

    /// Stores the flow with a new state and, if the platform uses PKCE, a new encrypted verifier.
    async fn store(
        &self,
        call: &Call,
        provider: &Provider,
        user: UserId,
        request: &ValidRequest,
    ) -> Result<StartedFlow, ServiceError> {
        let spec = provider.spec();
        let state = FlowState::new(self.ids.text::<32>());
        let (auth_url, verifier) = self.auth_url(provider, request, &state)?;
        let flow_id = FlowId::new(self.ids.name())
            .map_err(|error| ServiceError::internal().caused_by(error))?;
        let now = self.clock.now();
        let flow = NewFlow {
            id: &flow_id,
            state_hash: &sha256(state.expose()),
            user,
            provider: &spec.slug,
            redirect_url: request.redirect_url.as_str(),
            requested_scope: &request.scopes.to_string(),
            reconnect_account: request.reconnect.as_ref(),
            pkce_verifier: verifier.as_ref(),
            expected_issuer: spec.issuer.as_deref(),
            finish_challenge: request.challenge.as_deref(),
            receipt_salt: &self.ids.bytes::<32>(),
            correlation_id: &call.correlation_id,
            created_at: now,
            expires_at: now + self.settings.flow_ttl,
        };
        self.flows.insert(&flow).await?;
        let expires_at = flow.expires_at;
        Ok(StartedFlow {
            auth_url,
            state,
            flow_id,
            expires_at,
        })
    }

    /// Returns the URL of the platform's consent page, or of Evergrant's form for a platform
    /// without one, and the encrypted PKCE verifier of a platform that uses PKCE.
    fn auth_url(
        &self,
        provider: &Provider,
        request: &ValidRequest,
        state: &FlowState,
    ) -> Result<(String, Option<EncryptedToken>), ServiceError> {
        let spec = provider.spec();
        let verifier = spec
            .requires_pkce()
            .then(|| PkceVerifier::new(self.ids.text::<32>()));
        let encrypt = |verifier: &PkceVerifier| self.encryption.encrypt_text(verifier.expose());
        let encrypted = verifier.as_ref().map(encrypt).transpose()?;
        if spec.uses_session_credentials() {
            let form_url = self.settings.form_url(&spec.slug, state.expose());
            return Ok((form_url, encrypted));
        }
        let authorization = AuthorizationRequest {
            redirect_uri: &self.settings.callback_url(&spec.slug),
            state,
            scopes: &request.scopes,
            verifier: verifier.as_ref(),
        };
        let auth_url = provider.auth_url(&authorization);
        let auth_url = auth_url.map_err(|error| start_failed(spec, &error))?;
        Ok((auth_url, encrypted))
    }
}

/// Logs that the authorization URL could not be built and returns the error for the app.
fn start_failed(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    tracing::error!(provider = %spec.slug, %error, "failed to build authorization URL");
    let name = &spec.name;
    let detail =
        format!("Sign-in with {name} could not be started. Please contact the administrator.");
    ServiceError::new(ErrorCode::OauthInitError, detail)
}

/// Returns the scopes to request: the required ones and the caller's, or all scopes of the
/// platform's catalogue entry if the caller specifies none.
fn requested_scopes(
    spec: &ProviderSpec,
    requested: Option<&[String]>,
) -> Result<ScopeSet, ServiceError> {
    let extra: ScopeSet = requested.unwrap_or_default().iter().cloned().collect();
    let all = spec.requested_scopes(&extra);
    let all = all.map_err(|_| ServiceError::field("scopes", SCOPES_EXPECTED))?;
    if requested.is_none() {
        return Ok(all);
    }
    let required = spec.scopes.iter().filter(|scope| scope.required);
    Ok(required
        .map(|scope| scope.id.as_str())
        .chain(extra.iter())
        .collect())
}

/// Returns the challenge if it has the form of a SHA-256 in base64url.
fn validate_challenge(challenge: String) -> Result<String, ServiceError> {
    match decode_base64url(&challenge) {
        Some(hash) if hash.len() == 32 => Ok(challenge),
        _ => {
            let message = "must be a SHA-256 in base64url: 43 characters without padding";
            Err(ServiceError::field("challenge", message))
        }
    }
}
