//! Changes of status that time alone causes: a warning before an end that no refresh averts, and
//! the end itself.
//!
//! Instagram's data access ends 90 days after its owner last used the app, TikTok's refresh token
//! after 365 days, a session or a token without refresh token at its own end. Each change is
//! recorded once, with one event, by the replica that comes first.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::ProviderSpec;
use evergrant_model::{
    Call, Clock, ConnectionStatus, EventKind, SKEW_SECONDS, StatusReason, Timestamp,
    is_token_expired,
};
use evergrant_store::{Connection, StatusTransition, StatusTransitionRepository};

use crate::ServiceError;
use crate::cache::Caches;
use crate::jobs::job::{Job, JobName, Progress, log_failed};
use crate::jobs::runner::EVERY_15_SECONDS;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::tokens::refresh_time::is_refreshable;

/// The user is warned this long before a grant ends, in seconds.
const GRANT_WARNING_SECONDS: i64 = 14 * 24 * 60 * 60;
/// The user is warned this long before the end of a token that cannot be refreshed, in seconds.
const TOKEN_WARNING_SECONDS: i64 = 7 * 24 * 60 * 60;
/// The warning for a token lasts at most this fraction of its lifetime: one in five.
const WARNING_DIVISOR: i64 = 5;
/// The most changes per run.
const BATCH: i64 = 100;

/// The status of a connection as far as time is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedStatus {
    /// `connected`, `expiring` or `expired`.
    pub(crate) status: ConnectionStatus,
    /// When the status changes next; `None` for never.
    pub(crate) next_status_at: Option<Timestamp>,
}

impl TimedStatus {
    /// The status at `now` of a token with this lifetime, whose grant ends at `grant_ends`
    /// whatever is refreshed.
    pub(crate) fn at(
        now: Timestamp,
        refreshable: bool,
        (issued_at, expires_at): (Timestamp, Option<Timestamp>),
        grant_ends: Option<Timestamp>,
    ) -> Self {
        if refreshable {
            // Also after the grant's end: only the platform's rejection ends such a connection.
            let warn_at = grant_ends.map(|end| end.plus_seconds(-GRANT_WARNING_SECONDS));
            return Self::warned(warn_at, None, now);
        }
        let Some(end) = expires_at else {
            return Self {
                status: ConnectionStatus::Connected,
                next_status_at: None,
            };
        };
        if is_token_expired(Some(end), now) {
            return Self {
                status: ConnectionStatus::Expired,
                next_status_at: None,
            };
        }
        let lifetime = end.seconds_since(issued_at).max(0);
        let warning = TOKEN_WARNING_SECONDS.min(lifetime / WARNING_DIVISOR);
        let expires = end.plus_seconds(-SKEW_SECONDS);
        Self::warned(Some(end.plus_seconds(-warning)), Some(expires), now)
    }

    /// The status at `now` of a stored connection. Of a row written by another program the start
    /// is unknown: its user is warned in the last week.
    pub(crate) fn of(now: Timestamp, held: &Connection, spec: Option<&ProviderSpec>) -> Self {
        let refreshable = spec.is_some_and(|spec| is_refreshable(held, spec));
        let issued_at = held.tokens.issued_at.unwrap_or(Timestamp::from_unix_ms(0));
        Self::at(
            now,
            refreshable,
            (issued_at, held.tokens.expires_at),
            held.tokens.grant_expires_at,
        )
    }

    fn warned(warn_at: Option<Timestamp>, then: Option<Timestamp>, now: Timestamp) -> Self {
        if warn_at.is_some_and(|at| at <= now) {
            Self {
                status: ConnectionStatus::Expiring,
                next_status_at: then,
            }
        } else {
            Self {
                status: ConnectionStatus::Connected,
                next_status_at: warn_at,
            }
        }
    }
}

/// Applies the changes that are due.
pub(crate) struct Expiry {
    pub(crate) transitions: StatusTransitionRepository,
    pub(crate) providers: Providers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Expiry {
    /// Records the change that is due; `false` if another replica has changed the row meanwhile.
    async fn apply(&self, call: &Call, held: &Connection) -> Result<bool, ServiceError> {
        let (platform, now) = (self.providers.by_slug(&held.provider), self.clock.now());
        let timed = TimedStatus::of(now, held, platform.as_ref().map(|platform| platform.spec()));
        let ended = timed.status == ConnectionStatus::Expired;
        let kind = if ended {
            EventKind::Expired
        } else {
            EventKind::Expiring
        };
        let transition = StatusTransition {
            status: timed.status,
            reason: if ended {
                Some(StatusReason::SessionEnded)
            } else {
                held.reason
            },
            next: timed.next_status_at,
            event: (timed.status != held.status).then_some(kind),
            at: now,
            correlation_id: &call.correlation_id,
        };
        let recorded = self.transitions.record(held, &transition).await?;
        if recorded {
            let status = transition.status.as_str();
            self.recorder.record(
                call,
                &Outcome::StatusChanged {
                    connection: held,
                    status,
                },
            );
            self.caches.invalidate(&held.into()).await;
        }
        Ok(recorded)
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

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let due = self.transitions.due(self.clock.now(), BATCH).await?;
        let (mut changed, mut failed) = (0, None);
        for held in &due {
            match self.apply(call, held).await {
                Ok(recorded) => changed += usize::from(recorded),
                Err(error) => {
                    log_failed(held, &error, "failed to apply a scheduled change of status");
                    failed = Some(error);
                }
            }
        }
        // Only changed rows count: a row that stays due must not start the next run at once.
        failed.map_or_else(|| Ok(Progress::of_batch(changed, BATCH)), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn day(days: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_767_225_600).plus_seconds(days * DAY)
    }

    fn status(
        refreshable: bool,
        expires: Option<i64>,
        grant_ends: Option<i64>,
        now: i64,
    ) -> (&'static str, Option<i64>) {
        let lifetime = (day(0), expires.map(day));
        let timed = TimedStatus::at(day(now), refreshable, lifetime, grant_ends.map(day));
        let next = timed.next_status_at.map(|at| at.seconds_since(day(0)));
        (timed.status.as_str(), next)
    }

    #[test]
    fn refreshable_grant_is_warned_two_weeks_before_its_end_and_never_expires_by_time() {
        assert_eq!(status(true, Some(60), None, 59), ("connected", None));
        assert_eq!(
            status(true, Some(60), Some(90), 0),
            ("connected", Some(76 * DAY))
        );
        assert_eq!(status(true, Some(60), Some(90), 76), ("expiring", None));
        assert_eq!(status(true, Some(60), Some(90), 400), ("expiring", None));
    }

    #[test]
    fn token_that_cannot_be_refreshed_is_warned_in_its_last_week_and_expires() {
        let end = 60 * DAY - 30;
        assert_eq!(
            status(false, Some(60), None, 0),
            ("connected", Some(53 * DAY))
        );
        assert_eq!(status(false, Some(60), None, 53), ("expiring", Some(end)));
        assert_eq!(status(false, Some(60), None, 60), ("expired", None));
        let short = status(false, Some(5), None, 3);
        assert_eq!(
            short,
            ("connected", Some(4 * DAY)),
            "the last fifth of a short lifetime"
        );
        assert_eq!(status(false, None, None, 999), ("connected", None));
    }
}
