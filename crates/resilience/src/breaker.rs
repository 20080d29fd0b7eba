//! When to stop calling somebody who does not answer.
//!
//! Two signals trip, because each misses what the other sees. *Failures in a row* show within
//! seconds that a host is down, also where it is called once a minute; but one answer among a
//! hundred failures resets them. The *share of failures* in the last half minute sees that; but it
//! needs many calls, or two unlucky ones at night would cut a platform off. Refusals are answers: a
//! host that says no a thousand times is up.
//!
//! The breaker only says when to stop. For how long, who may try first, and what other processes
//! know of it is a matter of shared rows, since a platform should not have to prove its health to
//! each replica.

use std::collections::VecDeque;

/// This many failures in a row trip.
const IN_A_ROW: u32 = 5;
/// The share counts over this span, in milliseconds,
const SPAN_MS: i64 = 30_000;
/// only where there were so many calls,
const ENOUGH: usize = 20;
/// of which no more than these are remembered.
const MEMORY: usize = 200;

/// The last calls to one host.
#[derive(Debug, Default)]
pub struct Breaker {
    in_a_row: u32,
    calls: VecDeque<(i64, bool)>,
}

impl Breaker {
    /// Notes that the host answered.
    pub fn succeeded(&mut self, now_ms: i64) {
        self.in_a_row = 0;
        self.remember(now_ms, true);
    }

    /// Notes that it did not; whether it is to be left alone from now on.
    pub fn failed(&mut self, now_ms: i64) -> bool {
        self.in_a_row += 1;
        self.remember(now_ms, false);
        let failures = self.calls.iter().filter(|(_, answered)| !answered).count();
        let too_many = self.calls.len() >= ENOUGH && failures * 2 >= self.calls.len();
        self.in_a_row >= IN_A_ROW || too_many
    }

    /// Forgets the past: what comes now counts for itself.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn remember(&mut self, now_ms: i64, answered: bool) {
        self.calls.push_back((now_ms, answered));
        // A clock that was turned back would keep entries of the future for ever.
        self.calls
            .retain(|(at_ms, _)| (0..=SPAN_MS).contains(&(now_ms - at_ms)));
        if self.calls.len() > MEMORY {
            self.calls.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_failures_in_a_row_trip_however_far_apart() {
        let mut breaker = Breaker::default();
        let tripped: Vec<_> = (0..5).map(|n| breaker.failed(n * 3_600_000)).collect();
        assert_eq!(tripped, [false, false, false, false, true]);
    }

    #[test]
    fn an_answer_breaks_the_row() {
        let mut breaker = Breaker::default();
        for n in 0..100 {
            for _ in 0..4 {
                assert!(!breaker.failed(n * 60_000));
            }
            breaker.succeeded(n * 60_000);
        }
    }

    #[test]
    fn half_of_twenty_failing_trips_though_no_row_does() {
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
    fn what_is_over_does_not_count() {
        let mut breaker = Breaker::default();
        for n in 0..19 {
            breaker.failed(n);
            breaker.succeeded(n);
        }
        assert!(!breaker.failed(SPAN_MS + 100));
        breaker.failed(SPAN_MS + 100);
        breaker.reset();
        assert!(!breaker.failed(SPAN_MS + 100));
    }

    proptest! {
        /// A host that always answers is never left alone, and memory stays bounded whatever the
        /// clock does.
        #[test]
        fn answers_never_trip(moments in proptest::collection::vec(any::<i32>(), 0..400)) {
            let mut breaker = Breaker::default();
            for at_ms in moments {
                breaker.succeeded(i64::from(at_ms));
                prop_assert!(breaker.calls.len() <= MEMORY);
            }
            prop_assert_eq!(breaker.in_a_row, 0);
        }
    }
}
