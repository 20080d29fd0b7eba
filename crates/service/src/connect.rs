//! Beginning a flow: the seed's `initiateOAuthFlow`.

use evergrant_adapters::{AuthorizationRequest, PlatformAdapter, ProviderKind, ProviderSpec};
use evergrant_encryption::digest::{decode_base64url, sha256};
use evergrant_model::{
    CorrelationId, ErrorCode, FlowId, FlowState, PkceVerifier, ProviderAccountId, ScopeSet, Timestamp, UserId,
};
use evergrant_store::NewFlow;
use url::Url;

use crate::ServiceError;
use crate::service::{Inner, IntegrationsService};

/// What a caller may say about a flow.
#[derive(Debug, Clone, Default)]
pub struct ConnectRequest {
    /// Where the browser goes at the end; `None` for the first allowed address.
    pub redirect_url: Option<String>,
    /// What to ask for beyond what is required; `None` for all that the platform's entry lists.
    pub scopes: Option<Vec<String>>,
    /// The account to reconnect; `None` for a new one.
    pub account: Option<String>,
    /// Base64url of the SHA-256 of a verifier that the caller keeps: the flow must then be finished with it.
    pub challenge: Option<String>,
}

/// A flow that has begun.
pub struct StartedFlow {
    /// The consent page to send the user to.
    pub auth_url: String,
    /// What the callback will bring back.
    pub state: FlowState,
    /// The flow's public name.
    pub flow_id: FlowId,
    /// When the state ends.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for StartedFlow {
    /// Without the address, which holds the state.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartedFlow")
            .field("flow_id", &self.flow_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A flow whose request has been found acceptable.
struct Draft {
    redirect_url: Url,
    scopes: ScopeSet,
    reconnect: Option<ProviderAccountId>,
    challenge: Option<String>,
}

impl IntegrationsService {
    /// Begins a flow for `user` and answers the consent page's address.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `PROVIDER_NOT_CONFIGURED`, `INVALID_REDIRECT_URL`, `VALIDATION_ERROR` for scopes or a
    /// challenge, `ACCOUNT_NOT_FOUND` for an account to reconnect, `USER_NOT_FOUND`.
    pub async fn initiate_oauth_flow(
        &self,
        provider: &str,
        user: UserId,
        request: ConnectRequest,
        correlation_id: &CorrelationId,
    ) -> Result<StartedFlow, ServiceError> {
        let platform = self.platform(provider)?;
        if self.store.users().by_id(user).await?.is_none() {
            return Err(ServiceError::user_not_found());
        }
        self.configured(provider)?;
        let draft = self.draft(platform.spec(), user, request).await?;
        let flow = self.begin(&*platform, user, &draft, correlation_id).await?;
        tracing::info!(provider, user.id = user.get(), flow.id = %flow.flow_id, correlation_id = %correlation_id, "flow begun");
        Ok(flow)
    }
}

impl Inner {
    async fn draft(&self, spec: &ProviderSpec, user: UserId, request: ConnectRequest) -> Result<Draft, ServiceError> {
        let reconnect = request.account.as_deref().map(Self::account_id).transpose()?;
        if let Some(account) = &reconnect
            && self.store.connections().owned(user, &spec.slug, account).await?.is_none()
        {
            return Err(ServiceError::account_not_found());
        }
        Ok(Draft {
            redirect_url: self.redirect_url(request.redirect_url.as_deref())?,
            scopes: wanted_scopes(spec, request.scopes.as_deref())?,
            challenge: request.challenge.map(checked_challenge).transpose()?,
            reconnect,
        })
    }

    fn redirect_url(&self, asked: Option<&str>) -> Result<Url, ServiceError> {
        let allowed = &self.settings.allowed_redirects;
        let url = asked.map_or_else(|| allowed.first().cloned(), |text| allowed.check(text));
        url.ok_or_else(|| {
            let detail = "The address to return to is not on this service's list of allowed addresses.";
            ServiceError::new(ErrorCode::InvalidRedirectUrl, detail)
        })
    }

    async fn begin(
        &self,
        platform: &dyn PlatformAdapter,
        user: UserId,
        draft: &Draft,
        correlation_id: &CorrelationId,
    ) -> Result<StartedFlow, ServiceError> {
        let spec = platform.spec();
        let state = FlowState::new(self.random_text::<32>());
        let verifier = spec.uses_pkce().then(|| PkceVerifier::new(self.random_text::<32>()));
        let sealed = verifier.as_ref().map(|verifier| self.cipher.encrypt_token(verifier.expose())).transpose()?;
        let callback = self.settings.callback_url(spec.slug.as_str());
        let authorization = AuthorizationRequest {
            redirect_uri: &callback,
            state: &state,
            scopes: &draft.scopes,
            verifier: verifier.as_ref(),
        };
        let auth_url = match spec.kind {
            ProviderKind::OAuth2 => platform.auth_url(&authorization).map_err(|error| cannot_begin(spec, &error))?,
            ProviderKind::Cookies => self.settings.form_url(spec.slug.as_str(), state.expose()),
        };
        let flow_id = FlowId::new(self.random_name()).map_err(|_| ServiceError::flow_not_found())?;
        let now = self.now();
        let flow = NewFlow {
            id: &flow_id,
            state_hash: &sha256(state.expose()),
            user,
            provider: &spec.slug,
            redirect_url: draft.redirect_url.as_str(),
            scope: &draft.scopes.to_string(),
            reconnect: draft.reconnect.as_ref(),
            verifier: sealed.as_ref(),
            issuer: spec.issuer.as_deref(),
            challenge: draft.challenge.as_deref(),
            receipt_salt: &self.entropy.bytes::<32>(),
            correlation_id,
            created_at: now,
            expires_at: now.plus_seconds(self.settings.flow_ttl_seconds),
        };
        self.store.flows().insert(&flow).await?;
        let expires_at = flow.expires_at;
        Ok(StartedFlow { auth_url, state, flow_id, expires_at })
    }
}

fn cannot_begin(spec: &ProviderSpec, error: &evergrant_adapters::AdapterError) -> ServiceError {
    tracing::error!(provider = %spec.slug, error = %error, "a consent page's address could not be made");
    ServiceError::new(ErrorCode::OauthInitError, format!("The sign-in at {} could not be begun.", spec.name))
}

/// What the platform requires, and what the caller wishes or, without a wish, all that the entry lists.
fn wanted_scopes(spec: &ProviderSpec, asked: Option<&[String]>) -> Result<ScopeSet, ServiceError> {
    let extra: ScopeSet = asked.unwrap_or_default().iter().cloned().collect();
    let all = spec.wanted_scopes(&extra).map_err(|_| ServiceError::field("scopes", "a scope is not acceptable"))?;
    if asked.is_none() {
        return Ok(all);
    }
    let required = spec.scopes.iter().filter(|scope| scope.required).map(|scope| scope.id.as_str());
    Ok(required.chain(extra.iter()).collect())
}

fn checked_challenge(challenge: String) -> Result<String, ServiceError> {
    match decode_base64url(&challenge) {
        Some(hash) if hash.len() == 32 => Ok(challenge),
        _ => Err(ServiceError::field("challenge", "must be the base64url of a SHA-256: 43 characters without padding")),
    }
}
