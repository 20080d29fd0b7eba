//! Checks of sessions that cannot be refreshed: the platform is asked now and then whether the
//! session is still valid.
//!
//! A session counts as ended only if the platform says so, or rejects it twice in a row. A block or
//! an outage proves nothing.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ErrorClass, Provider, SessionCheck};
use evergrant_model::{
    Call, Clock, ConnectionId, ConnectionStatus, EventKind, StatusReason, Timestamp,
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

/// The interval between checks of a session, in seconds.
pub(crate) const CHECK_EVERY_SECONDS: i64 = 6 * 60 * 60;
/// The pause after a rejection that is not yet conclusive, or after a failed check, in seconds.
const RECHECK_SECONDS: i64 = 60 * 60;
/// A successful check is not repeated for this long when an app reports the session as rejected,
/// in seconds.
const VALID_FOR_SECONDS: i64 = 60;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckResult {
    /// The platform accepts the session.
    Valid,
    /// The session has ended.
    Ended,
    /// The platform could not be asked, or its answer is not conclusive yet.
    Inconclusive,
}

/// Why a session is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckReason {
    /// The check is due.
    Scheduled,
    /// The app reports that the platform rejected the session. A recent result answers it.
    Reported,
}

/// Checks sessions. A clone is the same component.
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
    /// Checks a session, once for all callers in this process that ask at the same time.
    pub(crate) async fn check(
        &self,
        call: &Call,
        platform: &Arc<Provider>,
        id: ConnectionId,
        reason: CheckReason,
    ) -> Result<CheckResult, RefreshFailure> {
        let (component, call, target) = (self.clone(), call.clone(), Arc::clone(platform));
        let check = self.in_flight.run(id, move || async move {
            let held = by_id(&component.connections, &component.database, id).await;
            let held = held.map_err(|error| RefreshFailure::of(&error))?;
            let recent = recent_result(&held, component.clock.now());
            match recent.filter(|_| reason == CheckReason::Reported) {
                Some(result) => Ok(result),
                None => component.check_now(&call, &target, &held).await,
            }
        });
        check
            .await
            .unwrap_or_else(|_lost| Err(RefreshFailure::internal()))
    }

    async fn check_now(
        &self,
        call: &Call,
        platform: &Provider,
        held: &Connection,
    ) -> Result<CheckResult, RefreshFailure> {
        let Some(stored) = &held.tokens.access else {
            return Ok(CheckResult::Inconclusive);
        };
        let Ok(session) = self.encryption.decrypt_access(stored) else {
            self.failures.record_unreadable(call, held, None).await;
            return Ok(CheckResult::Inconclusive);
        };
        let now = self.clock.now();
        let next = now.plus_seconds(CHECK_EVERY_SECONDS);
        let (result, reason, next) = match platform
            .for_account(&held.account)
            .check_session(&session)
            .await
        {
            Ok(SessionCheck::Alive(_)) => (CheckResult::Valid, None, Some(next)),
            Ok(SessionCheck::Unverified) => (
                CheckResult::Inconclusive,
                Some(StatusReason::Unverified),
                None,
            ),
            Ok(SessionCheck::Ended) => return self.record_end(call, held).await,
            Err(error) if is_second_rejection(held, &error) => {
                return self.record_end(call, held).await;
            }
            Err(error) => return self.record_inconclusive(call, held, &error).await,
        };
        let recorded = self
            .refreshes
            .record_check(held, reason, next, &call.correlation_id, now)
            .await;
        recorded.map_err(|error| RefreshFailure::of(&error.into()))?;
        self.caches.invalidate(&held.into()).await;
        Ok(result)
    }

    async fn record_end(
        &self,
        call: &Call,
        held: &Connection,
    ) -> Result<CheckResult, RefreshFailure> {
        let ended = FailedRefresh {
            status: ConnectionStatus::Expired,
            reason: Some(StatusReason::SessionEnded),
            outcome: LastFailure::Terminal.as_str(),
            next_refresh_at: None,
            event: Some(EventKind::Expired),
            rejected: false,
            at: self.clock.now(),
            correlation_id: &call.correlation_id,
        };
        self.record_failed(held, &ended).await?;
        self.recorder
            .record(call, &Outcome::SessionEnded { connection: held });
        Ok(CheckResult::Ended)
    }

    async fn record_inconclusive(
        &self,
        call: &Call,
        held: &Connection,
        error: &AdapterError,
    ) -> Result<CheckResult, RefreshFailure> {
        self.recorder.record(
            call,
            &Outcome::SessionCheckFailed {
                connection: held,
                error,
            },
        );
        let rejected = error.class() == ErrorClass::NeedsReauth;
        let wait = error
            .retry_after_seconds()
            .unwrap_or(0)
            .max(RECHECK_SECONDS);
        // One rejection ends nothing, but the owner is warned: the next one ends the connection.
        let status = if rejected {
            ConnectionStatus::Expiring
        } else {
            held.status
        };
        let reason = Some(StatusReason::Unverified);
        let changed = (status, reason) != (held.status, held.reason);
        let kind = if rejected {
            EventKind::Expiring
        } else {
            EventKind::Error
        };
        let now = self.clock.now();
        let failed = FailedRefresh {
            status,
            reason,
            outcome: if rejected {
                LastFailure::RejectedOnce
            } else {
                LastFailure::Unknown
            }
            .as_str(),
            next_refresh_at: Some(now.plus_seconds(wait)),
            event: changed.then_some(kind),
            rejected: false,
            at: now,
            correlation_id: &call.correlation_id,
        };
        self.record_failed(held, &failed).await?;
        Ok(CheckResult::Inconclusive)
    }

    async fn record_failed(
        &self,
        held: &Connection,
        failed: &FailedRefresh<'_>,
    ) -> Result<(), RefreshFailure> {
        let recorded = self.refreshes.record_failed_check(held, failed).await;
        recorded.map_err(|error| RefreshFailure::of(&error.into()))?;
        self.caches.invalidate(&held.into()).await;
        Ok(())
    }
}

/// Whether the platform also rejected the session at the previous check.
fn is_second_rejection(held: &Connection, error: &AdapterError) -> bool {
    let was_rejected = LastFailure::of(held) == Some(LastFailure::RejectedOnce);
    was_rejected && error.class() == ErrorClass::NeedsReauth
}

/// The result of the last check, if it is so recent that another check would show the same.
fn recent_result(held: &Connection, now: Timestamp) -> Option<CheckResult> {
    if held.status == ConnectionStatus::Expired {
        return Some(CheckResult::Ended);
    }
    let next_in = held.next_refresh_at?.seconds_since(now);
    match held.last_outcome {
        Some(_) => (next_in > 0).then_some(CheckResult::Inconclusive),
        None => (next_in > CHECK_EVERY_SECONDS - VALID_FOR_SECONDS).then_some(CheckResult::Valid),
    }
}
