//! How many calls somebody still takes from us, as far as they have said.
//!
//! Nobody is slowed down on suspicion: without a word from the other side there is no limit. What
//! it says is a number of calls until a moment, a pause, or that we come near a limit; each is
//! believed until it is over. Where a limit is shared among replicas, each takes its part.

/// What somebody has said about their limits. Moments are milliseconds of one clock.
#[derive(Debug, Clone, Default)]
pub struct RateLimiter {
    /// Calls left in the window that ends then.
    window: Option<(u64, i64)>,
    /// No call before this moment.
    paused_to_ms: i64,
    /// At most one call in so many milliseconds, until then.
    pace: Option<(i64, i64)>,
    next_ms: i64,
}

/// No word of a limit is believed for longer: a clock may have been turned, or the other side
/// mistaken.
const LONGEST_MS: i64 = 60 * 60 * 1000;

impl RateLimiter {
    /// Takes one call, or tells how many milliseconds to wait before asking again.
    ///
    /// # Errors
    ///
    /// The wait, at least 1.
    pub fn take(&mut self, now_ms: i64) -> Result<(), i64> {
        self.forget_what_is_over(now_ms);
        if self.paused_to_ms > now_ms {
            return Err(self.paused_to_ms - now_ms);
        }
        if let Some((0, until_ms)) = self.window {
            return Err((until_ms - now_ms).max(1));
        }
        if let Some((every_ms, _)) = self.pace {
            if self.next_ms > now_ms {
                return Err(self.next_ms - now_ms);
            }
            self.next_ms = now_ms + every_ms;
        }
        if let Some((left, _)) = &mut self.window {
            *left -= 1;
        }
        Ok(())
    }

    /// The other side takes `left` more calls, from all replicas together, until the window ends.
    pub fn limit(&mut self, left: u64, replicas: u64, until_ms: i64, now_ms: i64) {
        self.window = Some((left / replicas.max(1), until_ms.min(now_ms + LONGEST_MS)));
    }

    /// No call before this moment; a shorter pause takes nothing back.
    pub fn pause(&mut self, until_ms: i64, now_ms: i64) {
        self.paused_to_ms = self.paused_to_ms.max(until_ms.min(now_ms + LONGEST_MS));
    }

    /// At most one call in `every_ms` milliseconds, until then.
    pub fn slow_down(&mut self, every_ms: i64, until_ms: i64) {
        self.pace = Some((every_ms.max(1), until_ms));
    }

    fn forget_what_is_over(&mut self, now_ms: i64) {
        let believed = |until_ms: i64| (now_ms + 1..=now_ms + LONGEST_MS).contains(&until_ms);
        self.window = self.window.filter(|(_, until_ms)| believed(*until_ms));
        self.pace = self.pace.filter(|(_, until_ms)| believed(*until_ms));
        if !believed(self.paused_to_ms) {
            self.paused_to_ms = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_a_word_there_is_no_limit() {
        let mut rate_limiter = RateLimiter::default();
        assert!((0..100_000).all(|_| rate_limiter.take(0).is_ok()));
    }

    #[test]
    fn a_window_gives_what_was_said_and_each_replica_its_part() {
        let mut rate_limiter = RateLimiter::default();
        rate_limiter.limit(10, 3, 5_000, 0);
        assert!((0..3).all(|_| rate_limiter.take(0).is_ok()));
        assert_eq!(rate_limiter.take(0), Err(5_000));
        assert_eq!(rate_limiter.take(4_999), Err(1));
        assert_eq!(rate_limiter.take(5_000), Ok(()), "the window is over");
    }

    #[test]
    fn a_pause_is_kept_and_a_shorter_one_takes_nothing_back() {
        let mut rate_limiter = RateLimiter::default();
        rate_limiter.pause(2_000, 0);
        rate_limiter.pause(1_000, 0);
        assert_eq!(rate_limiter.take(500), Err(1_500));
        assert_eq!(rate_limiter.take(2_000), Ok(()));
    }

    #[test]
    fn a_pace_spreads_calls_until_it_is_over() {
        let mut rate_limiter = RateLimiter::default();
        rate_limiter.slow_down(100, 1_000);
        assert_eq!(
            (rate_limiter.take(0), rate_limiter.take(0)),
            (Ok(()), Err(100))
        );
        assert_eq!(
            (rate_limiter.take(100), rate_limiter.take(150)),
            (Ok(()), Err(50))
        );
        assert!((0..100).all(|_| rate_limiter.take(1_000).is_ok()));
    }

    #[test]
    fn a_clock_turned_back_holds_nobody_for_hours() {
        let mut rate_limiter = RateLimiter::default();
        rate_limiter.pause(10_000_000, 9_999_000);
        rate_limiter.limit(0, 1, 10_000_000, 9_999_000);
        assert_eq!(rate_limiter.take(0), Ok(()));
    }

    proptest! {
        /// Whoever waits as long as told gets a call, and no wait is longer than the longest.
        #[test]
        fn a_wait_is_worth_it(left in 0u64..3, pause_ms in 0i64..10_000_000, until_ms in 1i64..10_000_000, pace_ms in 0i64..5_000) {
            let mut rate_limiter = RateLimiter::default();
            rate_limiter.limit(left, 1, until_ms, 0);
            rate_limiter.pause(pause_ms, 0);
            rate_limiter.slow_down(pace_ms, 60_000);
            let mut now_ms = 0;
            for _ in 0..8 {
                match rate_limiter.take(now_ms) {
                    Ok(()) => return Ok(()),
                    Err(wait_ms) => {
                        prop_assert!((1..=LONGEST_MS).contains(&wait_ms));
                        now_ms += wait_ms;
                    }
                }
            }
            prop_assert!(false, "waited in vain");
        }
    }
}
