//! The façade of the service: the core operations, and access to the components.

mod accessors;

use std::sync::Arc;

use evergrant_model::{
    Actor, Call, CorrelationId, ProviderAccountId, ProviderSlug, SignedDuration, Timestamp, UserId,
    is_token_expired,
};

use crate::ServiceError;
use crate::assembly::Components;
use crate::authorization::outcome::{CallbackOutcome, CallbackParams};
use crate::authorization::start::{ConnectRequest, StartedFlow};
use crate::connections::disconnect::Disconnected;
use crate::connections::list::IntegrationList;
use crate::parts::ServiceParts;
use crate::tokens::access_token::IssuedToken;

/// The connected accounts of an app's users. Clones share one service.
#[derive(Clone)]
pub struct IntegrationsService(Arc<Components>);

impl IntegrationsService {
    /// Assembles the service from its dependencies.
    #[must_use]
    pub fn new(parts: ServiceParts) -> Self {
        Self(Arc::new(Components::assemble(parts)))
    }

    /// Returns the user's connections. An unchanged list is served from the cache for up to five
    /// minutes.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND` if the user does not exist, `DATABASE_ERROR` if a query fails.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id))]
    pub async fn connected_integrations(
        &self,
        call: &Call,
        user: UserId,
    ) -> Result<IntegrationList, ServiceError> {
        self.0.connections.of_user(call, user).await
    }

    /// Starts an authorization flow for `user` and returns the URL of the consent page.
    ///
    /// # Errors
    ///
    /// * `INVALID_PROVIDER` if the platform is unknown, `PROVIDER_NOT_CONFIGURED` if it has no
    ///   client registration;
    /// * `INVALID_REDIRECT_URL` if the redirect URL is not allowed;
    /// * `VALIDATION_ERROR` if the scopes or the challenge are invalid;
    /// * `ACCOUNT_NOT_FOUND` if the account to reconnect is not connected;
    /// * `USER_NOT_FOUND` if the user does not exist.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = %provider))]
    pub async fn initiate_oauth_flow(
        &self,
        call: &Call,
        provider: &ProviderSlug,
        user: UserId,
        request: ConnectRequest,
    ) -> Result<StartedFlow, ServiceError> {
        self.0
            .flow_starter
            .start(call, provider, user, request)
            .await
    }

    /// Handles the callback of a flow: the authorization response of the platform (RFC 6749,
    /// section 4.1.2).
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` if the state is unknown, belongs to another platform, or was used with
    /// another code: the browser must not be redirected. Any other failure is a
    /// [`CallbackOutcome`], because the flow determines where the browser is redirected.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = %provider))]
    pub async fn handle_oauth_callback(
        &self,
        call: &Call,
        provider: &ProviderSlug,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.0.callbacks.handle(call, provider, params).await
    }

    /// Returns an access token of the user's connection that is valid for at least
    /// `min_ttl`, as far as the lifetime of the platform's tokens allows.
    ///
    /// # Errors
    ///
    /// * `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND` or `USER_NOT_FOUND` if there is no such platform,
    ///   connection or user;
    /// * `NO_ACCESS_TOKEN` if the connection holds no access token;
    /// * `RECONNECT_REQUIRED` if the platform has rejected the grant;
    /// * `TOKEN_EXPIRED` if the token has expired and cannot be refreshed;
    /// * the error of the refresh, only if the stored token has expired.
    #[tracing::instrument(
        level = "debug", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = %provider)
    )]
    pub async fn access_token(
        &self,
        call: &Call,
        user: UserId,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
        min_ttl: SignedDuration,
    ) -> Result<IssuedToken, ServiceError> {
        self.0
            .access_tokens
            .issue(call, user, provider, account, min_ttl)
            .await
    }

    /// Refreshes the token of the user's connection now, or joins the refresh in flight. Returns
    /// when the new token expires.
    ///
    /// # Errors
    ///
    /// * `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND` or `USER_NOT_FOUND` if there is no such platform,
    ///   connection or user;
    /// * `RECONNECT_REQUIRED` if the platform has rejected the grant; no request is sent then;
    /// * `NO_REFRESH_TOKEN` if the token cannot be refreshed;
    /// * the error of the refresh.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = %provider))]
    pub async fn refresh_token(
        &self,
        call: &Call,
        user: UserId,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Option<Timestamp>, ServiceError> {
        self.0
            .access_tokens
            .refresh(call, user, provider, account)
            .await
    }

    /// Deletes the user's connection, and revokes its grant if the platform supports revocation.
    /// The connection is deleted even if the revocation fails.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER` if the platform is unknown, `ACCOUNT_NOT_FOUND` if the account is not
    /// connected or belongs to another user, `USER_NOT_FOUND` if the user does not exist.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = %provider))]
    pub async fn disconnect_integration(
        &self,
        call: &Call,
        user: UserId,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Disconnected, ServiceError> {
        self.0
            .disconnector
            .disconnect(call, user, provider, account)
            .await
    }

    /// Returns whether a token with this expiry counts as expired now; `None` never does.
    #[must_use]
    pub fn is_token_expired(&self, expires_at: Option<Timestamp>) -> bool {
        is_token_expired(expires_at, self.0.clock.now())
    }

    /// Returns a new correlation id, for an operation whose caller sends none.
    #[must_use]
    pub fn new_correlation_id(&self) -> CorrelationId {
        self.0.ids.correlation_id()
    }

    /// Returns the context of an operation that starts now.
    #[must_use]
    pub fn call(&self, actor: Actor, correlation_id: CorrelationId) -> Call {
        Call {
            actor,
            correlation_id,
            at: self.0.clock.now(),
        }
    }
}
