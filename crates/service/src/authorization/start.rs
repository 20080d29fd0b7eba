//! Start of a flow: the seed's `initiateOAuthFlow`.

use std::sync::Arc;

use evergrant_adapters::{
    AdapterError, AuthorizationRequest, PlatformAdapter, Provider, ProviderSpec,
};
use evergrant_encryption::digest::{decode_base64url, sha256};
use evergrant_model::{
    Call, Clock, ErrorCode, FlowId, FlowState, PkceVerifier, ProviderAccountId, ScopeSet,
    Timestamp, UserId,
};
use evergrant_store::{ConnectionRepository, FlowRepository, NewFlow, UserRepository};
use url::Url;

use crate::connections::lookup::account_id;
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::tokens::encryption::TokenEncryption;
use crate::{ServiceError, ServiceSettings};

/// What a caller may specify about a flow.
#[derive(Debug, Clone, Default)]
pub struct ConnectRequest {
    /// Where the browser goes at the end; `None` for the first allowed address.
    pub redirect_url: Option<String>,
    /// The scopes to request beyond the required ones; `None` for all of the platform's entry.
    pub scopes: Option<Vec<String>>,
    /// The account to reconnect; `None` for a new one.
    pub account: Option<String>,
    /// The base64url of the SHA-256 of a verifier that the caller keeps. The flow must then be
    /// finished with the verifier.
    pub challenge: Option<String>,
}

/// A flow that has started.
pub struct StartedFlow {
    /// The address of the consent page.
    pub auth_url: String,
    /// The state that the callback will bring back.
    pub state: FlowState,
    /// The flow's id.
    pub flow_id: FlowId,
    /// When the state expires.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for StartedFlow {
    /// Omits the address, which contains the state.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartedFlow")
            .field("flow_id", &self.flow_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

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
    /// See [`crate::IntegrationsService::initiate_oauth_flow`].
    pub(crate) async fn start(
        &self,
        call: &Call,
        provider: &str,
        user: UserId,
        request: ConnectRequest,
    ) -> Result<StartedFlow, ServiceError> {
        let platform = self.providers.get(provider)?;
        if self.users.by_id(user).await?.is_none() {
            return Err(ServiceError::user_not_found());
        }
        self.providers.configured(provider)?;
        let request = self.validate(platform.spec(), user, request).await?;
        let flow = self.store(call, &platform, user, &request).await?;
        let provider = &platform.spec().slug;
        self.recorder.record(
            call,
            &Outcome::FlowStarted {
                provider,
                user,
                flow: &flow.flow_id,
            },
        );
        Ok(flow)
    }

    async fn validate(
        &self,
        spec: &ProviderSpec,
        user: UserId,
        request: ConnectRequest,
    ) -> Result<ValidRequest, ServiceError> {
        let reconnect = request.account.as_deref().map(account_id).transpose()?;
        if let Some(account) = &reconnect
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
            reconnect,
        })
    }

    fn redirect_url(&self, requested: Option<&str>) -> Result<Url, ServiceError> {
        let allowed = &self.settings.allowed_redirects;
        let url = requested.map_or_else(|| allowed.first().cloned(), |text| allowed.check(text));
        url.ok_or_else(|| {
            let detail =
                "The address to return to is not on this service's list of allowed addresses.";
            ServiceError::new(ErrorCode::InvalidRedirectUrl, detail)
        })
    }

    async fn store(
        &self,
        call: &Call,
        platform: &Provider,
        user: UserId,
        request: &ValidRequest,
    ) -> Result<StartedFlow, ServiceError> {
        let spec = platform.spec();
        let state = FlowState::new(self.ids.text::<32>());
        let verifier = spec
            .uses_pkce()
            .then(|| PkceVerifier::new(self.ids.text::<32>()));
        let auth_url = self.auth_url(platform, request, &state, verifier.as_ref())?;
        let encrypt = |verifier: &PkceVerifier| self.encryption.encrypt_text(verifier.expose());
        let verifier = verifier.as_ref().map(encrypt).transpose()?;
        let flow_id = FlowId::new(self.ids.name()).map_err(|_| ServiceError::internal())?;
        let now = self.clock.now();
        let flow = NewFlow {
            id: &flow_id,
            state_hash: &sha256(state.expose()),
            user,
            provider: &spec.slug,
            redirect_url: request.redirect_url.as_str(),
            scope: &request.scopes.to_string(),
            reconnect: request.reconnect.as_ref(),
            verifier: verifier.as_ref(),
            issuer: spec.issuer.as_deref(),
            challenge: request.challenge.as_deref(),
            receipt_salt: &self.ids.bytes::<32>(),
            correlation_id: &call.correlation_id,
            created_at: now,
            expires_at: now.plus_seconds(self.settings.flow_ttl_seconds),
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

    /// The platform's consent page, or Evergrant's form for a platform without one.
    fn auth_url(
        &self,
        platform: &Provider,
        request: &ValidRequest,
        state: &FlowState,
        verifier: Option<&PkceVerifier>,
    ) -> Result<String, ServiceError> {
        let spec = platform.spec();
        if spec.takes_pasted_session() {
            return Ok(self.settings.form_url(spec.slug.as_str(), state.expose()));
        }
        let redirect_uri = &self.settings.callback_url(spec.slug.as_str());
        let scopes = &request.scopes;
        let authorization = AuthorizationRequest {
            redirect_uri,
            state,
            scopes,
            verifier,
        };
        platform
            .auth_url(&authorization)
            .map_err(|error| start_failed(spec, &error))
    }
}

fn start_failed(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    tracing::error!(provider = %spec.slug, %error, "failed to build the authorization URL");
    let detail = format!("The sign-in at {} could not be begun.", spec.name);
    ServiceError::new(ErrorCode::OauthInitError, detail)
}

/// The required scopes, and those that the caller requests or, if it requests none, all of the
/// platform's entry.
fn requested_scopes(
    spec: &ProviderSpec,
    requested: Option<&[String]>,
) -> Result<ScopeSet, ServiceError> {
    let extra: ScopeSet = requested.unwrap_or_default().iter().cloned().collect();
    let all = spec.wanted_scopes(&extra);
    let all = all.map_err(|_| ServiceError::field("scopes", "a scope is not acceptable"))?;
    if requested.is_none() {
        return Ok(all);
    }
    let required = spec.scopes.iter().filter(|scope| scope.required);
    Ok(required
        .map(|scope| scope.id.as_str())
        .chain(extra.iter())
        .collect())
}

fn validate_challenge(challenge: String) -> Result<String, ServiceError> {
    match decode_base64url(&challenge) {
        Some(hash) if hash.len() == 32 => Ok(challenge),
        _ => {
            let expected = "must be the base64url of a SHA-256: 43 characters without padding";
            Err(ServiceError::field("challenge", expected))
        }
    }
}
