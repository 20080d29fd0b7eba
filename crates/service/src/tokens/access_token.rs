//! Reads of access tokens (`getAccessToken` in the original Node.js API), the main purpose of
//! Evergrant.
//!
//! A fresh token is served from the cache without a lock, a write or a query. A token that is about
//! to expire is served and refreshed in the background. An expired token is refreshed first;
//! concurrent callers wait for the same refresh.

use std::sync::Arc;

use evergrant_adapters::ProviderSpec;
use evergrant_model::{
    AccessToken, Call, Clock, ConnectionStatus, ErrorCode, Freshness, ProviderAccountId,
    ProviderSlug, SignedDuration, Timestamp, UserId,
};
use evergrant_store::Connection;

use crate::ServiceError;
use crate::connections::lookup::ConnectionLookup;
use crate::database::DatabaseMonitor;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::refresh::coordinator::Refresher;
use crate::refresh::outcome::user_action;
use crate::refresh::permission::RefreshReason;
use crate::tasks::Tasks;
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::last_used::LastUsed;
use crate::tokens::refresh_time::{RefreshTiming, awaits_user, is_refreshable, is_usable};

/// A decrypted access token for a caller.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub access_token: AccessToken,
    /// The token type as the platform sent it, such as `bearer`; `None` if it sent none.
    pub token_type: Option<String>,
    /// When the token expires; `None` if unknown.
    pub expires_at: Option<Timestamp>,
    /// The granted scopes, separated by spaces; `None` if unknown.
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
    /// Implements [`crate::IntegrationsService::access_token`].
    pub(crate) async fn issue(
        &self,
        call: &Call,
        user: UserId,
        slug: &ProviderSlug,
        account: &ProviderAccountId,
        min_ttl: SignedDuration,
    ) -> Result<IssuedToken, ServiceError> {
        let provider = self.providers.get(slug)?;
        let spec = provider.spec();
        let connection = self.lookup.cached(call, user, spec, account).await?;
        self.check_status(&connection, spec)?;
        self.last_used.record(connection.id);
        match self.timing.freshness(&connection, spec, min_ttl) {
            Freshness::Fresh => self.decrypt(call, &connection),
            Freshness::Stale => {
                self.refresh_in_background(call, &connection, spec);
                self.decrypt(call, &connection)
            }
            Freshness::Expired => {
                let reason = RefreshReason::Expired;
                let refreshed = self.refresher.refresh(call, &connection, spec, reason);
                match refreshed.await {
                    // Another program gave the account to another user meanwhile.
                    Ok(refreshed) if refreshed.user != user => {
                        Err(ServiceError::account_not_found())
                    }
                    Ok(refreshed) => self.decrypt(call, &refreshed),
                    // A failed refresh never fails a read while the stored token is still valid.
                    Err(_) if is_usable(&connection, self.clock.now()) => {
                        self.decrypt(call, &connection)
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Implements [`crate::IntegrationsService::refresh_token`].
    pub(crate) async fn refresh(
        &self,
        call: &Call,
        user: UserId,
        slug: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Option<Timestamp>, ServiceError> {
        let provider = self.providers.get(slug)?;
        let spec = provider.spec();
        let connection = self.lookup.current(call, user, spec, account).await?;
        if connection.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        if !is_refreshable(&connection, spec) {
            let detail = "The token of this connection cannot be refreshed. Please reconnect the \
                          account.";
            return Err(ServiceError::new(ErrorCode::NoRefreshToken, detail));
        }
        let reason = RefreshReason::Requested;
        Ok(self
            .refresher
            .refresh(call, &connection, spec, reason)
            .await?
            .tokens
            .expires_at)
    }

    /// Starts a refresh that the caller does not wait for, unless the connection cannot be
    /// refreshed, is backing off after a failure, or the database is down.
    fn refresh_in_background(
        &self,
        call: &Call,
        connection: &Arc<Connection>,
        spec: &ProviderSpec,
    ) {
        let next_at = connection.next_refresh_at;
        let is_due = connection.failures == 0 || next_at.is_none_or(|at| at <= self.clock.now());
        let is_down = self.database.is_down();
        if !is_refreshable(connection, spec) || awaits_user(connection) || !is_due || is_down {
            return;
        }
        let (refresher, providers) = (Arc::clone(&self.refresher), self.providers.clone());
        let (connection, call) = (Arc::clone(connection), call.clone());
        self.tasks.spawn(async move {
            let Some(provider) = providers.by_slug(&connection.provider) else {
                return;
            };
            // The refresher records a failure; this caller already has its response.
            let reason = RefreshReason::Expired;
            let _ = refresher
                .refresh(&call, &connection, provider.spec(), reason)
                .await;
        });
    }

    /// Decrypts the access token and reports that it was issued.
    fn decrypt(&self, call: &Call, connection: &Connection) -> Result<IssuedToken, ServiceError> {
        let tokens = &connection.tokens;
        let stored = tokens.access.as_ref().ok_or_else(no_access_token)?;
        let access_token = self.encryption.decrypt_access(stored).inspect_err(|_| {
            self.recorder
                .record(call, &Outcome::TokenUnreadable { connection });
        })?;
        let issued = IssuedToken {
            access_token,
            token_type: tokens.token_type.clone(),
            expires_at: tokens.expires_at,
            scope: tokens.scope.clone(),
        };
        self.recorder
            .record(call, &Outcome::TokenIssued { connection });
        Ok(issued)
    }

    /// Rejects a connection for which no provider call can yield a token.
    fn check_status(
        &self,
        connection: &Connection,
        spec: &ProviderSpec,
    ) -> Result<(), ServiceError> {
        if connection.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        if connection.tokens.access.is_none() && connection.tokens.refresh.is_none() {
            return Err(no_access_token());
        }
        if awaits_user(connection) && !is_usable(connection, self.clock.now()) {
            let detail = user_action(&spec.name);
            return Err(ServiceError::new(ErrorCode::TokenRefreshError, detail)
                .caused_by("the owner of the account must act at the platform"));
        }
        Ok(())
    }
}

/// Returns the error for a connection without tokens.
fn no_access_token() -> ServiceError {
    ServiceError::new(
        ErrorCode::NoAccessToken,
        "This connection has no access token. Please reconnect the account.",
    )
}
