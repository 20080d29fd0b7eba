//! Reads of access tokens: the seed's `getAccessToken`, and the purpose of the product.
//!
//! A fresh token is served from the cache: no lock, no write, no query. A token that is about to
//! expire is served and refreshed in the background. An expired token is refreshed first, together
//! with all other callers that want it.

use std::sync::Arc;

use evergrant_adapters::ProviderSpec;
use evergrant_model::{
    AccessToken, Call, Clock, ConnectionStatus, ErrorCode, Freshness, Timestamp, UserId,
};
use evergrant_store::Connection;

use crate::ServiceError;
use crate::connections::lookup::ConnectionLookup;
use crate::database::{DatabaseMonitor, FeedState};
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::refresh::coordinator::Refresher;
use crate::refresh::permission::RefreshReason;
use crate::tasks::Tasks;
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::last_used::LastUsed;
use crate::tokens::refresh_time::{RefreshTiming, awaits_user, is_refreshable, is_usable};

/// A valid access token.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub access_token: AccessToken,
    /// The token type as the platform sent it, such as `bearer`.
    pub token_type: Option<String>,
    /// When the token expires; `None` if unknown.
    pub expires_at: Option<Timestamp>,
    /// The granted scopes, separated by spaces.
    pub scope: Option<String>,
}

/// Issues access tokens.
pub(crate) struct AccessTokens {
    pub(crate) lookup: Arc<ConnectionLookup>,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) refresher: Arc<Refresher>,
    pub(crate) timing: RefreshTiming,
    pub(crate) last_used: Arc<LastUsed>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl AccessTokens {
    /// See [`crate::IntegrationsService::access_token`].
    pub(crate) async fn issue(
        &self,
        call: &Call,
        user: UserId,
        provider: &str,
        account: &str,
        min_ttl_seconds: i64,
    ) -> Result<IssuedToken, ServiceError> {
        let platform = self.providers.get(provider)?;
        let spec = platform.spec();
        let held = self.lookup.cached(call, user, spec, account).await?;
        self.check_status(&held, spec)?;
        self.last_used.record(held.id);
        match self.timing.freshness(&held, spec, min_ttl_seconds) {
            Freshness::Fresh => self.decrypt(call, &held),
            Freshness::Renewable => {
                self.refresh_in_background(call, &held, spec);
                self.decrypt(call, &held)
            }
            Freshness::Expired => {
                let reason = RefreshReason::Expired;
                match self.refresher.refresh(call, &held, spec, reason).await {
                    Ok(refreshed) => self.decrypt(call, &refreshed),
                    // While the held token is valid, no failed refresh makes a read fail.
                    Err(_) if is_usable(&held, self.clock.now()) => self.decrypt(call, &held),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// See [`crate::IntegrationsService::refresh_token`].
    pub(crate) async fn refresh(
        &self,
        call: &Call,
        user: UserId,
        provider: &str,
        account: &str,
    ) -> Result<Option<Timestamp>, ServiceError> {
        let platform = self.providers.get(provider)?;
        let spec = platform.spec();
        let account = crate::connections::lookup::account_id(account)?;
        let held = self.lookup.current(call, user, spec, &account).await?;
        if held.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        if !is_refreshable(&held, spec) {
            let detail = "This connection holds nothing that could renew its token. Please connect \
                          the account again.";
            return Err(ServiceError::new(ErrorCode::NoRefreshToken, detail));
        }
        let reason = RefreshReason::Requested;
        Ok(self
            .refresher
            .refresh(call, &held, spec, reason)
            .await?
            .tokens
            .expires_at)
    }

    fn refresh_in_background(&self, call: &Call, held: &Arc<Connection>, spec: &ProviderSpec) {
        let due =
            held.failures == 0 || held.next_refresh_at.is_none_or(|at| at <= self.clock.now());
        let is_down = self.database.feed_state() == FeedState::DatabaseDown;
        if !is_refreshable(held, spec) || awaits_user(held) || !due || is_down {
            return;
        }
        let (refresher, providers) = (Arc::clone(&self.refresher), self.providers.clone());
        let (held, call) = (Arc::clone(held), call.clone());
        self.tasks.spawn(async move {
            let Some(platform) = providers.by_slug(&held.provider) else {
                return;
            };
            // The refresher records a failure; this caller has already been answered.
            let reason = RefreshReason::Expired;
            let _ = refresher
                .refresh(&call, &held, platform.spec(), reason)
                .await;
        });
    }

    fn decrypt(&self, call: &Call, held: &Connection) -> Result<IssuedToken, ServiceError> {
        let stored = held.tokens.access.as_ref().ok_or_else(no_access_token)?;
        let access_token = self.encryption.decrypt_access(stored).inspect_err(|_| {
            self.recorder
                .record(call, &Outcome::TokenUnreadable { connection: held });
        })?;
        let issued = IssuedToken {
            access_token,
            token_type: held.tokens.token_type.clone(),
            expires_at: held.tokens.expires_at,
            scope: held.tokens.scope.clone(),
        };
        self.recorder
            .record(call, &Outcome::TokenIssued { connection: held });
        Ok(issued)
    }

    /// Rejects a connection for which no call to the platform would help.
    fn check_status(&self, held: &Connection, spec: &ProviderSpec) -> Result<(), ServiceError> {
        if held.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        if held.tokens.access.is_none() && held.tokens.refresh.is_none() {
            return Err(no_access_token());
        }
        if awaits_user(held) && !is_usable(held, self.clock.now()) {
            let detail = format!(
                "{} asks the account's owner to sign in there first.",
                spec.name
            );
            return Err(ServiceError::new(ErrorCode::TokenRefreshError, detail));
        }
        Ok(())
    }
}

fn no_access_token() -> ServiceError {
    ServiceError::new(
        ErrorCode::NoAccessToken,
        "This connection holds no access token.",
    )
}
