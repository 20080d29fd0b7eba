//! Simulates replicas whose calls a provider limits, in steps of a millisecond.

#![expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    clippy::print_stdout,
    reason = "counts are small, equal rates are computed alike, and the shares are read by eye"
)]

use std::collections::VecDeque;

use super::*;

/// How a provider counts calls. Each limit is ten calls per second.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Counting {
    /// Ten calls in each whole second.
    FixedWindow,
    /// Ten calls within any second.
    SlidingWindow,
    /// A bucket of this size, filled by ten calls per second.
    Bucket(f64),
}

const COUNTINGS: [Counting; 4] = [
    Counting::FixedWindow,
    Counting::SlidingWindow,
    Counting::Bucket(10.0),
    Counting::Bucket(60.0),
];
const ALLOWED_PER_SECOND: usize = 10;

struct Platform {
    counting: Counting,
    accepted: VecDeque<u64>,
    tokens: f64,
    filled_ms: u64,
}

impl Platform {
    fn new(counting: Counting) -> Self {
        let tokens = match counting {
            Counting::Bucket(size) => size,
            _ => 0.0,
        };
        Self {
            counting,
            accepted: VecDeque::new(),
            tokens,
            filled_ms: 0,
        }
    }

    fn accepts(&mut self, now_ms: u64) -> bool {
        let window_start = match self.counting {
            Counting::FixedWindow => now_ms / 1000 * 1000,
            _ => (now_ms + 1).saturating_sub(1000),
        };
        self.accepted.retain(|at| *at >= window_start);
        let accepts = if let Counting::Bucket(size) = self.counting {
            let filled = (now_ms - self.filled_ms) as f64 / 1000.0 * ALLOWED_PER_SECOND as f64;
            self.tokens = (self.tokens + filled).min(size);
            self.filled_ms = now_ms;
            self.tokens >= 1.0
        } else {
            self.accepted.len() < ALLOWED_PER_SECOND
        };
        if accepts {
            self.tokens -= 1.0;
            self.accepted.push_back(now_ms);
        }
        accepts
    }
}

/// A call in flight: when its response arrives, when it was sent, and whether it was accepted.
type Response = (u64, u64, bool);

struct Replica {
    rate: CallRate,
    in_flight: VecDeque<Response>,
    paused_until_ms: u64,
}

/// The result of a simulation.
#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    accepted: usize,
    refused: usize,
}

impl Counted {
    fn used(self, seconds: usize) -> f64 {
        self.accepted as f64 / (seconds * ALLOWED_PER_SECOND) as f64
    }

    fn refusals_per_success(self) -> f64 {
        self.refused as f64 / self.accepted as f64
    }
}

struct Simulation {
    platform: Platform,
    replicas: Vec<Replica>,
    row: Option<SharedRate>,
    round_trip_ms: u64,
    retry_after_ms: u64,
}

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Returns the time of a replica, which events reach at a microsecond of its own.
fn clock_of(index: usize, now_ms: u64) -> Duration {
    at(now_ms) + Duration::from_micros(now_ms * 7 % 900 + index as u64 * 13)
}

/// Starts a call if it need not wait.
fn take(rate: &mut CallRate, now_ms: u64) -> bool {
    let may_start = rate.wait(at(now_ms)).is_zero();
    if may_start {
        rate.start_call(at(now_ms));
    }
    may_start
}

impl Simulation {
    fn new(replicas: u32, counting: Counting) -> Self {
        let replica = |_| {
            let mut rate = CallRate::default();
            rate.share_among(replicas);
            Replica {
                rate,
                in_flight: VecDeque::new(),
                paused_until_ms: 0,
            }
        };
        Self {
            platform: Platform::new(counting),
            replicas: (0..replicas).map(replica).collect(),
            row: None,
            round_trip_ms: 20,
            retry_after_ms: 0,
        }
    }

    /// Runs all replicas, which always have calls to make, for this time.
    fn run(&mut self, from_s: u64, to_s: u64) -> Counted {
        let mut counted = Counted::default();
        for now_ms in from_s * 1000..to_s * 1000 {
            for index in 0..self.replicas.len() {
                self.step(index, now_ms, &mut counted);
                // The replicas exchange their rates each second, but not at the same time.
                if now_ms % 1000 == index as u64 * 300 + 100 {
                    self.exchange(index, now_ms);
                }
            }
        }
        counted
    }

    fn step(&mut self, index: usize, now_ms: u64, counted: &mut Counted) {
        let replica = &mut self.replicas[index];
        while let Some((_, sent_ms, accepted)) =
            replica.in_flight.pop_front_if(|(due, ..)| *due <= now_ms)
        {
            if accepted {
                replica.rate.succeeded(at(now_ms));
            } else {
                let pause = at(self.retry_after_ms);
                replica
                    .rate
                    .refused(clock_of(index, now_ms), at(sent_ms), pause);
                replica.paused_until_ms = now_ms + self.retry_after_ms;
            }
        }
        if replica.paused_until_ms == now_ms {
            replica.rate.resume(clock_of(index, now_ms));
        }
        while replica.in_flight.len() < 64
            && now_ms >= replica.paused_until_ms
            && take(&mut replica.rate, now_ms)
        {
            let accepted = self.platform.accepts(now_ms);
            counted.accepted += usize::from(accepted);
            counted.refused += usize::from(!accepted);
            replica
                .in_flight
                .push_back((now_ms + self.round_trip_ms, now_ms, accepted));
        }
    }

    /// Stores the offer of a replica as the database does, and lets it apply the result.
    fn exchange(&mut self, index: usize, now_ms: u64) {
        let longest = self
            .replicas
            .iter()
            .map(|replica| replica.paused_until_ms)
            .max();
        let replica = &mut self.replicas[index];
        replica.paused_until_ms = longest.unwrap_or(0);
        match replica.rate.offer() {
            Some(Learned::Cut(cut)) => match &mut self.row {
                Some(row) if row.per_second <= cut.per_second => {}
                row => {
                    let cuts = row.map_or(0, |row| row.cuts) + 1;
                    *row = Some(SharedRate { cuts, ..cut });
                }
            },
            Some(Learned::Grown(grown)) => {
                if let Some(row) = &mut self.row
                    && row.cuts == grown.cuts
                {
                    row.per_second = row.per_second.max(grown.per_second);
                }
            }
            None => {}
        }
        if let Some(row) = &self.row {
            replica.rate.apply(row, at(now_ms));
        }
    }
}

#[test]
fn allowed_rate_is_used_with_few_refusals() {
    for counting in COUNTINGS {
        for replicas in [1, 3] {
            for round_trip_ms in [2, 20] {
                let mut simulation = Simulation::new(replicas, counting);
                simulation.round_trip_ms = round_trip_ms;
                let counted = simulation.run(0, 120);
                let (used, refused) = (counted.used(120), counted.refusals_per_success());
                let case = format!("{counting:?}, {replicas} replicas, {round_trip_ms} ms");
                println!("{case}: {used:.3} of the rate, {refused:.3} refusals per success");
                assert!(used >= 0.9, "{case}: {used}");
                assert!(refused <= 0.1, "{case}: {refused}");
            }
        }
    }
}

#[test]
fn stated_pause_is_provoked_rarely() {
    for counting in COUNTINGS {
        for replicas in [1, 3] {
            let mut simulation = Simulation::new(replicas, counting);
            simulation.retry_after_ms = 5000;
            let first = simulation.run(0, 120);
            let counted = simulation.run(120, 360);
            let (used, refused) = (counted.used(240), counted.refusals_per_success());
            let case = format!("{counting:?}, {replicas} replicas, Retry-After: 5");
            println!("{case}: {used:.3} of the rate, {refused:.3} refusals per success");
            assert!(first.refusals_per_success() <= 0.1, "{case}: {first:?}");
            assert!(used >= 0.8 && refused <= 0.05, "{case}: {counted:?}");
        }
    }
}

/// A rate that a refusal after ten successes taught.
fn learned() -> CallRate {
    let mut rate = CallRate::default();
    for _ in 0..10 {
        rate.succeeded(at(1));
    }
    rate.refused(at(2), at(1), Duration::ZERO);
    rate
}

fn shared(rate: &mut CallRate) -> SharedRate {
    match rate.offer() {
        Some(Learned::Cut(shared) | Learned::Grown(shared)) => shared,
        None => panic!("nothing to exchange"),
    }
}

/// Starts calls of which none is answered, as many as may start now.
fn burst(rate: &mut CallRate, now_ms: u64) -> usize {
    (0..100).take_while(|_| take(rate, now_ms)).count()
}

#[test]
fn calls_in_flight_grow_by_half_with_each_round_trip_until_none_waits() {
    let mut rate = CallRate::default();
    let mut bursts = Vec::new();
    for round in 0..9 {
        let calls = burst(&mut rate, round);
        bursts.push(calls);
        (0..calls).for_each(|_| rate.succeeded(at(round)));
    }
    assert_eq!(bursts, [4, 6, 9, 13, 19, 28, 42, 63, 100]);
}

#[test]
fn calls_without_a_response_delay_the_others_for_little_more_than_a_second() {
    let mut rate = CallRate::default();
    let started: Vec<usize> = (0..1300).map(|ms| burst(&mut rate, ms)).collect();
    assert_eq!(started[..41].iter().sum::<usize>(), 6);
    assert!(started[1250..].iter().all(|calls| *calls == 100));
}

#[test]
fn single_calls_do_not_prove_that_many_are_accepted_at_once() {
    let mut rate = CallRate::default();
    for ms in 0..500 {
        assert!(take(&mut rate, ms));
        if ms % 2 == 0 {
            rate.succeeded(at(ms));
        } else {
            rate.ended();
        }
    }
    assert_eq!(burst(&mut rate, 500), 4);
}

#[test]
fn refusal_of_a_call_from_before_the_cut_is_ignored() {
    let mut rate = learned();
    let cut = rate.share();
    rate.refused(at(3), at(1), Duration::ZERO);
    assert_eq!(rate.share(), cut);
    rate.refused(at(9), at(3), Duration::ZERO);
    assert!(rate.share() < cut);
}

#[test]
fn calls_after_a_stated_pause_start_one_by_one() {
    let mut rate = learned();
    let pause = Duration::from_secs(5);
    rate.refused(at(10_000), at(9_990), pause);
    let starts: Vec<u64> = (10_000..16_000).filter(|ms| take(&mut rate, *ms)).collect();
    let gaps: Vec<u64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        gaps.len() > 3 && gaps.iter().all(|gap| *gap > 90),
        "{gaps:?}"
    );
}

#[test]
fn cut_of_one_replica_applies_to_the_others() {
    let mut first = learned();
    let mut second = CallRate::default();
    let row = SharedRate {
        cuts: 1,
        ..shared(&mut first)
    };
    second.apply(&row, at(100));
    assert_eq!(second.share(), first.share());
    assert_eq!(second.offer(), None, "it has learned nothing itself");
    first.apply(&row, at(100));
    assert_eq!(first.offer(), None, "the others know its cut");
    second.refused(at(200), at(150), Duration::ZERO);
    assert!(matches!(second.offer(), Some(Learned::Cut(_))));
}

#[test]
fn cut_during_an_exchange_is_offered_again() {
    let mut rate = learned();
    let row = shared(&mut rate);
    rate.refused(at(9), at(3), Duration::ZERO);
    let cut = rate.share();
    rate.apply(&SharedRate { cuts: 1, ..row }, at(10));
    assert_eq!(rate.share(), cut, "the stored rate is that before the cut");
    assert!(matches!(rate.offer(), Some(Learned::Cut(_))));
}

#[test]
fn rate_is_forgotten_an_hour_after_the_last_refusal() {
    let mut rate = learned();
    assert!(take(&mut rate, 3_600_002) && rate.is_learned());
    assert!(take(&mut rate, 3_601_000) && !rate.is_learned());
    assert_eq!(burst(&mut rate, 3_601_000), 3, "it starts slowly again");
}

#[test]
fn replicas_share_the_rate_equally() {
    let mut rate = learned();
    let all = rate.share();
    rate.share_among(4);
    assert_eq!(rate.share(), all / 4.0);
}
