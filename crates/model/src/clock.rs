//! Time as a parameter: code reads the time from a [`Clock`], so that tests can stop or advance it.

use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;

/// A point in time in UTC with millisecond precision, which both databases and the JSON format
/// support.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The last second of the year 9999 that `jiff` represents. Later times are clamped to it, so that
/// the text form always has the same length.
const LATEST_MS: i64 = 253_402_207_200_000;

impl Timestamp {
    /// Creates a timestamp from milliseconds since 1970-01-01T00:00:00Z, clamped to the years 1970
    /// to 9999.
    #[must_use]
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(0, LATEST_MS))
    }

    /// Creates a timestamp from seconds since 1970-01-01T00:00:00Z, clamped to the years 1970 to
    /// 9999.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_ms(seconds.saturating_mul(1000))
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// Returns the time since `earlier`; negative if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> SignedDuration {
        SignedDuration::from_millis(self.0 - earlier.0)
    }
}

/// Adds a duration, which may be negative. The result is clamped to the years 1970 to 9999; a
/// fraction of a millisecond is dropped.
impl Add<SignedDuration> for Timestamp {
    type Output = Self;

    fn add(self, duration: SignedDuration) -> Self {
        Self::from_unix_ms(self.0.saturating_add(whole_ms(duration)))
    }
}

/// Subtracts a duration, which may be negative. The result is clamped to the years 1970 to 9999; a
/// fraction of a millisecond is dropped.
impl Sub<SignedDuration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: SignedDuration) -> Self {
        Self::from_unix_ms(self.0.saturating_sub(whole_ms(duration)))
    }
}

/// Returns the whole milliseconds of `duration`, clamped to the range of `i64`: the unit of rows
/// and of the state machines in `evergrant-resilience`.
#[must_use]
pub fn whole_ms(duration: SignedDuration) -> i64 {
    let limit = if duration.is_negative() {
        i64::MIN
    } else {
        i64::MAX
    };
    i64::try_from(duration.as_millis()).unwrap_or(limit)
}

impl std::fmt::Display for Timestamp {
    /// Formats as RFC 3339 in UTC with milliseconds, for example `2026-01-02T03:04:05.678Z`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        write!(f, "{moment:.3}")
    }
}

impl std::fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let moment = <jiff::Timestamp as serde::Deserialize>::deserialize(deserializer)?;
        Ok(Self::from_unix_ms(moment.as_millisecond()))
    }
}

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns how far the machine's own clock is ahead of this one, or negative, behind it; zero
    /// if there is no other clock.
    fn machine_error(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    /// Returns whether the machine's own clock agrees with this one, so that what depends on time
    /// alone, such as the end of a connection, may be recorded for all replicas.
    fn is_reliable(&self) -> bool {
        self.machine_error().abs() <= MAX_CLOCK_ERROR
    }

    /// Lets this clock follow lasting changes of the machine's own clock. Called once a second.
    fn follow_machine(&self) {}
}

/// How far a machine's clock may be off the shared time before it counts as wrong.
pub const MAX_CLOCK_ERROR: SignedDuration = SignedDuration::from_secs(5);

/// Measures durations. Changes of the machine's clock do not affect it.
pub trait Stopwatch: Send + Sync {
    /// Returns the time since a fixed moment, such as the start of the process.
    fn elapsed(&self) -> SignedDuration;
}

/// The system clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the system clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock for tests that changes only when it is advanced.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Creates a clock that shows `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.unix_ms()))
    }

    /// Advances the clock by `duration`; a negative value sets it back.
    pub fn advance(&self, duration: SignedDuration) {
        self.0.fetch_add(whole_ms(duration), Ordering::SeqCst);
    }

    /// Advances the clock by `seconds`; a negative value sets it back.
    pub fn advance_seconds(&self, seconds: i64) {
        self.advance(SignedDuration::from_secs(seconds));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// A stopwatch for tests.
impl Stopwatch for ManualClock {
    fn elapsed(&self) -> SignedDuration {
        self.now().since(Timestamp::from_unix_ms(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_time_has_text_form_of_its_year() {
        let latest = Timestamp::from_unix_ms(i64::MAX);
        assert_eq!(latest.to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), latest);
    }

    #[test]
    fn display_always_has_milliseconds() {
        assert_eq!(
            Timestamp::from_unix_ms(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_unix_ms(1_767_225_600_120).to_string(),
            "2026-01-01T00:00:00.120Z"
        );
    }

    #[test]
    fn any_number_has_a_text_of_constant_length() {
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            let text = Timestamp::from_unix_ms(ms).to_string();
            assert_eq!(text.len(), 24, "{text}");
        }
    }

    #[test]
    fn arithmetic_is_clamped_to_the_supported_years() {
        let time = Timestamp::from_unix_ms(5);
        for longest in [SignedDuration::from_secs(i64::MAX), SignedDuration::MAX] {
            assert_eq!((time + longest).unix_ms(), LATEST_MS);
            assert_eq!((time - longest).unix_ms(), 0);
        }
        assert_eq!((time + SignedDuration::MIN).unix_ms(), 0);
        assert_eq!((time - SignedDuration::MIN).unix_ms(), LATEST_MS);
        let hour = SignedDuration::from_hours(1);
        assert_eq!((time + hour).since(time), hour);
        assert_eq!(time.since(time + hour), -hour);
    }

    #[test]
    fn serialization_round_trips() {
        let at = Timestamp::from_unix_ms(1_767_225_600_120);
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }
}
