//! Reports by the app that a platform rejected a token that should be valid.
//!
//! A thousand reports of one token cause one refresh: the reported token is compared with the held
//! one, and only if they are equal is there anything to do. A token that was refreshed a moment ago
//! is not refreshed again: its successor would be rejected for the same cause.

use std::sync::Arc;

use evergrant_adapters::{Lifecycle, Provider};
use evergrant_encryption::digest::constant_time_eq;
use evergrant_model::{
    AccessToken, Call, Clock, ConnectionId, ConnectionStatus, ErrorCode, Timestamp, UserId,
};
use evergrant_store::Connection;

use crate::ServiceError;
use crate::connections::lookup::{ConnectionLookup, account_id};
use crate::connections::session_checks::{CheckReason, CheckResult, SessionChecks};
use crate::providers::Providers;
use crate::refresh::coordinator::Refresher;
use crate::refresh::permission::RefreshReason;
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::refresh_time::is_refreshable;

/// A token younger than this is not refreshed for having been rejected, in seconds.
const MIN_AGE_SECONDS: i64 = 60;

/// What a report led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutcome {
    /// A newer token than the reported one was already stored: read it.
    Superseded,
    /// The token was refreshed: read the new one.
    Refreshed,
    /// The platform was asked and accepts the session.
    Confirmed,
    /// The session cannot be refreshed, and the platform could not be asked about it or its answer
    /// is not conclusive yet.
    Unconfirmed,
    /// The token is too young for a refresh to help: the rejection has another cause.
    TooYoung,
}

/// What a report led to, and when the held token expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// What was done.
    pub outcome: ReportOutcome,
    /// When the held token expires; `None` if unknown.
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
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`; `RECONNECT_REQUIRED` if the grant
    /// has ended; `NO_REFRESH_TOKEN` if the token cannot be refreshed; otherwise the failure of the
    /// refresh.
    #[tracing::instrument(
        name = "report_rejected_token", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn report(
        &self,
        call: &Call,
        user: UserId,
        provider: &str,
        account: &str,
        token: &AccessToken,
    ) -> Result<Report, ServiceError> {
        let platform = self.providers.get(provider)?;
        let spec = platform.spec();
        let held = self
            .lookup
            .current(call, user, spec, &account_id(account)?)
            .await?;
        if held.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        let report = |outcome| {
            Ok(Report {
                outcome,
                expires_at: held.tokens.expires_at,
            })
        };
        if !self.is_held(&held, token)? {
            return report(ReportOutcome::Superseded);
        }
        let age = held
            .tokens
            .issued_at
            .map(|at| self.clock.now().seconds_since(at));
        if age.is_some_and(|age| age < MIN_AGE_SECONDS) {
            return report(ReportOutcome::TooYoung);
        }
        if spec.lifecycle == Lifecycle::Checked {
            return report(self.check_session(call, &platform, held.id).await?);
        }
        if !is_refreshable(&held, spec) {
            let detail = format!("{} gives nothing to renew this token with.", spec.name);
            return Err(ServiceError::new(ErrorCode::NoRefreshToken, detail));
        }
        let refreshed = self
            .refresher
            .refresh(call, &held, spec, RefreshReason::Rejected)
            .await?;
        Ok(Report {
            outcome: ReportOutcome::Refreshed,
            expires_at: refreshed.tokens.expires_at,
        })
    }

    /// Whether the connection still holds the reported token.
    fn is_held(&self, held: &Connection, token: &AccessToken) -> Result<bool, ServiceError> {
        let Some(stored) = &held.tokens.access else {
            return Ok(false);
        };
        let current = self.encryption.decrypt_access(stored)?;
        Ok(constant_time_eq(
            current.expose().as_bytes(),
            token.expose().as_bytes(),
        ))
    }

    async fn check_session(
        &self,
        call: &Call,
        platform: &Arc<Provider>,
        id: ConnectionId,
    ) -> Result<ReportOutcome, ServiceError> {
        let name = &platform.spec().name;
        let checked = self
            .session_checks
            .check(call, platform, id, CheckReason::Reported)
            .await;
        match checked.map_err(|failure| match failure.code() {
            ErrorCode::InternalError => ServiceError::internal(),
            _ => failure.into_error(name),
        })? {
            CheckResult::Valid => Ok(ReportOutcome::Confirmed),
            CheckResult::Inconclusive => Ok(ReportOutcome::Unconfirmed),
            CheckResult::Ended => Err(ServiceError::reconnect_required(name)),
        }
    }
}
