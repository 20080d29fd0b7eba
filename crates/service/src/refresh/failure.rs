//! Failed refreshes: the resulting status of the connection and the error for the waiters.
//!
//! A grant is marked expired only by a terminal response of the platform, or by repeated refusals
//! while other grants are refreshed; only for the generation with which the attempt started; and
//! never during a mass rejection.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ErrorClass};
use evergrant_model::{
    Call, Clock, ConnectionStatus, EventKind, SignedDuration, StatusReason, Timestamp,
};
use evergrant_resilience::refresh::attempt::{FailedAttempt, Verdict};
use evergrant_resilience::refresh::lease::AttemptOutcome;
use evergrant_store::{Connection, ConnectionRepository, FailedRefresh, Leased, RefreshRepository};

use crate::cache::{Caches, ConnectionKey};
use crate::connections::expiry::TimedStatus;
use crate::connections::lookup::by_id;
use crate::database::DatabaseMonitor;
use crate::error::code_of;
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::refresh::context::{AttemptContext, refresh_policy};
use crate::refresh::mass_rejection::{Confidence, RejectionGuard};
use crate::refresh::next_attempt::{EndedAttempt, NextAttempt, is_retried_soon};
use crate::refresh::outcome::{LastFailure, RefreshFailure, RefreshOutcome, newer};
use crate::refresh::refusals::{RefusalCause, RefusedGrants};
use crate::tokens::refresh_time::is_usable;

/// The pause after a failure to decrypt the tokens. Only the operator can resolve it.
const UNREADABLE_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// A failed attempt with its classification.
struct ClassifiedFailure<'a> {
    class: LastFailure,
    /// How far the rejection is trusted; `None` if the platform did not reject the grant.
    confidence: Option<Confidence>,
    /// Whether the grant ended because the rotated refresh token was lost: in the response, or by
    /// the database.
    lost: bool,
    attempt: &'a FailedAttempt,
    error: &'a AdapterError,
}

impl ClassifiedFailure<'_> {
    /// Returns the outcome for the lease. A doubtful rejection does not end the grant.
    fn attempt_outcome(&self) -> AttemptOutcome {
        AttemptOutcome {
            dead: self.class == LastFailure::Terminal,
            ..self.attempt.outcome
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
    pub(crate) refused: RefusedGrants,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) ids: Identifiers,
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
        let (connection, now) = (&context.leased.connection, self.clock.now());
        self.recorder.record(
            context.call,
            &Outcome::RefreshFailed {
                connection,
                class: failure.class.as_str(),
                error,
            },
        );
        let next = next_attempt(context, &failure, self.spread(failure.class), now);
        let (status, reason) = status_after(connection, &failure, next, now);
        let failed = FailedRefresh {
            status,
            reason,
            outcome: failure.class.as_str(),
            next_refresh_at: next.scheduled,
            retry_at: next.on_demand,
            next_status_at: TimedStatus::next_after_failure(connection, now),
            event: event_for(connection, status, reason),
            rejected: failure.is_counted_rejection(),
            at: now,
            correlation_id: &context.call.correlation_id,
        };
        if let Some(newest) = self.store(context, &failure, &failed).await? {
            return newer(newest);
        }
        // A block that this failure has set is not shorter than its pause.
        let blocked_until = context.provider.refresh_block();
        let blocked_until = blocked_until.map(|block| block.blocked_until);
        let next = next.on_demand.map(|at| at.max(blocked_until.unwrap_or(at)));
        let wait = next.map(|at| at.since(self.clock.now()));
        Err(failure_for_waiters(failure.class, error, wait))
    }

    /// Returns the random number that spreads the next attempts after a rate limit.
    fn spread(&self, class: LastFailure) -> f64 {
        match class {
            LastFailure::RateLimited => self.ids.fraction(),
            _ => 0.0,
        }
    }

    /// Classifies a failed attempt. A refusal is compared with those of other grants, and a
    /// rejection of the grant is checked against a mass rejection.
    async fn classify<'a>(
        &self,
        context: &AttemptContext<'_>,
        attempt: &'a FailedAttempt,
        error: &'a AdapterError,
    ) -> ClassifiedFailure<'a> {
        let (mut class, mut lost) = (LastFailure::from(attempt.verdict), attempt.lost);
        if attempt.verdict != Verdict::Terminal && error.is_refusal() {
            class = match self.refused.cause(context, error).await {
                RefusalCause::Grant => LastFailure::Terminal,
                RefusalCause::Registration => LastFailure::Registration,
                RefusalCause::Unclear => LastFailure::Refused,
            };
            lost = attempt.outcome.in_doubt;
        }
        let mut confidence = None;
        if class == LastFailure::Terminal {
            lost |= self.may_be_replaced(context, error);
            let trusted = self.guard.confidence(context, lost).await;
            confidence = Some(trusted);
            if trusted == Confidence::Doubtful {
                class = LastFailure::Suspect;
            }
        }
        ClassifiedFailure {
            class,
            confidence,
            lost,
            attempt,
            error,
        }
    }

    /// Returns whether the rejected refresh token may have been replaced by one that the database
    /// has lost: it is older than the time at which the database went back to an earlier state. A
    /// rejection for another stated reason is not doubted.
    fn may_be_replaced(&self, context: &AttemptContext<'_>, error: &AdapterError) -> bool {
        let connection = &context.leased.connection;
        let stored_at = connection.tokens.issued_at.unwrap_or(connection.updated_at);
        let went_back = self.database.since_reset();
        let is_older = went_back.is_some_and(|since| stored_at < self.clock.now() - since);
        let is_unexplained = error
            .reason()
            .is_none_or(|reason| reason == StatusReason::RefreshTokenInvalid);
        is_unexplained && (is_older || context.has_gone_back)
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
            retry_at: Some(now + UNREADABLE_PAUSE),
            next_status_at: connection.next_status_at,
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
}

/// Returns the status of the connection after a failure, and its reason.
fn status_after(
    connection: &Connection,
    failure: &ClassifiedFailure<'_>,
    next: NextAttempt,
    now: Timestamp,
) -> (ConnectionStatus, Option<StatusReason>) {
    use ConnectionStatus::{Connected, Error, Expired, Expiring};
    let reason = failure.error.reason();
    match failure.class {
        LastFailure::Terminal if failure.lost => (Expired, Some(StatusReason::LostInFlight)),
        LastFailure::Terminal => {
            let dead = reason.filter(|_| failure.error.class() == ErrorClass::NeedsReauth);
            (
                Expired,
                Some(dead.unwrap_or(StatusReason::RefreshTokenInvalid)),
            )
        }
        LastFailure::UserAction => (Error, Some(StatusReason::UserActionAtProvider)),
        LastFailure::Suspect => (Error, Some(StatusReason::ProviderUnavailable)),
        _ if is_usable(connection, now) => {
            // The warning that the grant will end must not disappear.
            let status = if connection.status == Expiring {
                Expiring
            } else {
                Connected
            };
            (status, reason.or_else(|| remark(connection, next, now)))
        }
        // The grant works; the platform only delays the next token.
        LastFailure::RateLimited if connection.status.is_connected() => {
            (connection.status, Some(StatusReason::RefreshRetrying))
        }
        _ => (Error, Some(StatusReason::ProviderUnavailable)),
    }
}

/// Returns the remark about a connection whose access token is still valid. It is retrying only if
/// the scheduler tries again soon.
fn remark(connection: &Connection, next: NextAttempt, now: Timestamp) -> Option<StatusReason> {
    if is_retried_soon(connection, next.scheduled, now) {
        return Some(StatusReason::RefreshRetrying);
    }
    let kept = connection.reason;
    kept.filter(|reason| {
        matches!(
            reason,
            StatusReason::ScopeMissing | StatusReason::Unverified
        )
    })
}

/// Returns when the next attempt may start.
fn next_attempt(
    context: &AttemptContext<'_>,
    failure: &ClassifiedFailure<'_>,
    spread: f64,
    now: Timestamp,
) -> NextAttempt {
    let (connection, elapsed_ms) = (&context.leased.connection, context.elapsed_ms());
    let pending_ms = if failure.attempt_outcome().in_flight {
        (refresh_policy(context.provider.spec()).lease_ms() - elapsed_ms).max(0)
    } else {
        0
    };
    let inherited_ms = context.leased.ticket.in_doubt_for_ms.unwrap_or(0);
    let ended = EndedAttempt {
        class: failure.class,
        failures: u32::try_from(connection.failures).unwrap_or(0),
        expires_at: connection.tokens.expires_at,
        spec: context.provider.spec(),
        stated: failure.error.retry_after(),
        lease_left: SignedDuration::from_millis(pending_ms),
        in_doubt_for: SignedDuration::from_millis(inherited_ms.saturating_add(elapsed_ms)),
        is_usable: is_usable(connection, now),
        was_rejected: context.access_expired,
        spread,
        now,
    };
    ended.next()
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
    let failure = match class {
        _ if error.is_internal() => RefreshFailure::internal(),
        LastFailure::Transient | LastFailure::Unknown | LastFailure::Blocked => {
            RefreshFailure::new(code_of(error))
        }
        other => RefreshFailure::after(other),
    };
    let is_retryable = failure.code().is_retryable();
    failure
        .with_retry_after(wait.filter(|_| is_retryable))
        .caused_by(error.to_string())
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
