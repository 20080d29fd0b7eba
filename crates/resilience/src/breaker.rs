//! Circuit breaker: decides when to stop calling a host that fails.
//!
//! Two signals trip it, because each covers the other's blind spot. *Consecutive failures* detect
//! within seconds that a host is down, even at one call per minute, but a single success among a
//! hundred failures resets the count. The *failure rate* of the last 30 seconds detects a partial
//! outage, but needs a minimum number of calls, or two failures at night would block a provider.
//! An error response from the provider counts as a success here: the host is up.
//!
//! The failures of a single account show nothing about the host: a provider may fail for one grant
//! only. Failures of at least three accounts trip the breaker.
//!
//! The breaker only reports that it tripped. The length of the block, the half-open probe and the
//! state shared between replicas live in database rows (provider blocks), so that a provider does
//! not have to prove its health to each replica.

use std::collections::VecDeque;

/// Number of consecutive failures that trips the breaker.
const MAX_CONSECUTIVE_FAILURES: u32 = 5;
/// Minimum number of accounts whose calls failed before the breaker may trip.
const MIN_ACCOUNTS: usize = 3;
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
    /// The accounts of the consecutive failures, at most [`MIN_ACCOUNTS`].
    failing: Vec<Account>,
    /// Time of each call in milliseconds, and its account if the host did not respond.
    calls: VecDeque<(i64, Option<Account>)>,
}

/// A value that identifies the account of a call; `None` for an unknown account, which counts as
/// another one each time.
type Account = Option<u64>;

/// Adds the account of a failure unless it is counted already or there are enough.
fn count_account(failing: &mut Vec<Account>, account: Account) {
    let is_known = account.is_some() && failing.contains(&account);
    if failing.len() < MIN_ACCOUNTS && !is_known {
        failing.push(account);
    }
}

impl Breaker {
    /// Records that the host responded.
    pub fn succeeded(&mut self, now_ms: i64) {
        self.consecutive_failures = 0;
        self.failing.clear();
        self.remember(now_ms, None);
    }

    /// Records a failed call for this account; `None` if it is unknown. Returns `true` if the
    /// breaker trips.
    pub fn failed(&mut self, now_ms: i64, account: Option<u64>) -> bool {
        self.consecutive_failures += 1;
        count_account(&mut self.failing, account);
        self.remember(now_ms, Some(account));
        self.fails_consecutively() || self.fails_often()
    }

    fn fails_consecutively(&self) -> bool {
        self.consecutive_failures >= MAX_CONSECUTIVE_FAILURES && self.failing.len() >= MIN_ACCOUNTS
    }

    fn fails_often(&self) -> bool {
        let (mut failures, mut failing) = (0, Vec::new());
        for account in self.calls.iter().filter_map(|(_, failed)| *failed) {
            failures += 1;
            count_account(&mut failing, account);
        }
        let calls = self.calls.len();
        calls >= MIN_CALLS && failures * 2 >= calls && failing.len() >= MIN_ACCOUNTS
    }

    /// Forgets all recorded calls.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn remember(&mut self, now_ms: i64, failed: Option<Account>) {
        self.calls.push_back((now_ms, failed));
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
        let tripped: Vec<_> = (0..5)
            .map(|n| breaker.failed(n * 3_600_000, None))
            .collect();
        assert_eq!(tripped, [false, false, false, false, true]);
    }

    #[test]
    fn success_resets_the_consecutive_failures() {
        let mut breaker = Breaker::default();
        for n in 0..100 {
            for _ in 0..4 {
                assert!(!breaker.failed(n * 60_000, None));
            }
            breaker.succeeded(n * 60_000);
        }
    }

    #[test]
    fn failure_rate_of_half_trips_without_consecutive_failures() {
        let mut breaker = Breaker::default();
        let start = 100 * WINDOW_MS;
        for n in 0..9 {
            assert!(!breaker.failed(start + n, None));
            breaker.succeeded(start + n);
        }
        let end = start + WINDOW_MS;
        assert!(!breaker.failed(end, None), "nineteen calls are not enough");
        breaker.succeeded(end);
        assert!(breaker.failed(end, None));
    }

    #[test]
    fn calls_outside_the_window_do_not_count() {
        let mut breaker = Breaker::default();
        for n in 0..19 {
            breaker.failed(n, None);
            breaker.succeeded(n);
        }
        assert!(!breaker.failed(WINDOW_MS + 100, None));
        breaker.failed(WINDOW_MS + 100, None);
        breaker.reset();
        assert!(!breaker.failed(WINDOW_MS + 100, None));
    }

    #[test]
    fn failures_of_two_accounts_do_not_trip() {
        let mut breaker = Breaker::default();
        for n in 0..100 {
            assert!(!breaker.failed(n, Some(1)));
            assert!(!breaker.failed(n, Some(2)));
        }
        assert!(breaker.failed(100, Some(3)));
        breaker.succeeded(100);
        assert!(
            breaker.failed(100, Some(1)),
            "one success among a hundred failures of three accounts"
        );
        breaker.reset();
        breaker.failed(101, Some(3));
        for n in 0..100 {
            assert!(!breaker.failed(200 + n, Some(1)));
        }
    }

    #[test]
    fn only_the_latest_calls_and_three_accounts_are_remembered() {
        let mut breaker = Breaker::default();
        for n in 0..1_000 {
            breaker.failed(0, Some(n));
        }
        assert_eq!(breaker.calls.len(), MAX_CALLS);
        assert_eq!(breaker.calls.back(), Some(&(0, Some(Some(999)))));
        assert_eq!(breaker.failing.len(), MIN_ACCOUNTS);
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
            prop_assert!(breaker.consecutive_failures == 0 && breaker.failing.is_empty());
        }
    }
}
