//! Periodic checks with the platform whether a session, which cannot be refreshed, is still valid.
//!
//! A session counts as ended only if the platform reports its end, or rejects it in two consecutive
//! checks. A block or an outage is inconclusive.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ErrorClass, Provider, SessionCheck};
use evergrant_model::{
    Call, Clock, ConnectionId, ConnectionStatus, EventKind, MAX_CLOCK_ERROR, SignedDuration,
    StatusReason, Timestamp,
};
use evergrant_resilience::SingleFlight;
use evergrant_store::{Connection, ConnectionRepository, FailedRefresh, RefreshRepository};

use crate::cache::Caches;
use crate::connections::lookup::by_id;
use crate::database::DatabaseMonitor;
use crate::outcome::{Outcome, Recorder};
use crate::refresh::failure::FailedRefreshes;
use crate::refresh::outcome::{LastFailure, RefreshFailure};
use crate::tokens::encryption::TokenEncryption;

/// The interval between checks of a session.
pub(crate) const CHECK_EVERY: SignedDuration = SignedDuration::from_hours(6);
/// The minimum delay after an inconclusive check.
const RECHECK_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How long after a successful check a report of a rejected session does not start another check.
const VALID_FOR: SignedDuration = SignedDuration::from_mins(1);

/// The result of a session check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckResult {
    /// The platform accepts the session.
    Valid,
    /// The session has ended.
    Ended,
    /// No check was possible, or the platform's response neither confirms nor ends the session.
    Inconclusive,
}

/// Why a session is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckReason {
    /// The check is due.
    Scheduled,
    /// The app reports that the platform rejected the session. A recent result is returned without
    /// another check.
    Reported,
}

/// Checks sessions with their platform. Clones share the same dependencies.
#[derive(Clone)]
pub(crate) struct SessionChecks {
    pub(crate) connections: ConnectionRepository,
    pub(crate) refreshes: RefreshRepository,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) encryption: TokenEncryption,
    pub(crate) failures: Arc<FailedRefreshes>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) in_flight: Arc<SingleFlight<ConnectionId, Result<CheckResult, RefreshFailure>>>,
}

impl SessionChecks {
    /// Checks a session. Concurrent calls for the same connection in this process share one check.
    pub(crate) async fn check(
        &self,
        call: &Call,
        provider: &Arc<Provider>,
        id: ConnectionId,
        reason: CheckReason,
    ) -> Result<CheckResult, RefreshFailure> {
        let (component, call, provider) = (self.clone(), call.clone(), Arc::clone(provider));
        let check = self.in_flight.run(id, move || async move {
            let connection = by_id(&component.connections, &component.database, id).await;
            let connection = connection.map_err(|error| RefreshFailure::of(&error))?;
            let recent = recent_result(&connection, component.clock.now());
            match recent.filter(|_| reason == CheckReason::Reported) {
                Some(result) => Ok(result),
                None => component.check_now(&call, &provider, &connection).await,
            }
        });
        check
            .await
            .unwrap_or_else(|aborted| Err(RefreshFailure::internal().caused_by(aborted)))
    }

    /// Checks the session with the platform and records the result.
    async fn check_now(
        &self,
        call: &Call,
        provider: &Provider,
        connection: &Connection,
    ) -> Result<CheckResult, RefreshFailure> {
        let Some(stored) = &connection.tokens.access else {
            return Ok(CheckResult::Inconclusive);
        };
        let Ok(session) = self.encryption.decrypt_access(stored) else {
            self.failures
                .record_unreadable(call, connection, None)
                .await;
            return Ok(CheckResult::Inconclusive);
        };
        let now = self.clock.now();
        match provider
            .for_account(&connection.account)
            .check_session(&session)
            .await
        {
            Ok(SessionCheck::Alive(_)) => {
                let next = now + CHECK_EVERY;
                self.record_check(call, connection, None, Some(next), now)
                    .await?;
                Ok(CheckResult::Valid)
            }
            Ok(SessionCheck::Unverified) => {
                let reason = Some(StatusReason::Unverified);
                self.record_check(call, connection, reason, None, now)
                    .await?;
                Ok(CheckResult::Inconclusive)
            }
            Ok(SessionCheck::Ended) => self.record_end(call, connection).await,
            Err(error) if is_second_rejection(connection, &error) => {
                self.record_end(call, connection).await
            }
            Err(error) => self.record_inconclusive(call, connection, &error).await,
        }
    }

    /// Stores that the check succeeded or that no check is configured, and when the next is due.
    async fn record_check(
        &self,
        call: &Call,
        connection: &Connection,
        reason: Option<StatusReason>,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), RefreshFailure> {
        let recorded = self
            .refreshes
            .record_check(connection, reason, next, &call.correlation_id, now)
            .await;
        recorded.map_err(|error| RefreshFailure::of(&error.into()))?;
        self.caches.invalidate(&connection.into()).await;
        Ok(())
    }

    /// Records that the session has ended.
    async fn record_end(
        &self,
        call: &Call,
        connection: &Connection,
    ) -> Result<CheckResult, RefreshFailure> {
        let ended = FailedRefresh {
            status: ConnectionStatus::Expired,
            reason: Some(StatusReason::SessionEnded),
            outcome: LastFailure::Terminal.as_str(),
            next_refresh_at: None,
            retry_at: None,
            next_status_at: connection.next_status_at,
            event: Some(EventKind::Expired),
            rejected: false,
            at: self.clock.now(),
            correlation_id: &call.correlation_id,
        };
        self.record_failed(connection, &ended).await?;
        self.recorder
            .record(call, &Outcome::SessionEnded { connection });
        Ok(CheckResult::Ended)
    }

    /// Reports the failed check and records that another one is due.
    async fn record_inconclusive(
        &self,
        call: &Call,
        connection: &Connection,
        error: &AdapterError,
    ) -> Result<CheckResult, RefreshFailure> {
        self.recorder
            .record(call, &Outcome::SessionCheckFailed { connection, error });
        let failed = inconclusive(call, connection, error, self.clock.now());
        self.record_failed(connection, &failed).await?;
        Ok(CheckResult::Inconclusive)
    }

    /// Stores the changes that a check without success causes.
    async fn record_failed(
        &self,
        connection: &Connection,
        failed: &FailedRefresh<'_>,
    ) -> Result<(), RefreshFailure> {
        let recorded = self.refreshes.record_failed_check(connection, failed).await;
        recorded.map_err(|error| RefreshFailure::of(&error.into()))?;
        self.caches.invalidate(&connection.into()).await;
        Ok(())
    }
}

/// Returns the changes after an inconclusive check. A first rejection only warns the user; a second
/// consecutive one ends the connection.
fn inconclusive<'a>(
    call: &'a Call,
    connection: &Connection,
    error: &AdapterError,
    now: Timestamp,
) -> FailedRefresh<'a> {
    let (status, kind, outcome) = if error.class() == ErrorClass::NeedsReauth {
        let status = ConnectionStatus::Expiring;
        (status, EventKind::Expiring, LastFailure::RejectedOnce)
    } else {
        (connection.status, EventKind::Error, LastFailure::Unknown)
    };
    let reason = Some(StatusReason::Unverified);
    let has_changed = (status, reason) != (connection.status, connection.reason);
    let retry_after = error.retry_after().unwrap_or_default();
    FailedRefresh {
        status,
        reason,
        outcome: outcome.as_str(),
        next_refresh_at: Some(now + retry_after.max(RECHECK_AFTER)),
        retry_at: None,
        next_status_at: connection.next_status_at,
        event: has_changed.then_some(kind),
        rejected: false,
        at: now,
        correlation_id: &call.correlation_id,
    }
}

/// Returns whether the platform rejected the session in this check and in the previous one.
fn is_second_rejection(connection: &Connection, error: &AdapterError) -> bool {
    let was_rejected = LastFailure::of(connection) == Some(LastFailure::RejectedOnce);
    was_rejected && error.class() == ErrorClass::NeedsReauth
}

/// Returns the result of the last check if another check now would very likely return the same.
fn recent_result(connection: &Connection, now: Timestamp) -> Option<CheckResult> {
    if connection.status == ConnectionStatus::Expired {
        return Some(CheckResult::Ended);
    }
    // `next_refresh_at` is the time of the next check. It was set by the last check, so it shows
    // when that was.
    let next_in = connection.next_refresh_at?.since(now);
    match connection.last_outcome {
        Some(_) => next_in.is_positive().then_some(CheckResult::Inconclusive),
        // A process with a wrong clock stored a time that is even later.
        None => (CHECK_EVERY - VALID_FOR < next_in && next_in <= CHECK_EVERY + MAX_CLOCK_ERROR)
            .then_some(CheckResult::Valid),
    }
}
