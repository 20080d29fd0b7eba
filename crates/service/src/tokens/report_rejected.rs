//! Reports by the app that a platform rejected a token that should be valid.
//!
//! A thousand reports of one token cause one refresh: only a report of the stored token has an
//! effect. A token that is younger than a minute is not refreshed, because its successor would be
//! rejected for the same reason.

use std::sync::Arc;

use evergrant_adapters::{Lifecycle, Provider, ProviderSpec};
use evergrant_encryption::digest::constant_time_eq;
use evergrant_model::{
    AccessToken, Call, Clock, ConnectionId, ConnectionStatus, ErrorCode, ProviderAccountId,
    ProviderSlug, SignedDuration, Timestamp, UserId,
};
use evergrant_store::Connection;

use crate::ServiceError;
use crate::connections::lookup::ConnectionLookup;
use crate::connections::session_checks::{CheckReason, CheckResult, SessionChecks};
use crate::providers::Providers;
use crate::refresh::coordinator::Refresher;
use crate::refresh::permission::RefreshReason;
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::refresh_time::is_refreshable;

/// The minimum age at which a rejected token is refreshed.
const MIN_AGE: SignedDuration = SignedDuration::from_mins(1);

/// The effect of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutcome {
    /// The reported token is not the stored one. The app should read the stored token.
    Superseded,
    /// The token was refreshed. The app should read the new token.
    Refreshed,
    /// The platform confirmed that the session is valid.
    Confirmed,
    /// The session could not be checked, or the result of the check is not conclusive yet.
    Unconfirmed,
    /// The token is too young for a refresh to help; the rejection has another cause.
    TooYoung,
}

/// The result of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The effect of the report.
    pub outcome: ReportOutcome,
    /// When the stored token expires; `None` if unknown.
    pub expires_at: Option<Timestamp>,
}

/// Handles reports of rejected tokens.
pub struct RejectedTokens {
    pub(crate) lookup: Arc<ConnectionLookup>,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) refresher: Arc<Refresher>,
    pub(crate) session_checks: Arc<SessionChecks>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl RejectedTokens {
    /// Handles the report that the platform rejected this token of the user's connection.
    ///
    /// # Errors
    ///
    /// - `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND` if there is no such connection.
    /// - `RECONNECT_REQUIRED` if the grant or session has ended.
    /// - `NO_REFRESH_TOKEN` if the token cannot be refreshed.
    /// - Otherwise the code of the failed refresh or session check.
    #[tracing::instrument(
        name = "report_rejected_token", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn report(
        &self,
        call: &Call,
        user: UserId,
        slug: &ProviderSlug,
        account: &ProviderAccountId,
        token: &AccessToken,
    ) -> Result<Report, ServiceError> {
        let provider = self.providers.get(slug)?;
        let spec = provider.spec();
        let connection = self.lookup.current(call, user, spec, account).await?;
        if connection.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        let outcome = match self.outcome_without_call(&connection, token)? {
            Some(outcome) => outcome,
            None if spec.lifecycle == Lifecycle::Checked => {
                self.check_session(call, &provider, connection.id).await?
            }
            None => return self.refresh(call, &connection, spec).await,
        };
        Ok(Report {
            outcome,
            expires_at: connection.tokens.expires_at,
        })
    }

    /// Returns the outcome of a report that requires no provider call; `None` if it requires one.
    fn outcome_without_call(
        &self,
        connection: &Connection,
        token: &AccessToken,
    ) -> Result<Option<ReportOutcome>, ServiceError> {
        if !self.is_stored(connection, token)? {
            return Ok(Some(ReportOutcome::Superseded));
        }
        let (lifetime, now) = (connection.lifetime(), self.clock.now());
        let age = lifetime.issued_at.map(|at| now.since(at));
        let is_too_young = lifetime.is_plausible(now) && age.is_some_and(|age| age < MIN_AGE);
        Ok(is_too_young.then_some(ReportOutcome::TooYoung))
    }

    /// Returns whether the connection's stored token is the reported one.
    fn is_stored(
        &self,
        connection: &Connection,
        token: &AccessToken,
    ) -> Result<bool, ServiceError> {
        let Some(stored) = &connection.tokens.access else {
            return Ok(false);
        };
        let stored = self.encryption.decrypt_access(stored)?;
        Ok(constant_time_eq(
            stored.expose().as_bytes(),
            token.expose().as_bytes(),
        ))
    }

    /// Refreshes the rejected token.
    async fn refresh(
        &self,
        call: &Call,
        connection: &Arc<Connection>,
        spec: &ProviderSpec,
    ) -> Result<Report, ServiceError> {
        if !is_refreshable(connection, spec) {
            let name = &spec.name;
            let detail =
                format!("This {name} token cannot be refreshed. Please reconnect the account.");
            return Err(ServiceError::new(ErrorCode::NoRefreshToken, detail));
        }
        let refreshed = self
            .refresher
            .refresh(call, connection, spec, RefreshReason::Rejected)
            .await?;
        Ok(Report {
            outcome: ReportOutcome::Refreshed,
            expires_at: refreshed.tokens.expires_at,
        })
    }

    /// Checks the rejected session with the platform.
    async fn check_session(
        &self,
        call: &Call,
        provider: &Arc<Provider>,
        id: ConnectionId,
    ) -> Result<ReportOutcome, ServiceError> {
        let name = &provider.spec().name;
        let checked = self
            .session_checks
            .check(call, provider, id, CheckReason::Reported)
            .await;
        match checked.map_err(|failure| failure.into_error(name))? {
            CheckResult::Valid => Ok(ReportOutcome::Confirmed),
            CheckResult::Inconclusive => Ok(ReportOutcome::Unconfirmed),
            CheckResult::Ended => Err(ServiceError::reconnect_required(name)),
        }
    }
}
