//! What a failed refresh means: for the connection, for the next attempt, and for the waiters.
//!
//! No grant is marked expired on doubt. Only a terminal answer of the platform does so, only for
//! the generation that the attempt began with, and not during a mass rejection.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ProviderSpec};
use evergrant_model::{
    Call, Clock, ConnectionStatus, ErrorCode, EventKind, StatusReason, Timestamp,
};
use evergrant_resilience::Backoff;
use evergrant_resilience::refresh::attempt::{End, Verdict};
use evergrant_resilience::refresh::lease::{AttemptOutcome, LEASE_MS};
use evergrant_store::{Connection, ConnectionRepository, FailedRefresh, Leased, RefreshRepository};

use crate::cache::{Caches, ConnectionKey};
use crate::connections::lookup::by_id;
use crate::database::DatabaseMonitor;
use crate::error::code_of;
use crate::outcome::{Outcome, Recorder};
use crate::refresh::context::AttemptContext;
use crate::refresh::mass_rejection::{Confidence, RejectionGuard};
use crate::refresh::outcome::{LastFailure, RefreshFailure, RefreshOutcome, newer};
use crate::tokens::refresh_time::is_usable;

/// The pause after consecutive failures: 15 seconds, doubled up to an hour.
const BACKOFF: Backoff = Backoff {
    first_ms: 15_000,
    longest_ms: 3_600_000,
};
/// The pause after a failure to decrypt, in seconds: only an operator can resolve it.
const UNREADABLE_PAUSE_SECONDS: i64 = 60 * 60;
/// The least pause after a block in front of the platform, in seconds: early retries prolong it.
const BLOCKED_PAUSE_SECONDS: i64 = 5 * 60;

/// Records failed refreshes.
pub(crate) struct FailedRefreshes {
    pub(crate) refreshes: RefreshRepository,
    pub(crate) connections: ConnectionRepository,
    pub(crate) guard: Arc<RejectionGuard>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl FailedRefreshes {
    /// Records a failed attempt and returns what its waiters receive.
    pub(crate) async fn record(
        &self,
        context: &AttemptContext<'_>,
        end: &End,
        error: &AdapterError,
    ) -> RefreshOutcome {
        let held = &context.leased.held;
        let confidence = match end.verdict {
            Verdict::Terminal => Some(self.guard.confidence(context, end.lost).await),
            _ => None,
        };
        let doubtful = confidence == Some(Confidence::Doubtful);
        let failure = if doubtful {
            LastFailure::Suspect
        } else {
            LastFailure::from(end.verdict)
        };
        self.recorder.record(
            context.call,
            &Outcome::RefreshFailed {
                connection: held,
                class: failure.as_str(),
                registration: failure == LastFailure::Config,
                error,
            },
        );
        let next = self.next_attempt(held, context.platform.spec(), failure, end, error);
        let (status, reason) = self.status_after(held, failure, end, error);
        let failed = FailedRefresh {
            status,
            reason,
            outcome: failure.as_str(),
            next_refresh_at: next,
            event: event_for(held, status, reason),
            rejected: matches!(
                confidence,
                Some(Confidence::Provisional | Confidence::Doubtful)
            ),
            at: self.clock.now(),
            correlation_id: &context.call.correlation_id,
        };
        let ending = AttemptOutcome {
            dead: end.ending.dead && !doubtful,
            ..end.ending
        };
        let provisional = confidence == Some(Confidence::Provisional);
        if let Some(newest) = self.store(context, ending, &failed, provisional).await? {
            return newer(newest);
        }
        let wait = next.map(|at| at.seconds_since(self.clock.now()));
        Err(failure_for_waiters(failure, error, wait))
    }

    /// Stores a failed attempt. Returns the connection if another pair was stored meanwhile: the
    /// platform's answer to the old one is then irrelevant.
    async fn store(
        &self,
        context: &AttemptContext<'_>,
        ending: AttemptOutcome,
        failed: &FailedRefresh<'_>,
        provisional: bool,
    ) -> Result<Option<Connection>, RefreshFailure> {
        let leased = &context.leased;
        let stored = self.refreshes.record_failure(leased, ending, failed).await;
        self.caches
            .invalidate(&ConnectionKey::from(&leased.held))
            .await;
        match stored {
            Ok(true) if provisional => {
                self.guard.trips(context.call, context.platform, 0).await;
            }
            Ok(true) => {}
            // Either a newer pair is stored, or another replica has the lease and reports the end
            // of its own attempt.
            Ok(false) => {
                let newest = by_id(&self.connections, &self.database, leased.held.id).await;
                let newest = newest.map_err(|error| RefreshFailure::of(&error))?;
                return Ok(Some(newest)
                    .filter(|newest| newest.lease.generation > leased.ticket.generation));
            }
            Err(error) => {
                self.database.observe(&error);
                tracing::error!(
                    connection.id = leased.held.id.get(),
                    correlation_id = %context.call.correlation_id,
                    error = &error as &dyn std::error::Error,
                    "failed to store the end of a refresh attempt"
                );
            }
        }
        Ok(None)
    }

    /// Records that no key decrypts a row. The operator must resolve it: the grant is kept, and no
    /// attempt is made meanwhile.
    pub(crate) async fn record_unreadable(
        &self,
        call: &Call,
        held: &Connection,
        leased: Option<&Leased>,
    ) {
        self.recorder
            .record(call, &Outcome::TokenUnreadable { connection: held });
        let (reason, now) = (Some(StatusReason::DecryptionError), self.clock.now());
        let failed = FailedRefresh {
            status: ConnectionStatus::Error,
            reason,
            outcome: LastFailure::Unreadable.as_str(),
            next_refresh_at: Some(now.plus_seconds(UNREADABLE_PAUSE_SECONDS)),
            event: event_for(held, ConnectionStatus::Error, reason),
            rejected: false,
            at: now,
            correlation_id: &call.correlation_id,
        };
        let stored = match leased {
            Some(leased) => {
                let in_doubt = leased.ticket.in_doubt_for_ms.is_some();
                let ending = AttemptOutcome {
                    dead: false,
                    in_doubt,
                    under_way: false,
                };
                self.refreshes.record_failure(leased, ending, &failed).await
            }
            None => self.refreshes.record_failed_check(held, &failed).await,
        };
        if let Err(error) = stored {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "failed to mark connection as unreadable");
        }
        self.caches.invalidate(&ConnectionKey::from(held)).await;
    }

    fn status_after(
        &self,
        held: &Connection,
        failure: LastFailure,
        end: &End,
        error: &AdapterError,
    ) -> (ConnectionStatus, Option<StatusReason>) {
        use ConnectionStatus::{Connected, Error, Expired, Expiring};
        match failure {
            // The platform rotated the refresh token, and its answer was lost.
            LastFailure::Terminal if end.lost => (Expired, Some(StatusReason::LostInFlight)),
            LastFailure::Terminal => (
                Expired,
                Some(error.reason().unwrap_or(StatusReason::RefreshTokenInvalid)),
            ),
            LastFailure::UserAction => (Error, Some(StatusReason::UserActionAtProvider)),
            LastFailure::Config => (held.status, error.reason().or(held.reason)),
            LastFailure::Transient
            | LastFailure::Unknown
            | LastFailure::Blocked
            | LastFailure::RateLimited
                if is_usable(held, self.clock.now()) =>
            {
                // A warning of an end stays whatever else fails.
                let status = if held.status == Expiring {
                    Expiring
                } else {
                    Connected
                };
                (status, Some(StatusReason::RefreshRetrying))
            }
            _ => (Error, Some(StatusReason::ProviderUnavailable)),
        }
    }

    /// When the next attempt may start; `None` for never.
    fn next_attempt(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        failure: LastFailure,
        end: &End,
        error: &AdapterError,
    ) -> Option<Timestamp> {
        let now = self.clock.now();
        let backoff_ms = BACKOFF.ceiling_ms(u32::try_from(held.failures).unwrap_or(0));
        let backoff = i64::try_from(backoff_ms / 1000).unwrap_or(i64::MAX);
        // While the platform may still process the request, no replica gets the lease.
        let pause = if end.ending.under_way {
            backoff.max(LEASE_MS / 1000)
        } else {
            backoff
        };
        let stated = error.retry_after_seconds();
        match failure {
            LastFailure::Terminal | LastFailure::UserAction => None,
            LastFailure::RateLimited => Some(now.plus_seconds(stated.unwrap_or(pause).max(1))),
            LastFailure::Blocked => Some(now.plus_seconds(pause.max(BLOCKED_PAUSE_SECONDS))),
            // Sending the same token again before the held one expires could end a valid grant.
            LastFailure::Unknown if !spec.accepts_replay_after(LEASE_MS / 1000) => held
                .tokens
                .expires_at
                .map(|end| end.max(now.plus_seconds(pause))),
            _ => Some(now.plus_seconds(pause.max(stated.unwrap_or(0)))),
        }
    }
}

fn failure_for_waiters(
    failure: LastFailure,
    error: &AdapterError,
    wait_seconds: Option<i64>,
) -> RefreshFailure {
    let code = match failure {
        _ if error.is_of_ours() => ErrorCode::InternalError,
        LastFailure::Transient | LastFailure::Unknown | LastFailure::Blocked => code_of(error),
        other => other.code(),
    };
    RefreshFailure::new(code).maybe_retry_after(wait_seconds.filter(|_| code.is_retryable()))
}

/// The event for the user, if the status or its reason changes.
fn event_for(
    held: &Connection,
    status: ConnectionStatus,
    reason: Option<StatusReason>,
) -> Option<EventKind> {
    match status {
        _ if (status, reason) == (held.status, held.reason) => None,
        ConnectionStatus::Expired => Some(EventKind::Expired),
        _ => Some(EventKind::Error),
    }
}
