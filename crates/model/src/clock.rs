//! Time as a parameter: code reads the time from a [`Clock`], so that tests can stop or advance it.

use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

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

    /// Returns how far this clock is ahead of its source because the source was set back; zero for
    /// a clock without a source.
    fn ahead(&self) -> SignedDuration {
        SignedDuration::ZERO
    }
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

/// A clock that follows another clock forward and never goes back.
///
/// When the system clock is set back, recorded times stay in the past: an expired token does not
/// become valid again, and completed work is not repeated. When it is set forward, this clock
/// follows, because a machine that was suspended must not return tokens that expired meanwhile.
pub struct SteadyClock {
    source: Arc<dyn Clock>,
    started: Instant,
    /// Milliseconds to add to the time since the start. The value never decreases.
    offset_ms: AtomicI64,
}

impl SteadyClock {
    /// Creates a clock that follows `source`.
    #[must_use]
    pub fn set_by(source: Arc<dyn Clock>) -> Self {
        let offset_ms = AtomicI64::new(source.now().unix_ms());
        Self {
            source,
            started: Instant::now(),
            offset_ms,
        }
    }

    /// Returns the offset that matches the source now, and the time since the start, in
    /// milliseconds.
    fn reading(&self) -> (i64, i64) {
        let since_ms = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        (
            self.source.now().unix_ms().saturating_sub(since_ms),
            since_ms,
        )
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let (offset_ms, since_ms) = self.reading();
        let previous_ms = self.offset_ms.fetch_max(offset_ms, Ordering::Relaxed);
        Timestamp::from_unix_ms(previous_ms.max(offset_ms).saturating_add(since_ms))
    }

    fn ahead(&self) -> SignedDuration {
        let (offset_ms, _) = self.reading();
        SignedDuration::from_millis((self.offset_ms.load(Ordering::Relaxed) - offset_ms).max(0))
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
    fn steady_clock_follows_forward_but_not_back() {
        let source = Arc::new(ManualClock::new(Timestamp::from_unix_ms(1_767_225_600_000)));
        let clock = SteadyClock::set_by(Arc::<ManualClock>::clone(&source));
        let start = clock.now();
        source.advance_seconds(3600);
        let later = clock.now();
        let hour = SignedDuration::from_hours(1);
        let second = SignedDuration::from_secs(1);
        assert!(later.since(start) >= hour && clock.ahead() < second);
        source.advance_seconds(-7200);
        assert!(clock.now() >= later && clock.ahead() >= hour * 2 - second);
        source.advance_seconds(10_800);
        assert!(
            clock.now().since(later) >= hour,
            "follows again once the source is ahead"
        );
    }

    #[test]
    fn serialization_round_trips() {
        let at = Timestamp::from_unix_ms(1_767_225_600_120);
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }
}
