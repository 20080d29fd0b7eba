//! Client-side rate limiter that follows the limits a provider states in its responses.
//!
//! Without a stated limit, calls are not limited. A provider can state a number of remaining calls
//! until a point in time, a pause (`Retry-After`), or that the client is close to a limit. Each
//! statement applies until it expires. A limit that all replicas share is divided among them.

/// The limits that a provider has stated. Times are milliseconds of one clock.
#[derive(Debug, Clone, Default)]
pub struct RateLimiter {
    /// Remaining calls, and the end of their window.
    window: Option<(u64, i64)>,
    /// Time before which no call is allowed.
    paused_to_ms: i64,
    /// Minimum interval between calls in milliseconds, and the time until which it applies.
    pace: Option<(i64, i64)>,
    /// Earliest time of the next call while a pace applies.
    next_ms: i64,
}

/// Longest time that a stated limit applies, in milliseconds. It bounds the effect of a clock jump
/// and of a wrong value from the provider.
const LONGEST_MS: i64 = 60 * 60 * 1000;

impl RateLimiter {
    /// Admits one call, or returns the time to wait before the next try.
    ///
    /// # Errors
    ///
    /// The wait in milliseconds, at least 1.
    pub fn take(&mut self, now_ms: i64) -> Result<(), i64> {
        self.drop_expired(now_ms);
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

    /// Sets the number of calls that all `replicas` together may make until `until_ms`.
    pub fn limit(&mut self, left: u64, replicas: u64, until_ms: i64, now_ms: i64) {
        self.window = Some((left / replicas.max(1), until_ms.min(now_ms + LONGEST_MS)));
    }

    /// Blocks calls until `until_ms`. A shorter pause does not shorten a longer one.
    pub fn pause(&mut self, until_ms: i64, now_ms: i64) {
        self.paused_to_ms = self.paused_to_ms.max(until_ms.min(now_ms + LONGEST_MS));
    }

    /// Limits calls to one per `every_ms` milliseconds until `until_ms`.
    pub fn slow_down(&mut self, every_ms: i64, until_ms: i64) {
        self.pace = Some((every_ms.max(1), until_ms));
    }

    fn drop_expired(&mut self, now_ms: i64) {
        let applies = |until_ms: i64| (now_ms + 1..=now_ms + LONGEST_MS).contains(&until_ms);
        self.window = self.window.filter(|(_, until_ms)| applies(*until_ms));
        self.pace = self.pace.filter(|(_, until_ms)| applies(*until_ms));
        if !applies(self.paused_to_ms) {
            self.paused_to_ms = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn calls_are_unlimited_without_a_stated_limit() {
        let mut limiter = RateLimiter::default();
        assert!((0..100_000).all(|_| limiter.take(0).is_ok()));
    }

    #[test]
    fn window_is_divided_among_replicas() {
        let mut limiter = RateLimiter::default();
        limiter.limit(10, 3, 5_000, 0);
        assert!((0..3).all(|_| limiter.take(0).is_ok()));
        assert_eq!(limiter.take(0), Err(5_000));
        assert_eq!(limiter.take(4_999), Err(1));
        assert_eq!(limiter.take(5_000), Ok(()), "the window has ended");
    }

    #[test]
    fn shorter_pause_does_not_shorten_a_longer_one() {
        let mut limiter = RateLimiter::default();
        limiter.pause(2_000, 0);
        limiter.pause(1_000, 0);
        assert_eq!(limiter.take(500), Err(1_500));
        assert_eq!(limiter.take(2_000), Ok(()));
    }

    #[test]
    fn pace_spaces_calls_until_it_expires() {
        let mut limiter = RateLimiter::default();
        limiter.slow_down(100, 1_000);
        assert_eq!((limiter.take(0), limiter.take(0)), (Ok(()), Err(100)));
        assert_eq!((limiter.take(100), limiter.take(150)), (Ok(()), Err(50)));
        assert!((0..100).all(|_| limiter.take(1_000).is_ok()));
    }

    #[test]
    fn stated_limit_applies_for_an_hour_at_most() {
        let (hour_ms, day_ms) = (3_600_000, 86_400_000);
        let mut paused = RateLimiter::default();
        paused.pause(day_ms, 0);
        assert_eq!(
            (paused.take(0), paused.take(hour_ms)),
            (Err(hour_ms), Ok(()))
        );
        let mut exhausted = RateLimiter::default();
        exhausted.limit(0, 1, day_ms, 0);
        assert_eq!(
            (exhausted.take(0), exhausted.take(hour_ms)),
            (Err(hour_ms), Ok(()))
        );
    }

    #[test]
    fn clock_set_back_does_not_block_calls_for_hours() {
        let mut limiter = RateLimiter::default();
        limiter.pause(10_000_000, 9_999_000);
        limiter.limit(0, 1, 10_000_000, 9_999_000);
        assert_eq!(limiter.take(0), Ok(()));
    }

    proptest! {
        /// A caller that waits as long as stated is admitted, and no wait exceeds the maximum.
        #[test]
        fn waiting_leads_to_admission(left in 0u64..3, pause_ms in 0i64..10_000_000, until_ms in 1i64..10_000_000, pace_ms in 0i64..5_000) {
            let mut limiter = RateLimiter::default();
            limiter.limit(left, 1, until_ms, 0);
            limiter.pause(pause_ms, 0);
            limiter.slow_down(pace_ms, 60_000);
            let mut now_ms = 0;
            for _ in 0..8 {
                match limiter.take(now_ms) {
                    Ok(()) => return Ok(()),
                    Err(wait_ms) => {
                        prop_assert!((1..=LONGEST_MS).contains(&wait_ms));
                        now_ms += wait_ms;
                    }
                }
            }
            prop_assert!(false, "not admitted after eight waits");
        }
    }
}
