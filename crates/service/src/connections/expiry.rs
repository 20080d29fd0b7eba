//! Scheduled changes of status: a warning before an expiry that no refresh prevents, the expiry
//! itself, and the end of an access token whose refresh fails.
//!
//! Instagram's data access expires 90 days after the account's owner last used the app, TikTok's
//! refresh token after 365 days, and a session or a token without refresh token at its own expiry.
//! The first replica that processes a change records it, with one event. An end is recorded only
//! once it was seen for a minute.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::ProviderSpec;
use evergrant_model::{
    Call, Clock, ConnectionStatus, EventKind, SKEW, SignedDuration, StatusReason, Timestamp,
    is_token_expired,
};
use evergrant_store::{Connection, StatusTransition, StatusTransitionRepository};
use futures_util::{StreamExt, stream};

use crate::ServiceError;
use crate::cache::Caches;
use crate::connections::seen_ends::SeenEnds;
use crate::jobs::job::{Job, JobName, Progress, log_failed};
use crate::jobs::runner::EVERY_15_SECONDS;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::refresh::outcome::LastFailure;
use crate::tokens::refresh_time::{is_refreshable, is_usable};

/// How long before the expiry of a grant its user is warned.
const GRANT_WARNING: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long before the expiry of a token without refresh its user is warned.
const TOKEN_WARNING: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The divisor of a token's lifetime that limits its warning to the last fifth.
const WARNING_DIVISOR: i32 = 5;
/// The number of changes that are read at once.
const BATCH: i64 = 100;
/// The number of changes that are written concurrently, so that a locked row does not delay others.
const CONCURRENCY: usize = 4;

/// The status of a connection that follows from its lifetimes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedStatus {
    /// `connected`, `expiring`, `expired`, or `error` once the token has ended and its refresh
    /// fails.
    pub(crate) status: ConnectionStatus,
    /// When the status changes next; `None` if it never does.
    pub(crate) next_status_at: Option<Timestamp>,
}

impl TimedStatus {
    /// Returns the status at `now` of a token with this lifetime. `grant_expires_at` is when the
    /// grant expires regardless of refreshes.
    pub(crate) fn at(
        now: Timestamp,
        is_refreshable: bool,
        (issued_at, expires_at): (Timestamp, Option<Timestamp>),
        grant_expires_at: Option<Timestamp>,
    ) -> Self {
        if is_refreshable {
            // Stays `expiring` after the grant's expiry: only a rejection by the platform ends a
            // refreshable connection.
            let warn_at = grant_expires_at.map(|end| end - GRANT_WARNING);
            return Self::with_warning(warn_at, None, now);
        }
        let Some(expires_at) = expires_at else {
            return Self {
                status: ConnectionStatus::Connected,
                next_status_at: None,
            };
        };
        if is_token_expired(Some(expires_at), now) {
            return Self {
                status: ConnectionStatus::Expired,
                next_status_at: None,
            };
        }
        let lifetime = expires_at.since(issued_at).max(SignedDuration::ZERO);
        let warning = TOKEN_WARNING.min(lifetime / WARNING_DIVISOR);
        let warn_at = expires_at - warning;
        let deadline = expires_at - SKEW;
        Self::with_warning(Some(warn_at), Some(deadline), now)
    }

    /// Returns the status at `now` of a stored connection. The issue time of a row written by
    /// another program is unknown; its user is warned in the last week.
    pub(crate) fn of(now: Timestamp, connection: &Connection, spec: Option<&ProviderSpec>) -> Self {
        let tokens = &connection.tokens;
        let is_refreshable = spec.is_some_and(|spec| is_refreshable(connection, spec));
        let issued_at = tokens.issued_at.unwrap_or(Timestamp::from_unix_ms(0));
        let lifetime = (issued_at, tokens.expires_at);
        let timed = Self::at(now, is_refreshable, lifetime, tokens.grant_expires_at);
        if tokens.access.is_none() && !is_refreshable {
            // Another program has removed the tokens. Nothing can bring them back.
            return Self {
                status: ConnectionStatus::Expired,
                next_status_at: None,
            };
        }
        let is_stuck = is_failing(connection) || spec.is_some_and(|spec| !spec.is_configured());
        if is_refreshable && is_stuck && !is_usable(connection, now) {
            return Self {
                status: ConnectionStatus::Error,
                ..timed
            };
        }
        timed
    }

    /// Returns when the status of a connection changes next if its refresh has failed: at the end
    /// of the access token at the latest.
    pub(crate) fn next_after_failure(connection: &Connection, now: Timestamp) -> Option<Timestamp> {
        let known = connection.next_status_at;
        let end = connection.tokens.expires_at.filter(|end| *end > now);
        known.into_iter().chain(end).min()
    }

    /// Returns `connected` before `warn_at` and `expiring` from then on, until `deadline`.
    fn with_warning(
        warn_at: Option<Timestamp>,
        deadline: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        if warn_at.is_some_and(|at| at <= now) {
            Self {
                status: ConnectionStatus::Expiring,
                next_status_at: deadline,
            }
        } else {
            Self {
                status: ConnectionStatus::Connected,
                next_status_at: warn_at,
            }
        }
    }
}

/// Returns whether the last refresh failed, so that the connection may be without a token. A rate
/// limit only delays the next one.
fn is_failing(connection: &Connection) -> bool {
    LastFailure::of(connection).is_some_and(|last| last != LastFailure::RateLimited)
}

/// Applies the changes of status that are due.
pub(crate) struct Expiry {
    pub(crate) transitions: StatusTransitionRepository,
    pub(crate) providers: Providers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) seen_ends: SeenEnds,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Expiry {
    /// Records the change of status. Returns `false` if another replica has changed the row
    /// meanwhile, or if an end is not confirmed yet.
    async fn apply(&self, call: &Call, connection: &Connection) -> Result<bool, ServiceError> {
        let (provider, now) = (
            self.providers.by_slug(&connection.provider),
            self.clock.now(),
        );
        let spec = provider.as_ref().map(|provider| provider.spec());
        let timed = TimedStatus::of(now, connection, spec);
        let has_ended = timed.status == ConnectionStatus::Expired;
        if has_ended && !self.seen_ends.confirm(connection, now) {
            return Ok(false);
        }
        let (kind, reason) = match timed.status {
            ConnectionStatus::Expired => (EventKind::Expired, Some(StatusReason::SessionEnded)),
            ConnectionStatus::Error => (EventKind::Error, Some(StatusReason::ProviderUnavailable)),
            _ => (EventKind::Expiring, connection.reason),
        };
        let transition = StatusTransition {
            status: timed.status,
            reason,
            next: timed.next_status_at,
            event: (timed.status != connection.status).then_some(kind),
            at: now,
            correlation_id: &call.correlation_id,
        };
        let recorded = self.transitions.record(connection, &transition).await?;
        if recorded {
            let status = transition.status.as_str();
            self.recorder
                .record(call, &Outcome::StatusChanged { connection, status });
            self.caches.invalidate(&connection.into()).await;
        }
        Ok(recorded)
    }
}

impl Expiry {
    /// Applies these changes, several at a time. Returns how many it recorded, and the last error.
    /// A change that fails is logged.
    async fn apply_all(&self, call: &Call, due: Vec<Connection>) -> (usize, Option<ServiceError>) {
        let (mut recorded, mut last_error) = (0, None);
        let mut applied = stream::iter(due)
            .map(|connection| async move {
                let applied = self.apply(call, &connection).await;
                (connection, applied)
            })
            .buffer_unordered(CONCURRENCY);
        while let Some((connection, applied)) = applied.next().await {
            match applied {
                Ok(has_recorded) => recorded += usize::from(has_recorded),
                Err(error) => {
                    let message = "failed to apply scheduled status change";
                    log_failed(&connection, &error, message);
                    last_error = Some(error);
                }
            }
        }
        (recorded, last_error)
    }
}

#[async_trait]
impl Job for Expiry {
    fn name(&self) -> JobName {
        JobName::Expiry
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    fn acts_on_time(&self) -> bool {
        true
    }

    /// Applies all changes that are due now. A row whose change fails is tried again by the next
    /// run.
    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let now = self.clock.now();
        self.seen_ends.start_run();
        let (mut after, mut changed, mut last_error) = (None, 0, None);
        loop {
            let due = self.transitions.due(now, after, BATCH).await?;
            let is_last_page = !Progress::of_batch(due.len(), BATCH).more;
            after = due
                .last()
                .and_then(|last| last.next_status_at.map(|at| (at, last.id)));
            let (recorded, error) = self.apply_all(call, due).await;
            changed += recorded;
            last_error = error.or(last_error);
            if is_last_page {
                return last_error.map_or_else(|| Ok(Progress::done(changed)), Err);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn day(days: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_767_225_600) + SignedDuration::from_secs(days * DAY)
    }

    /// Returns the status on day `now` of a token issued on day 0, and the seconds from day 0 to
    /// the next change.
    fn status(
        is_refreshable: bool,
        expires: Option<i64>,
        grant_expires: Option<i64>,
        now: i64,
    ) -> (&'static str, Option<i64>) {
        let lifetime = (day(0), expires.map(day));
        let timed = TimedStatus::at(day(now), is_refreshable, lifetime, grant_expires.map(day));
        let next = timed.next_status_at.map(|at| at.since(day(0)).as_secs());
        (timed.status.as_str(), next)
    }

    #[test]
    fn refreshable_grant_warns_for_two_weeks_and_never_expires_by_time() {
        assert_eq!(status(true, Some(60), None, 59), ("connected", None));
        assert_eq!(
            status(true, Some(60), Some(90), 0),
            ("connected", Some(76 * DAY))
        );
        assert_eq!(status(true, Some(60), Some(90), 76), ("expiring", None));
        assert_eq!(status(true, Some(60), Some(90), 400), ("expiring", None));
    }

    #[test]
    fn token_without_refresh_warns_in_its_last_week_and_expires() {
        let expires = 60 * DAY - 30;
        assert_eq!(
            status(false, Some(60), None, 0),
            ("connected", Some(53 * DAY))
        );
        assert_eq!(
            status(false, Some(60), None, 53),
            ("expiring", Some(expires))
        );
        assert_eq!(status(false, Some(60), None, 60), ("expired", None));
        let short = status(false, Some(5), None, 3);
        assert_eq!(
            short,
            ("connected", Some(4 * DAY)),
            "a short lifetime warns in its last fifth"
        );
        assert_eq!(status(false, None, None, 999), ("connected", None));
    }
}
