//! The time that all replicas share, which no single machine's clock can falsify.
//!
//! A [`SharedClock`] counts from a [`Stopwatch`], which nothing can set. Readings of the database's
//! clock correct it, so that all replicas of a PostgreSQL database have the same time. Without such
//! readings (SQLite), it starts with the machine's time and ignores later jumps of it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;

use crate::clock::{Clock, MAX_CLOCK_ERROR, Stopwatch, Timestamp, whole_ms};

/// How long a jump of the machine's clock must last before a clock without readings adopts it.
const ADOPT_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// A clock that shows the database's time, or without readings of it the machine's, without jumps.
pub struct SharedClock {
    machine: Arc<dyn Clock>,
    stopwatch: Arc<dyn Stopwatch>,
    /// The time at which the stopwatch started, in milliseconds since 1970.
    origin_ms: AtomicI64,
    /// Whether the database's clock was read.
    has_reading: AtomicBool,
    jump: Mutex<Option<Jump>>,
}

/// A jump of the machine's clock that may be adopted.
#[derive(Clone, Copy)]
struct Jump {
    /// The time at which the stopwatch started, by the machine's clock after the jump.
    origin_ms: i64,
    /// When the jump was noticed, by the stopwatch.
    noticed_at: SignedDuration,
}

impl SharedClock {
    /// Creates a clock that starts with the machine's time.
    #[must_use]
    pub fn new(machine: Arc<dyn Clock>, stopwatch: Arc<dyn Stopwatch>) -> Self {
        let origin_ms = origin(machine.now(), stopwatch.elapsed());
        Self {
            machine,
            stopwatch,
            origin_ms: AtomicI64::new(origin_ms),
            has_reading: AtomicBool::new(false),
            jump: Mutex::new(None),
        }
    }

    /// Returns the time on the stopwatch, for [`correct`](Self::correct).
    #[must_use]
    pub fn elapsed(&self) -> SignedDuration {
        self.stopwatch.elapsed()
    }

    /// Corrects this clock by a reading of the database's clock that was requested when the
    /// stopwatch showed `requested_at` and has just arrived.
    ///
    /// The reading was taken at an unknown moment in between. A time that agrees with any such
    /// moment is kept, so that a slow response does not change the clock.
    pub fn correct(&self, requested_at: SignedDuration, reading: Timestamp) {
        let earliest = origin(reading, self.elapsed());
        let latest = origin(reading, requested_at).max(earliest);
        let origin_ms = self.origin_ms.load(Ordering::Relaxed);
        self.origin_ms
            .store(origin_ms.clamp(earliest, latest), Ordering::Relaxed);
        self.has_reading.store(true, Ordering::Relaxed);
    }

    /// Returns the origin of the stopwatch by the machine's clock.
    fn machine_origin_ms(&self) -> i64 {
        origin(self.machine.now(), self.elapsed())
    }

    /// Returns the jump that the machine's clock has made to `origin_ms`: the known one if it has
    /// stayed there since.
    fn jump_to(&self, origin_ms: i64) -> Jump {
        let mut known = self.jump.lock().unwrap_or_else(PoisonError::into_inner);
        let lasting = known.filter(|jump| is_close(jump.origin_ms, origin_ms));
        *known.insert(lasting.unwrap_or(Jump {
            origin_ms,
            noticed_at: self.elapsed(),
        }))
    }

    fn forget_jump(&self) {
        *self.jump.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Returns the time at which a stopwatch that shows `elapsed` at `now` has started.
fn origin(now: Timestamp, elapsed: SignedDuration) -> i64 {
    now.unix_ms().saturating_sub(whole_ms(elapsed))
}

fn is_close(one_ms: i64, other_ms: i64) -> bool {
    SignedDuration::from_millis(one_ms - other_ms).abs() <= MAX_CLOCK_ERROR
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        let origin_ms = self.origin_ms.load(Ordering::Relaxed);
        Timestamp::from_unix_ms(origin_ms.saturating_add(whole_ms(self.elapsed())))
    }

    fn machine_error(&self) -> SignedDuration {
        self.machine.now().since(self.now())
    }

    /// Follows the machine's clock unless there are readings of the database's: small corrections
    /// forward at once, a jump once it has lasted for ten minutes.
    fn follow_machine(&self) {
        if self.has_reading.load(Ordering::Relaxed) {
            return;
        }
        let origin_ms = self.machine_origin_ms();
        if is_close(self.origin_ms.load(Ordering::Relaxed), origin_ms) {
            self.origin_ms.fetch_max(origin_ms, Ordering::Relaxed);
            self.forget_jump();
            return;
        }
        let noticed_at = self.jump_to(origin_ms).noticed_at;
        if self.elapsed().saturating_sub(noticed_at) >= ADOPT_AFTER {
            self.origin_ms.store(origin_ms, Ordering::Relaxed);
            self.forget_jump();
        }
    }
}

impl std::fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedClock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;

    /// A clock, and the two that it is made of.
    struct Scene {
        machine: Arc<ManualClock>,
        stopwatch: Arc<ManualClock>,
        clock: SharedClock,
    }

    fn start() -> Timestamp {
        Timestamp::from_unix_seconds(1_767_225_600)
    }

    fn seconds(count: i64) -> SignedDuration {
        SignedDuration::from_secs(count)
    }

    impl Scene {
        fn new() -> Self {
            let machine = Arc::new(ManualClock::new(start()));
            let stopwatch = Arc::new(ManualClock::new(Timestamp::from_unix_ms(7)));
            let clock = SharedClock::new(
                Arc::<ManualClock>::clone(&machine),
                Arc::<ManualClock>::clone(&stopwatch),
            );
            Self {
                machine,
                stopwatch,
                clock,
            }
        }

        /// Lets real time pass.
        fn pass(&self, count: i64) {
            self.machine.advance_seconds(count);
            self.stopwatch.advance_seconds(count);
        }

        /// Returns the seconds that the clock has advanced since the start.
        fn shown(&self) -> i64 {
            self.clock.now().since(start()).as_secs()
        }
    }

    #[test]
    fn jumps_of_the_machines_clock_change_nothing() {
        let scene = Scene::new();
        for jump in [3600, -7200, 400 * 86_400, -1] {
            scene.machine.advance_seconds(jump);
            scene.clock.follow_machine();
            assert_eq!(scene.shown(), 0, "after a jump by {jump} seconds");
            assert!(!scene.clock.is_reliable());
        }
        scene.pass(60);
        assert_eq!(scene.shown(), 60, "the stopwatch counts on");
    }

    #[test]
    fn only_errors_beyond_five_seconds_are_unreliable() {
        for (error, reliable) in [(5, true), (6, false), (-5, true), (-6, false)] {
            let scene = Scene::new();
            scene.machine.advance_seconds(error);
            assert_eq!(scene.clock.machine_error(), seconds(error));
            assert_eq!(scene.clock.is_reliable(), reliable, "{error} seconds");
        }
    }

    #[test]
    fn small_corrections_are_followed_forward_only() {
        let scene = Scene::new();
        scene.machine.advance_seconds(4);
        scene.clock.follow_machine();
        assert_eq!(scene.shown(), 4);
        scene.machine.advance_seconds(-4);
        scene.clock.follow_machine();
        assert_eq!(scene.shown(), 4, "a correction back is waited for");
    }

    #[test]
    fn jump_is_adopted_once_it_has_lasted_for_ten_minutes() {
        let scene = Scene::new();
        scene.machine.advance_seconds(-3600);
        scene.clock.follow_machine();
        scene.pass(599);
        scene.clock.follow_machine();
        assert_eq!(scene.shown(), 599);
        scene.pass(1);
        scene.clock.follow_machine();
        assert_eq!((scene.shown(), scene.clock.is_reliable()), (-3000, true));
    }

    #[test]
    fn another_jump_starts_the_ten_minutes_again() {
        let scene = Scene::new();
        for jump in [3600, 3600, -7200, 3600] {
            scene.machine.advance_seconds(jump);
            scene.clock.follow_machine();
            scene.pass(599);
            scene.clock.follow_machine();
        }
        assert_eq!(scene.shown(), 4 * 599);
    }

    #[test]
    fn readings_decide_over_the_machines_clock() {
        let scene = Scene::new();
        let read = |at| scene.clock.correct(scene.clock.elapsed(), start() + at);
        read(seconds(-3600));
        assert_eq!(scene.clock.machine_error(), seconds(3600));
        assert!(!scene.clock.is_reliable());
        for _ in 0..3 {
            scene.pass(600);
            scene.clock.follow_machine();
        }
        assert_eq!(scene.shown(), 1800 - 3600, "is never adopted");
        read(seconds(1802));
        assert_eq!(scene.shown(), 1802);
        assert!(scene.clock.is_reliable());
    }

    #[test]
    fn slow_reading_changes_the_time_only_as_far_as_it_must() {
        for (reading, shown) in [(0, 10), (10, 10), (12, 12), (-3, 7)] {
            let scene = Scene::new();
            let requested_at = scene.clock.elapsed();
            scene.pass(10);
            scene
                .clock
                .correct(requested_at, start() + seconds(reading));
            assert_eq!(scene.shown(), shown, "the database showed {reading}");
        }
    }
}
