//! Failed refreshes: the resulting status of the connection, the time of the next attempt, and the
//! error for the waiters.
//!
//! A grant is marked expired only by a terminal response of the platform, only for the generation
//! with which the attempt started, and never during a mass rejection.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ProviderSpec};
use evergrant_model::{
    Call, Clock, ConnectionStatus, ErrorCode, EventKind, SignedDuration, StatusReason, Timestamp,
};
use evergrant_resilience::Backoff;
use evergrant_resilience::refresh::attempt::{FailedAttempt, Verdict};
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

/// The pause before the next attempt: 15 seconds after the first failure, doubled with each further
/// one up to an hour.
const BACKOFF: Backoff = Backoff {
    first_ms: 15_000,
    longest_ms: 3_600_000,
};
/// The pause after a failure to decrypt the tokens. Only the operator can resolve it.
const UNREADABLE_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// The minimum pause after a system in front of the platform rejected the request. Early
/// retries prolong such a block.
const BLOCKED_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// A failed attempt with its classification.
struct ClassifiedFailure<'a> {
    class: LastFailure,
    /// How far the rejection is trusted; `None` if the platform did not reject the grant.
    confidence: Option<Confidence>,
    attempt: &'a FailedAttempt,
    error: &'a AdapterError,
}

impl ClassifiedFailure<'_> {
    /// Returns the outcome for the lease. A doubtful rejection does not end the grant.
    fn attempt_outcome(&self) -> AttemptOutcome {
        let outcome = self.attempt.outcome;
        AttemptOutcome {
            dead: outcome.dead && self.confidence != Some(Confidence::Doubtful),
            ..outcome
        }
    }

    /// Returns whether the failure counts towards a mass rejection.
    fn is_counted_rejection(&self) -> bool {
        matches!(
            self.confidence,
            Some(Confidence::Provisional | Confidence::Doubtful)
        )
    }
}

/// Classifies and records failed refreshes.
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
    /// Records a failed attempt and returns the result for its waiters: the failure, or the
    /// connection if newer tokens were stored meanwhile.
    ///
    /// # Errors
    ///
    /// The failure, or the error of reading newer tokens.
    pub(crate) async fn record(
        &self,
        context: &AttemptContext<'_>,
        attempt: &FailedAttempt,
        error: &AdapterError,
    ) -> RefreshOutcome {
        let failure = self.classify(context, attempt, error).await;
        let connection = &context.leased.connection;
        self.recorder.record(
            context.call,
            &Outcome::RefreshFailed {
                connection,
                class: failure.class.as_str(),
                registration: failure.class == LastFailure::Config,
                error,
            },
        );
        let next_refresh_at = self.next_attempt(connection, context.provider.spec(), &failure);
        let (status, reason) = self.status_after(connection, &failure);
        let failed = FailedRefresh {
            status,
            reason,
            outcome: failure.class.as_str(),
            next_refresh_at,
            event: event_for(connection, status, reason),
            rejected: failure.is_counted_rejection(),
            at: self.clock.now(),
            correlation_id: &context.call.correlation_id,
        };
        if let Some(newest) = self.store(context, &failure, &failed).await? {
            return newer(newest);
        }
        let wait = next_refresh_at.map(|at| at.since(self.clock.now()));
        Err(failure_for_waiters(failure.class, error, wait))
    }

    /// Classifies a failed attempt. A rejection of the grant is checked against a mass rejection.
    async fn classify<'a>(
        &self,
        context: &AttemptContext<'_>,
        attempt: &'a FailedAttempt,
        error: &'a AdapterError,
    ) -> ClassifiedFailure<'a> {
        let confidence = match attempt.verdict {
            Verdict::Terminal => Some(self.guard.confidence(context, attempt.lost).await),
            _ => None,
        };
        let class = match confidence {
            Some(Confidence::Doubtful) => LastFailure::Suspect,
            _ => LastFailure::from(attempt.verdict),
        };
        ClassifiedFailure {
            class,
            confidence,
            attempt,
            error,
        }
    }

    /// Stores a failed attempt. Returns the connection if newer tokens were stored meanwhile: the
    /// failure concerns the old ones and is then irrelevant.
    async fn store(
        &self,
        context: &AttemptContext<'_>,
        failure: &ClassifiedFailure<'_>,
        failed: &FailedRefresh<'_>,
    ) -> Result<Option<Connection>, RefreshFailure> {
        let (leased, outcome) = (&context.leased, failure.attempt_outcome());
        let stored = self.refreshes.record_failure(leased, outcome, failed).await;
        self.caches
            .invalidate(&ConnectionKey::from(&leased.connection))
            .await;
        match stored {
            Ok(true) if failure.confidence == Some(Confidence::Provisional) => {
                self.guard.trips(context.call, context.provider, 0).await;
            }
            Ok(true) => {}
            // Either newer tokens are stored, or another replica holds the lease and records the
            // outcome of its own attempt.
            Ok(false) => {
                let newest = by_id(&self.connections, &self.database, leased.connection.id).await;
                let newest = newest.map_err(|error| RefreshFailure::of(&error))?;
                return Ok(Some(newest)
                    .filter(|newest| newest.lease.generation > leased.ticket.generation));
            }
            Err(error) => {
                self.database.observe(&error);
                tracing::error!(
                    connection.id = leased.connection.id.get(),
                    correlation_id = %context.call.correlation_id,
                    error = &error as &dyn std::error::Error,
                    "failed to store the outcome of a refresh attempt"
                );
            }
        }
        Ok(None)
    }

    /// Records that no configured key decrypts the tokens of a connection. The grant is kept, and
    /// the next attempt is postponed by an hour.
    pub(crate) async fn record_unreadable(
        &self,
        call: &Call,
        connection: &Connection,
        leased: Option<&Leased>,
    ) {
        self.recorder
            .record(call, &Outcome::TokenUnreadable { connection });
        let (reason, now) = (Some(StatusReason::DecryptionError), self.clock.now());
        let failed = FailedRefresh {
            status: ConnectionStatus::Error,
            reason,
            outcome: LastFailure::Unreadable.as_str(),
            next_refresh_at: Some(now + UNREADABLE_PAUSE),
            event: event_for(connection, ConnectionStatus::Error, reason),
            rejected: false,
            at: now,
            correlation_id: &call.correlation_id,
        };
        let refreshes = &self.refreshes;
        let stored = match leased {
            Some(leased) => {
                refreshes
                    .record_failure(leased, unsent(leased), &failed)
                    .await
            }
            None => refreshes.record_failed_check(connection, &failed).await,
        };
        if let Err(error) = stored {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "failed to mark connection as unreadable");
        }
        self.caches
            .invalidate(&ConnectionKey::from(connection))
            .await;
    }

    /// Returns the status of the connection after a failure, and its reason.
    fn status_after(
        &self,
        connection: &Connection,
        failure: &ClassifiedFailure<'_>,
    ) -> (ConnectionStatus, Option<StatusReason>) {
        use ConnectionStatus::{Connected, Error, Expired, Expiring};
        let reason = failure.error.reason();
        match failure.class {
            // The platform rotated the refresh token, but its response was lost.
            LastFailure::Terminal if failure.attempt.lost => {
                (Expired, Some(StatusReason::LostInFlight))
            }
            LastFailure::Terminal => (
                Expired,
                Some(reason.unwrap_or(StatusReason::RefreshTokenInvalid)),
            ),
            LastFailure::UserAction => (Error, Some(StatusReason::UserActionAtProvider)),
            LastFailure::Config => (connection.status, reason.or(connection.reason)),
            LastFailure::Transient
            | LastFailure::Unknown
            | LastFailure::Blocked
            | LastFailure::RateLimited
                if is_usable(connection, self.clock.now()) =>
            {
                // The warning that the grant will end must not disappear.
                let status = if connection.status == Expiring {
                    Expiring
                } else {
                    Connected
                };
                (status, Some(StatusReason::RefreshRetrying))
            }
            _ => (Error, Some(StatusReason::ProviderUnavailable)),
        }
    }

    /// Returns when the next attempt may start; `None` if the user must act first.
    fn next_attempt(
        &self,
        connection: &Connection,
        spec: &ProviderSpec,
        failure: &ClassifiedFailure<'_>,
    ) -> Option<Timestamp> {
        let now = self.clock.now();
        let backoff_ms = BACKOFF.ceiling_ms(u32::try_from(connection.failures).unwrap_or(0));
        let backoff = SignedDuration::from_millis(i64::try_from(backoff_ms).unwrap_or(i64::MAX));
        let lease = SignedDuration::from_millis(LEASE_MS);
        // While the platform may still be processing the request, the lease is kept.
        let pause = if failure.attempt.outcome.in_flight {
            backoff.max(lease)
        } else {
            backoff
        };
        let stated = failure.error.retry_after();
        match failure.class {
            LastFailure::Terminal | LastFailure::UserAction => None,
            LastFailure::RateLimited => {
                let wait = stated.unwrap_or(pause).max(SignedDuration::from_secs(1));
                Some(now + wait)
            }
            LastFailure::Blocked => Some(now + pause.max(BLOCKED_PAUSE)),
            // Sending the same refresh token again before the access token expires could revoke a
            // valid grant.
            LastFailure::Unknown if !spec.accepts_replay_after(lease) => {
                connection.tokens.expires_at.map(|at| at.max(now + pause))
            }
            _ => Some(now + pause.max(stated.unwrap_or_default())),
        }
    }
}

/// Returns the outcome of an attempt that sent no request. A refresh token that was in doubt
/// remains in doubt.
fn unsent(leased: &Leased) -> AttemptOutcome {
    AttemptOutcome {
        dead: false,
        in_doubt: leased.ticket.in_doubt_for_ms.is_some(),
        in_flight: false,
    }
}

/// Returns the failure that the waiters receive.
fn failure_for_waiters(
    class: LastFailure,
    error: &AdapterError,
    wait: Option<SignedDuration>,
) -> RefreshFailure {
    let code = match class {
        _ if error.is_internal() => ErrorCode::InternalError,
        LastFailure::Transient | LastFailure::Unknown | LastFailure::Blocked => code_of(error),
        other => other.code(),
    };
    RefreshFailure::new(code).with_retry_after(wait.filter(|_| code.is_retryable()))
}

/// Returns the event to publish; `None` if neither the status nor its reason changes.
fn event_for(
    connection: &Connection,
    status: ConnectionStatus,
    reason: Option<StatusReason>,
) -> Option<EventKind> {
    match status {
        _ if (status, reason) == (connection.status, connection.reason) => None,
        ConnectionStatus::Expired => Some(EventKind::Expired),
        _ => Some(EventKind::Error),
    }
}
