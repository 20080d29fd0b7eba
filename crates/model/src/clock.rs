//! Time as a parameter: whoever needs the time asks a [`Clock`], so a test can stand still or let
//! years pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

/// A moment in UTC, cut to milliseconds: the precision that both databases and the JSON answers
/// share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The last millisecond of the year 9999; later moments are cut to it, so that no text form ever
/// grows a digit.
const LATEST_MS: i64 = 253_402_207_200_999;

impl Timestamp {
    /// The moment `ms` milliseconds after 1970-01-01T00:00:00Z, cut to the years 1970 to 9999.
    #[must_use]
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(0, LATEST_MS))
    }

    /// The moment `seconds` after 1970-01-01T00:00:00Z, cut likewise.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_ms(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// This moment moved by `seconds`, which may be negative.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This moment moved by `ms`, which may be negative.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }

    /// Whole seconds from `earlier` to this moment, rounded down; negative where `earlier` is the
    /// later one.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).div_euclid(1000)
    }
}

impl std::fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds, as in `2026-01-02T03:04:05.678Z`.
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

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The current moment.
    fn now(&self) -> Timestamp;

    /// By how many milliseconds this clock goes on ahead of the one it is set by, because that was
    /// turned back; 0 for a clock that is its own.
    fn ahead_ms(&self) -> i64 {
        0
    }
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine's time is read"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock that is set by another one and never turned back.
///
/// Moments that were written down stay in the past when the machine's clock is turned back: what
/// has ended does not work again, and nothing that was done is done anew. A clock that is put
/// forward is followed, since a machine that slept must not hand out what ended meanwhile.
pub struct SteadyClock {
    source: Arc<dyn Clock>,
    began: Instant,
    /// What must be added to the time since the beginning; it only grows.
    offset_ms: AtomicI64,
}

impl SteadyClock {
    /// A clock set by `source`.
    #[must_use]
    pub fn set_by(source: Arc<dyn Clock>) -> Self {
        let offset_ms = AtomicI64::new(source.now().unix_ms());
        Self {
            source,
            began: Instant::now(),
            offset_ms,
        }
    }

    /// What must be added now to follow the source, and the time since the beginning.
    fn reading(&self) -> (i64, i64) {
        let since_ms = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        (
            self.source.now().unix_ms().saturating_sub(since_ms),
            since_ms,
        )
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let (offset_ms, since_ms) = self.reading();
        let before_ms = self.offset_ms.fetch_max(offset_ms, Ordering::Relaxed);
        Timestamp::from_unix_ms(before_ms.max(offset_ms).saturating_add(since_ms))
    }

    fn ahead_ms(&self) -> i64 {
        let (offset_ms, _) = self.reading();
        (self.offset_ms.load(Ordering::Relaxed) - offset_ms).max(0)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock standing at `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.unix_ms()))
    }

    /// Moves the clock on by `seconds`; a negative number turns it back.
    pub fn advance_seconds(&self, seconds: i64) {
        self.advance_ms(seconds.saturating_mul(1000));
    }

    /// Moves the clock on by `ms`; a negative number turns it back.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
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
    fn prints_milliseconds_always() {
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
    fn survives_every_number() {
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            let text = Timestamp::from_unix_ms(ms).to_string();
            assert_eq!(text.len(), 24, "{text}");
        }
        assert_eq!(
            Timestamp::from_unix_ms(5).plus_seconds(i64::MAX).unix_ms(),
            LATEST_MS
        );
    }

    #[test]
    fn a_steady_clock_follows_forward_and_not_back() {
        let source = Arc::new(ManualClock::new(Timestamp::from_unix_ms(1_767_225_600_000)));
        let clock = SteadyClock::set_by(Arc::<ManualClock>::clone(&source));
        let began = clock.now();
        source.advance_seconds(3600);
        let later = clock.now();
        assert!(later.seconds_since(began) >= 3600 && clock.ahead_ms() < 1000);
        source.advance_seconds(-7200);
        assert!(clock.now() >= later && clock.ahead_ms() >= 7_199_000);
        source.advance_seconds(10_800);
        assert!(
            clock.now().seconds_since(later) >= 3600,
            "and goes on where the source has overtaken it"
        );
    }

    #[test]
    fn reads_what_it_writes() {
        let at = Timestamp::from_unix_ms(1_767_225_600_120);
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }
}
