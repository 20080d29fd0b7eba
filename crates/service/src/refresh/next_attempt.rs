//! When a failed refresh is tried again: by the scheduler, and for a caller that waits.
//!
//! While the access token is valid, no caller waits, and the pauses grow to an hour. Once it has
//! ended, callers wait for the refresh, and another request cannot cost a token that still works:
//! the pause starts at a second and grows to a minute.

use evergrant_adapters::ProviderSpec;
use evergrant_model::{SignedDuration, Timestamp};
use evergrant_resilience::Backoff;
use evergrant_store::Connection;

use crate::refresh::outcome::LastFailure;
use crate::tokens::refresh_time::is_usable;

/// The pause before the next scheduled attempt.
const SCHEDULED: Backoff = Backoff {
    first_ms: 15_000,
    longest_ms: 3_600_000,
};
/// The pause before the next attempt for a caller, once the access token has ended.
const ON_DEMAND: Backoff = Backoff {
    first_ms: 1_000,
    longest_ms: 60_000,
};
/// The minimum pause after a rate limit.
const MIN_RATE_LIMIT: SignedDuration = SignedDuration::from_secs(1);

/// The divisor of the pause after a rate limit by which the next scheduled attempts are spread.
const SPREAD_DIVISOR: i32 = 4;

/// A failed attempt, as far as it decides when the next one may start.
pub(crate) struct EndedAttempt<'a> {
    pub(crate) class: LastFailure,
    /// The number of failures before this one.
    pub(crate) failures: u32,
    /// When the access token expires; `None` if unknown.
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) spec: &'a ProviderSpec,
    /// The wait that the platform stated.
    pub(crate) stated: Option<SignedDuration>,
    /// How long the lease is kept, because the platform may still be processing the request.
    pub(crate) lease_left: SignedDuration,
    /// How long ago the oldest request with an unknown result was sent.
    pub(crate) in_doubt_for: SignedDuration,
    /// Whether there is an access token that has not expired.
    pub(crate) is_usable: bool,
    /// Whether the platform rejected the access token.
    pub(crate) was_rejected: bool,
    /// A random number from 0 to 1 that spreads the scheduled attempts after a rate limit.
    pub(crate) spread: f64,
    pub(crate) now: Timestamp,
}

/// When the next attempt may start; `None` for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextAttempt {
    /// When the scheduler starts one.
    pub(crate) scheduled: Option<Timestamp>,
    /// From when a caller that needs the token starts one; never later.
    pub(crate) on_demand: Option<Timestamp>,
}

/// Returns whether a failed refresh counts as being retried, given the time of the next scheduled
/// attempt. A retry that is hours away only counts if the connection waits for it without a valid
/// token.
pub(crate) fn is_retried_soon(
    connection: &Connection,
    scheduled: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let longest = milliseconds(SCHEDULED.longest_ms);
    scheduled.is_some_and(|at| at.since(now) <= longest || !is_usable(connection, now))
}

impl EndedAttempt<'_> {
    /// Returns when the next attempt may start.
    pub(crate) fn next(&self) -> NextAttempt {
        if matches!(self.class, LastFailure::Terminal | LastFailure::UserAction) {
            return NextAttempt {
                scheduled: None,
                on_demand: None,
            };
        }
        let is_limited = self.class == LastFailure::RateLimited;
        let mut pause = self.pause(SCHEDULED);
        if is_limited {
            // Connections that were refused together do not return together.
            pause += (pause / SPREAD_DIVISOR)
                .max(MIN_RATE_LIMIT)
                .mul_f64(self.spread);
        }
        let expires_at = self.expires_at;
        let scheduled = if self.must_wait_for_expiry(pause) {
            expires_at.map(|at| at.max(self.now + pause))
        } else {
            Some(self.now + pause)
        };
        let for_caller = self.now + self.pause(ON_DEMAND);
        let on_demand = if self.was_rejected || !self.is_usable || is_limited {
            Some(for_caller)
        } else {
            scheduled.map(|at| expires_at.map_or(at, |end| at.min(end.max(for_caller))))
        };
        NextAttempt {
            scheduled,
            on_demand,
        }
    }

    /// Returns the pause of this schedule. It includes a stated wait, and the rest of the lease.
    fn pause(&self, schedule: Backoff) -> SignedDuration {
        let backoff = milliseconds(schedule.ceiling_ms(self.failures));
        let pause = match self.class {
            // The queue of calls to the platform keeps to the rate that it accepts.
            LastFailure::RateLimited => {
                let backoff = milliseconds(ON_DEMAND.ceiling_ms(self.failures));
                self.stated.unwrap_or(backoff).max(MIN_RATE_LIMIT)
            }
            _ => backoff.max(self.stated.unwrap_or_default()),
        };
        pause.max(self.lease_left)
    }

    /// Returns whether another request could revoke a grant that works: the result of the last one
    /// is unknown, the platform replaces refresh tokens, and the access token is still valid.
    fn must_wait_for_expiry(&self, pause: SignedDuration) -> bool {
        self.class == LastFailure::Unknown
            && !self.spec.accepts_replay_after(self.in_doubt_for + pause)
            && self.is_usable
    }
}

fn milliseconds(count: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use evergrant_model::ProviderSlug;

    use super::*;

    const EXPIRES_IN: i64 = 100;

    fn seconds(count: i64) -> SignedDuration {
        SignedDuration::from_secs(count)
    }

    fn start() -> Timestamp {
        Timestamp::from_unix_seconds(1_767_225_600)
    }

    fn spec() -> ProviderSpec {
        ProviderSpec::new(ProviderSlug::new("acme").unwrap(), "Acme")
    }

    /// A first failure `at` seconds, of a token that expires after [`EXPIRES_IN`].
    fn ended(class: LastFailure, at: i64, spec: &ProviderSpec) -> EndedAttempt<'_> {
        EndedAttempt {
            class,
            failures: 0,
            expires_at: Some(start() + seconds(EXPIRES_IN)),
            spec,
            stated: None,
            lease_left: SignedDuration::ZERO,
            in_doubt_for: SignedDuration::ZERO,
            is_usable: at < EXPIRES_IN,
            was_rejected: false,
            spread: 0.0,
            now: start() + seconds(at),
        }
    }

    /// Returns the seconds until the scheduled attempt and until that of a caller.
    fn delays(attempt: &EndedAttempt<'_>) -> [Option<i64>; 2] {
        let next = attempt.next();
        [next.scheduled, next.on_demand].map(|at| at.map(|at| at.since(attempt.now).as_secs()))
    }

    #[test]
    fn caller_waits_for_expiry_at_most_while_token_is_valid() {
        let spec = spec();
        for (failures, expected) in [(0, [15, 15]), (3, [120, 100]), (20, [3600, 100])] {
            let attempt = EndedAttempt {
                failures,
                ..ended(LastFailure::Transient, 0, &spec)
            };
            assert_eq!(delays(&attempt), expected.map(Some), "{failures} failures");
        }
        let shortly_before = EndedAttempt {
            failures: 3,
            ..ended(LastFailure::Transient, 99, &spec)
        };
        assert_eq!(delays(&shortly_before), [Some(120), Some(8)]);
    }

    #[test]
    fn stated_wait_and_lease_apply_to_callers() {
        let spec = spec();
        for class in [LastFailure::Transient, LastFailure::RateLimited] {
            let stated = EndedAttempt {
                stated: Some(seconds(40)),
                ..ended(class, 200, &spec)
            };
            assert_eq!(delays(&stated), [Some(40), Some(40)], "{class:?}");
        }
        let unanswered = EndedAttempt {
            lease_left: seconds(5),
            ..ended(LastFailure::Unknown, 200, &spec)
        };
        assert_eq!(delays(&unanswered), [Some(15), Some(5)]);
    }

    #[test]
    fn scheduled_attempts_after_a_rate_limit_are_spread_and_never_too_early() {
        let spec = spec();
        let limited = |stated, spread| {
            delays(&EndedAttempt {
                stated,
                spread,
                ..ended(LastFailure::RateLimited, 0, &spec)
            })
        };
        for (stated, earliest, latest) in [(None, 1, 2), (Some(seconds(40)), 40, 50)] {
            assert_eq!(limited(stated, 0.0), [Some(earliest), Some(earliest)]);
            assert_eq!(limited(stated, 1.0), [Some(latest), Some(earliest)]);
        }
    }

    #[test]
    fn unknown_outcome_waits_for_expiry_unless_replay_is_accepted() {
        let mut spec = spec();
        let unknown = |spec: &ProviderSpec| delays(&ended(LastFailure::Unknown, 0, spec));
        assert_eq!(unknown(&spec), [Some(100), Some(100)]);
        spec.replay_window = seconds(10);
        assert_eq!(unknown(&spec), [Some(100), Some(100)], "it closes before");
        spec.replay_window = seconds(30);
        assert_eq!(unknown(&spec), [Some(15), Some(15)]);
        spec.replay_window = SignedDuration::ZERO;
        let reported = EndedAttempt {
            was_rejected: true,
            ..ended(LastFailure::Unknown, 0, &spec)
        };
        assert_eq!(
            delays(&reported),
            [Some(100), Some(1)],
            "the platform rejected the access token"
        );
        let never = EndedAttempt {
            expires_at: None,
            ..ended(LastFailure::Unknown, 0, &spec)
        };
        assert_eq!(delays(&never), [None, None]);
    }
}
