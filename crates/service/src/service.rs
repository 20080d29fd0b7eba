//! The façade: the operations of the seed, and the components behind them.

use std::sync::Arc;

use evergrant_model::{Actor, Call, CorrelationId, Timestamp, UserId, is_token_expired};

use crate::access::api_keys::ApiKeys;
use crate::access::authenticator::Authenticator;
use crate::access::console_session::ConsoleSessions;
use crate::access::sessions::Sessions;
use crate::access::users::Users;
use crate::assembly::Components;
use crate::authorization::authorizations::Authorizations;
use crate::authorization::outcome::{CallbackOutcome, CallbackParams};
use crate::authorization::start::{ConnectRequest, StartedFlow};
use crate::connections::avatars::Avatars;
use crate::connections::disconnect::Disconnected;
use crate::connections::list::{ConnectionList, IntegrationList};
use crate::events::user_events::UserEventStreams;
use crate::parts::ServiceParts;
use crate::process::Process;
use crate::providers::Providers;
use crate::tokens::access_token::IssuedToken;
use crate::tokens::report_rejected::RejectedTokens;
use crate::{ServiceError, ServiceSettings};

/// The connected accounts of an app's users. A clone is the same service.
#[derive(Clone)]
pub struct IntegrationsService(Arc<Components>);

impl IntegrationsService {
    /// Assembles the service.
    #[must_use]
    pub fn new(parts: ServiceParts) -> Self {
        Self(Arc::new(Components::assemble(parts)))
    }

    /// The user's connections, from the cache for up to five minutes unless something changed.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id))]
    pub async fn connected_integrations(
        &self,
        call: &Call,
        user: UserId,
    ) -> Result<IntegrationList, ServiceError> {
        self.0.connections.of_user(call, user).await
    }

    /// Starts a flow for `user` and returns the address of the consent page.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `PROVIDER_NOT_CONFIGURED`, `INVALID_REDIRECT_URL`, `VALIDATION_ERROR`
    /// for scopes or a challenge, `ACCOUNT_NOT_FOUND` for an account to reconnect,
    /// `USER_NOT_FOUND`.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = ?provider))]
    pub async fn initiate_oauth_flow(
        &self,
        call: &Call,
        provider: &str,
        user: UserId,
        request: ConnectRequest,
    ) -> Result<StartedFlow, ServiceError> {
        self.0
            .flow_starter
            .start(call, provider, user, request)
            .await
    }

    /// Handles the platform's answer to a flow.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a state that is unknown, another platform's, or used with another code:
    /// the browser must not be redirected. Every other failure is an outcome, because the flow
    /// knows where its browser goes.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = ?provider))]
    pub async fn handle_oauth_callback(
        &self,
        call: &Call,
        provider: &str,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.0.callbacks.handle(call, provider, params).await
    }

    /// An access token of the user's connection that is valid for at least `min_ttl_seconds`, as
    /// far as the platform's lifetimes allow.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`, `NO_ACCESS_TOKEN`;
    /// `RECONNECT_REQUIRED` once the platform has rejected the grant, `TOKEN_EXPIRED` if the token
    /// cannot be refreshed; and, only when the held token has expired, the failure of its refresh.
    #[tracing::instrument(
        level = "debug", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = ?provider)
    )]
    pub async fn access_token(
        &self,
        call: &Call,
        user: UserId,
        provider: &str,
        account: &str,
        min_ttl_seconds: i64,
    ) -> Result<IssuedToken, ServiceError> {
        self.0
            .access_tokens
            .issue(call, user, provider, account, min_ttl_seconds)
            .await
    }

    /// Refreshes the user's connection now, or joins the refresh that is under way; returns when
    /// the new token expires.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`; `RECONNECT_REQUIRED` for a grant
    /// that has ended, without a call to the platform; `NO_REFRESH_TOKEN`; or the failure of the
    /// refresh.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = ?provider))]
    pub async fn refresh_token(
        &self,
        call: &Call,
        user: UserId,
        provider: &str,
        account: &str,
    ) -> Result<Option<Timestamp>, ServiceError> {
        self.0
            .access_tokens
            .refresh(call, user, provider, account)
            .await
    }

    /// Deletes the user's connection and revokes its grant as far as the platform can. The
    /// connection is deleted whatever the platform answers.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND` for an unknown account or another user's,
    /// `USER_NOT_FOUND`.
    #[tracing::instrument(skip_all, fields(actor = %call.actor, correlation_id = %call.correlation_id, provider = ?provider))]
    pub async fn disconnect_integration(
        &self,
        call: &Call,
        user: UserId,
        provider: &str,
        account: &str,
    ) -> Result<Disconnected, ServiceError> {
        self.0
            .disconnector
            .disconnect(call, user, provider, account)
            .await
    }

    /// Whether a token that ends at `expires_at` counts as expired now; `None` never does.
    #[must_use]
    pub fn is_token_expired(&self, expires_at: Option<Timestamp>) -> bool {
        is_token_expired(expires_at, self.0.clock.now())
    }

    /// A new correlation id, for an operation whose caller sends none.
    #[must_use]
    pub fn new_correlation_id(&self) -> CorrelationId {
        self.0.ids.correlation_id()
    }

    /// The context of an operation that starts now.
    #[must_use]
    pub fn call(&self, actor: Actor, correlation_id: CorrelationId) -> Call {
        Call {
            actor,
            correlation_id,
            at: self.0.clock.now(),
        }
    }
}

/// Accessors of the components that have operations of their own.
macro_rules! components {
    ($($(#[$doc:meta])* $name:ident: $component:ty;)*) => {
        impl IntegrationsService {
            $($(#[$doc])* #[must_use] pub fn $name(&self) -> &$component { &self.0.$name })*
        }
    };
}

components! {
    /// Progress and completion of flows.
    authorizations: Authorizations;
    /// Lists of connections.
    connections: ConnectionList;
    /// Reports of rejected tokens.
    rejected_tokens: RejectedTokens;
    /// Event streams.
    events: UserEventStreams;
    /// Profile pictures.
    avatars: Avatars;
    /// The platforms.
    providers: Providers;
    /// Authentication of bearer credentials.
    authenticator: Authenticator;
    /// Users of the app.
    users: Users;
    /// API keys.
    api_keys: ApiKeys;
    /// Sessions of browsers.
    sessions: Sessions;
    /// Sign-in to the console.
    console: ConsoleSessions;
    /// Background work, health and shutdown.
    process: Process;
    /// The operator's settings.
    settings: ServiceSettings;
}
