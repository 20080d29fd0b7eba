//! The rate at which a provider accepts calls, learned from its refusals (AIMD: additive increase,
//! multiplicative decrease), and the pace of calls at this rate.
//!
//! Before the first refusal there is no rate, and no call waits for longer than the first few round
//! trips ([`slow_start`]). The first refusal sets the rate to that of the recent successes. Later
//! ones cut it: by 4 % if they are rare, by more if they follow each other. Between refusals it
//! grows by 4 % in [`PROBE_TIME`], then faster and faster. A refusal that costs a pause is provoked
//! more rarely: after twenty such pauses.
//!
//! The rate is that of all replicas together. Each replica calls at an equal share, learns on its
//! own, and exchanges [`SharedRate`] with the others.

mod slow_start;

use std::time::Duration;

use self::slow_start::SlowStart;

/// The lowest rate, in calls per second.
const LOWEST_RATE: f64 = 0.1;
/// The lowest first estimate, in calls per second: one refusal alone hardly delays the next call.
const LOWEST_ESTIMATE: f64 = 5.0;
/// The shortest time in which the rate grows by one [`STEP`], in seconds.
const PROBE_TIME: f64 = 4.0;
/// The number of stated pauses in which the rate grows by one [`STEP`].
const PAUSES_PER_PROBE: f64 = 20.0;
/// The share by which a single refusal cuts the rate.
const STEP: f64 = 0.04;
/// The fastest growth, as a share of the rate per second.
const FASTEST_GROWTH: f64 = 0.25;
/// The share by which a refusal cuts the rate after its first fast growth.
const FIRST_CUT: f64 = 0.1;
/// The largest cut of one refusal.
const LARGEST_CUT: f64 = 0.16;
/// Refusals within this time of each other cut the rate by more and more, in seconds.
const REPEATED_WITHIN: f64 = 1.5;
/// A call that starts late, because timers are coarse, does not delay the next one, up to this
/// share of the interval between calls.
const LATENESS: f64 = 0.5;
/// The fractional parts of its multiples are spread evenly.
const GOLDEN_RATIO: f64 = 0.618_033_988_749_895;
/// A shorter wait than this is none, in seconds.
const SHORTEST_WAIT: f64 = 0.000_001;
/// How long a learned rate applies after the last refusal.
const LEARNED_FOR: f64 = 3_600.0;

/// The learned rate of an endpoint, as replicas exchange it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedRate {
    /// The calls per second of all replicas.
    pub per_second: f64,
    /// The number of stored cuts. A rate that grew from an earlier cut is outdated.
    pub cuts: i64,
    /// Whether the rate is a first estimate, which grows fast.
    pub searching: bool,
    /// The longest pause that a recent refusal stated.
    pub pause: Duration,
}

/// What a replica has learned since it last exchanged its rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Learned {
    /// A refusal cut the rate. It applies to all replicas with a higher one.
    Cut(SharedRate),
    /// The rate has grown since [`SharedRate::cuts`].
    Grown(SharedRate),
}

/// A rate that follows the refusals of a provider, and the time of the next call. Times are
/// durations since any fixed point of one monotonic clock.
#[derive(Debug, Clone)]
pub struct CallRate {
    /// Calls per second of all replicas; infinite before the first refusal.
    per_second: f64,
    /// The live replicas, which share the rate.
    replicas: f64,
    /// The time of the next call at an even pace, in seconds.
    next: f64,
    /// What refusals have taught; `None` before the first one.
    learned: Option<Lesson>,
    /// The first calls, before any was refused.
    slow_start: SlowStart,
    successes: Successes,
}

#[derive(Debug, Clone, Copy)]
struct Lesson {
    /// The rate after the last cut, and its time.
    base: f64,
    cut_at: f64,
    /// The number of cuts that followed each other closely, without the first.
    repeated: i32,
    /// How long calls have been limited since the last cut.
    limited_for: f64,
    searching: bool,
    pause: f64,
    /// The number of stored cuts on which the rate is based.
    cuts: i64,
    /// The rate after the last exchange.
    exchanged: f64,
    /// The time of the last cut that was offered to the other replicas, and that they know.
    offered_cut_at: f64,
    known_cut_at: f64,
}

/// The number of successes in the current and the previous second.
#[derive(Debug, Clone, Copy, Default)]
struct Successes {
    second: f64,
    current: f64,
    previous: f64,
}

impl Default for CallRate {
    fn default() -> Self {
        Self {
            per_second: f64::INFINITY,
            replicas: 1.0,
            next: f64::NEG_INFINITY,
            learned: None,
            slow_start: SlowStart::default(),
            successes: Successes::default(),
        }
    }
}

impl CallRate {
    /// Sets the number of replicas that share the rate.
    pub fn share_among(&mut self, replicas: u32) {
        self.replicas = f64::from(replicas.max(1));
    }

    /// Returns whether refusals have taught a rate.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        self.learned.is_some()
    }

    /// Returns the calls per second of this replica; infinite before the first refusal.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.per_second / self.replicas
    }

    /// Returns the time to wait before the next call may start; zero for none.
    #[must_use]
    pub fn wait(&self, now: Duration) -> Duration {
        if self.learned.is_none() {
            return self.slow_start.wait(now);
        }
        let wait = self.next - now.as_secs_f64();
        if wait < SHORTEST_WAIT {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(wait)
        }
    }

    /// Counts a call that starts now. If it should have waited, later calls wait longer.
    pub fn start_call(&mut self, now: Duration) {
        self.forget(now.as_secs_f64());
        if self.learned.is_none() {
            self.slow_start.start_call(now);
            return;
        }
        let now = now.as_secs_f64();
        let interval = 1.0 / self.share();
        let idle = (now - self.next) / interval;
        self.next = self.next.max(now - LATENESS * interval) + interval;
        if idle < 1.0 {
            self.grow(interval * (1.0 + idle.max(0.0)));
        }
    }

    /// Records that the provider accepted a call.
    pub fn succeeded(&mut self, now: Duration) {
        self.successes.add(now.as_secs_f64());
        self.slow_start.accepted();
    }

    /// Records that a call ended without an answer that tells about limits.
    pub fn ended(&mut self) {
        self.slow_start.ended();
    }

    /// Records that the provider refused a call that was sent at `sent_at`, and stated `pause`, for
    /// which the caller sends nothing. A call that was sent before the last cut shows nothing new.
    pub fn refused(&mut self, now: Duration, sent_at: Duration, pause: Duration) {
        let (now, sent_at, pause) = (
            now.as_secs_f64(),
            sent_at.as_secs_f64(),
            pause.as_secs_f64(),
        );
        let rate = match &self.learned {
            Some(lesson) if sent_at <= lesson.cut_at => return,
            Some(lesson) => self.per_second * (1.0 - lesson.cut_by(now)),
            None => self.estimate(now),
        };
        let lesson = match self.learned {
            Some(lesson) => Lesson {
                repeated: lesson.repetitions(now),
                searching: false,
                ..lesson
            },
            None => Lesson::first(now),
        };
        let is_burst = self.learned.is_none() && rate > LOWEST_ESTIMATE && pause == 0.0;
        self.cut(rate, now, Lesson { pause, ..lesson });
        self.spread(now);
        if is_burst {
            // Most limits count by the second, and this second is used up.
            self.next = self.next.max(now + 1.0);
        }
    }

    /// Delays the next call by a random time of about one interval, so that replicas do not start
    /// together after a pause.
    pub fn resume(&mut self, now: Duration) {
        self.spread(now.as_secs_f64());
    }

    fn spread(&mut self, now: f64) {
        if self.is_learned() {
            // The microsecond serves as a random number.
            let offset = 0.25 + (now * 1e6 * GOLDEN_RATIO).fract();
            self.next = self.next.max(now + offset / self.share());
        }
    }

    /// Returns what to exchange with the other replicas; `None` if there was no cut and the rate
    /// has grown by less than 1 %. The caller stores it and then calls [`CallRate::apply`].
    pub fn offer(&mut self) -> Option<Learned> {
        let lesson = self.learned.as_mut()?;
        lesson.offered_cut_at = lesson.cut_at;
        let shared = SharedRate {
            per_second: self.per_second,
            cuts: lesson.cuts,
            searching: lesson.searching,
            pause: Duration::from_secs_f64(lesson.pause),
        };
        if lesson.has_unknown_cut() {
            return Some(Learned::Cut(shared));
        }
        (self.per_second > lesson.exchanged * 1.01).then_some(Learned::Grown(shared))
    }

    /// Applies the rate that the replicas share, after the last offer was stored.
    pub fn apply(&mut self, shared: &SharedRate, now: Duration) {
        let now = now.as_secs_f64();
        let lesson = self.learned.unwrap_or_else(|| Lesson::first(now));
        let is_lower = shared.per_second < self.per_second;
        let was_cut_since = lesson.cut_at > lesson.offered_cut_at;
        let mut known_cut_at = lesson.offered_cut_at;
        if self.learned.is_none() || is_lower && shared.cuts != lesson.cuts {
            let applied = Lesson {
                searching: shared.searching,
                pause: shared.pause.as_secs_f64(),
                ..lesson
            };
            self.cut(shared.per_second, now, applied);
            known_cut_at = now;
        } else if !is_lower && !was_cut_since {
            self.per_second = shared.per_second;
        }
        if let Some(lesson) = &mut self.learned {
            lesson.cuts = shared.cuts;
            lesson.exchanged = self.per_second;
            lesson.known_cut_at = known_cut_at;
        }
    }

    /// Returns the rate of the recent successes, if all replicas have as many.
    fn estimate(&mut self, now: f64) -> f64 {
        let measured = self.successes.per_second(now) * self.replicas;
        measured.max(LOWEST_ESTIMATE) * (1.0 - STEP)
    }

    fn cut(&mut self, per_second: f64, now: f64, lesson: Lesson) {
        self.per_second = per_second.max(LOWEST_RATE);
        self.learned = Some(Lesson {
            base: self.per_second,
            cut_at: now,
            limited_for: 0.0,
            ..lesson
        });
    }

    /// Lets the rate grow after `seconds` in which it limited the calls.
    fn grow(&mut self, seconds: f64) {
        let Some(lesson) = &mut self.learned else {
            return;
        };
        lesson.limited_for += seconds;
        self.per_second += if lesson.searching {
            self.per_second * FASTEST_GROWTH * seconds
        } else {
            let probe_time = PROBE_TIME.max(lesson.pause * PAUSES_PER_PROBE);
            let speed = STEP / probe_time * (lesson.limited_for / probe_time).exp2();
            lesson.base.max(self.per_second * STEP) * speed.min(FASTEST_GROWTH) * seconds
        };
    }

    /// Starts anew an hour after the last refusal.
    fn forget(&mut self, now: f64) {
        if self
            .learned
            .is_some_and(|lesson| now - lesson.cut_at > LEARNED_FOR)
        {
            *self = Self {
                replicas: self.replicas,
                ..Self::default()
            };
        }
    }
}

impl Lesson {
    fn first(now: f64) -> Self {
        Self {
            base: 0.0,
            cut_at: now,
            repeated: 0,
            limited_for: 0.0,
            searching: true,
            pause: 0.0,
            cuts: 0,
            exchanged: 0.0,
            offered_cut_at: f64::NEG_INFINITY,
            known_cut_at: f64::NEG_INFINITY,
        }
    }

    /// Returns whether there was a cut that the other replicas do not know.
    fn has_unknown_cut(&self) -> bool {
        self.cut_at > self.known_cut_at
    }

    fn repetitions(&self, now: f64) -> i32 {
        if now - self.cut_at < REPEATED_WITHIN {
            self.repeated + 1
        } else {
            0
        }
    }

    /// Returns the share by which a refusal cuts the rate.
    fn cut_by(&self, now: f64) -> f64 {
        let doublings = (self.repetitions(now) - 1).clamp(0, 8);
        let first = if self.searching { FIRST_CUT } else { STEP };
        (first * 2_f64.powi(doublings)).min(LARGEST_CUT)
    }
}

impl Successes {
    fn add(&mut self, now: f64) {
        self.advance(now);
        self.current += 1.0;
    }

    /// Returns the number of successes within the last second, about.
    fn per_second(&mut self, now: f64) -> f64 {
        self.advance(now);
        self.current + self.previous * (1.0 - now.fract())
    }

    fn advance(&mut self, now: f64) {
        let passed = now.floor() - self.second;
        if passed >= 1.0 {
            self.previous = if passed < 2.0 { self.current } else { 0.0 };
            self.current = 0.0;
            self.second = now.floor();
        }
    }
}

#[cfg(test)]
mod tests;
