//! Circuit breaker: decides when to stop calling a host that fails.
//!
//! Two signals trip it, because each covers the other's blind spot. *Consecutive failures* detect
//! within seconds that a host is down, even at one call per minute, but a single success among a
//! hundred failures resets the count. The *failure rate* of the last 30 seconds detects a partial
//! outage, but needs a minimum number of calls, or two failures at night would block a provider.
//! An error response from the provider counts as a success here: the host is up.
//!
//! The breaker only reports that it tripped. The length of the block, the half-open probe and the
//! state shared between replicas live in database rows (provider blocks), so that a provider does
//! not have to prove its health to each replica.

use std::collections::VecDeque;

/// Number of consecutive failures that trips the breaker.
const MAX_CONSECUTIVE_FAILURES: u32 = 5;
/// Window of the failure rate, in milliseconds.
const WINDOW_MS: i64 = 30_000;
/// Minimum number of calls in the window before the failure rate may trip the breaker.
const MIN_CALLS: usize = 20;
/// Maximum number of calls that are remembered.
const MAX_CALLS: usize = 200;

/// Outcomes of the most recent calls to one host.
#[derive(Debug, Default)]
pub struct Breaker {
    consecutive_failures: u32,
    /// Time of each call in milliseconds, and whether the host responded.
    calls: VecDeque<(i64, bool)>,
}

impl Breaker {
    /// Records that the host responded.
    pub fn succeeded(&mut self, now_ms: i64) {
        self.consecutive_failures = 0;
        self.remember(now_ms, true);
    }

    /// Records a failed call. Returns `true` if the breaker trips.
    pub fn failed(&mut self, now_ms: i64) -> bool {
        self.consecutive_failures += 1;
        self.remember(now_ms, false);
        let failures = self.calls.iter().filter(|(_, ok)| !ok).count();
        let rate_exceeded = self.calls.len() >= MIN_CALLS && failures * 2 >= self.calls.len();
        self.consecutive_failures >= MAX_CONSECUTIVE_FAILURES || rate_exceeded
    }

    /// Forgets all recorded calls.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn remember(&mut self, now_ms: i64, ok: bool) {
        self.calls.push_back((now_ms, ok));
        // Entries from the future (the clock was set back) would otherwise never expire.
        self.calls
            .retain(|(at_ms, _)| (0..=WINDOW_MS).contains(&(now_ms - at_ms)));
        if self.calls.len() > MAX_CALLS {
            self.calls.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_consecutive_failures_trip_regardless_of_spacing() {
        let mut breaker = Breaker::default();
        let tripped: Vec<_> = (0..5).map(|n| breaker.failed(n * 3_600_000)).collect();
        assert_eq!(tripped, [false, false, false, false, true]);
    }

    #[test]
    fn success_resets_the_consecutive_failures() {
        let mut breaker = Breaker::default();
        for n in 0..100 {
            for _ in 0..4 {
                assert!(!breaker.failed(n * 60_000));
            }
            breaker.succeeded(n * 60_000);
        }
    }

    #[test]
    fn failure_rate_of_half_trips_without_consecutive_failures() {
        let mut breaker = Breaker::default();
        for n in 0..9 {
            assert!(!breaker.failed(n));
            breaker.succeeded(n);
        }
        assert!(!breaker.failed(9), "nineteen calls are not enough");
        breaker.succeeded(9);
        assert!(breaker.failed(10));
    }

    #[test]
    fn calls_outside_the_window_do_not_count() {
        let mut breaker = Breaker::default();
        for n in 0..19 {
            breaker.failed(n);
            breaker.succeeded(n);
        }
        assert!(!breaker.failed(WINDOW_MS + 100));
        breaker.failed(WINDOW_MS + 100);
        breaker.reset();
        assert!(!breaker.failed(WINDOW_MS + 100));
    }

    proptest! {
        /// A host that always responds never trips the breaker, and memory stays bounded even if
        /// the clock jumps.
        #[test]
        fn successes_never_trip(moments in proptest::collection::vec(any::<i32>(), 0..400)) {
            let mut breaker = Breaker::default();
            for at_ms in moments {
                breaker.succeeded(i64::from(at_ms));
                prop_assert!(breaker.calls.len() <= MAX_CALLS);
            }
            prop_assert_eq!(breaker.consecutive_failures, 0);
        }
    }
}
