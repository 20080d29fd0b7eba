//! Exponential backoff with full jitter, so that retries do not prolong a provider's outage.
//!
//! The ceiling doubles with each attempt, and the delay is uniform between zero and the ceiling.
//! Among the common jitter schemes, full jitter spreads simultaneous retries the most for the same
//! mean delay.

use evergrant_model::Entropy;

/// A schedule of exponentially growing delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The ceiling of the first delay, in milliseconds.
    pub first_ms: u64,
    /// The upper bound of every ceiling, in milliseconds.
    pub longest_ms: u64,
}

impl Backoff {
    /// Returns the delay before retry `attempt` (counted from 0), in milliseconds: uniform between
    /// 0 and [`Self::ceiling_ms`], both included.
    #[must_use]
    pub fn delay_ms(self, attempt: u32, entropy: &dyn Entropy) -> u64 {
        let choices = u128::from(self.ceiling_ms(attempt)) + 1;
        let draw = u128::from(u64::from_le_bytes(entropy.bytes()));
        // Multiply-shift: uniform, without the bias of a modulo.
        u64::try_from((draw * choices) >> 64).unwrap_or(u64::MAX)
    }

    /// Returns the longest possible delay before retry `attempt`, in milliseconds.
    #[must_use]
    pub fn ceiling_ms(self, attempt: u32) -> u64 {
        let doubled = 1u64
            .checked_shl(attempt)
            .map_or(u64::MAX, |factor| self.first_ms.saturating_mul(factor));
        doubled.min(self.longest_ms)
    }
}

#[cfg(test)]
mod tests {
    use evergrant_model::SeededEntropy;
    use proptest::prelude::*;

    use super::*;

    /// Fills every buffer with one byte.
    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn ceiling_doubles_up_to_the_maximum() {
        let backoff = Backoff {
            first_ms: 100,
            longest_ms: 1000,
        };
        let ceilings: Vec<u64> = (0..6).map(|attempt| backoff.ceiling_ms(attempt)).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn delay_reaches_both_bounds() {
        let backoff = Backoff {
            first_ms: 100,
            longest_ms: 1000,
        };
        assert_eq!(backoff.delay_ms(2, &Constant(0)), 0);
        assert_eq!(backoff.delay_ms(2, &Constant(255)), 400);
    }

    #[test]
    fn delay_is_uniform() {
        let backoff = Backoff {
            first_ms: 9,
            longest_ms: 9,
        };
        let entropy = SeededEntropy::new(1);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            counts[usize::try_from(backoff.delay_ms(0, &entropy)).unwrap()] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_500..10_500).contains(count)),
            "{counts:?}"
        );
    }

    proptest! {
        /// No delay exceeds its ceiling, and no ceiling exceeds the maximum.
        #[test]
        fn delay_never_exceeds_the_ceiling(first_ms: u64, longest_ms: u64, attempt: u32, seed: u64) {
            let backoff = Backoff { first_ms, longest_ms };
            let delay = backoff.delay_ms(attempt, &SeededEntropy::new(seed));
            prop_assert!(delay <= backoff.ceiling_ms(attempt));
            prop_assert!(backoff.ceiling_ms(attempt) <= longest_ms);
        }

        /// Ceilings never decrease from one attempt to the next.
        #[test]
        fn ceilings_are_monotonic(first_ms: u64, longest_ms: u64, attempt in 0u32..200) {
            let backoff = Backoff { first_ms, longest_ms };
            prop_assert!(backoff.ceiling_ms(attempt) <= backoff.ceiling_ms(attempt + 1));
        }

        /// The same seed gives the same delay.
        #[test]
        fn delay_is_deterministic_for_a_seed(first_ms: u64, longest_ms: u64, attempt: u32, seed: u64) {
            let backoff = Backoff { first_ms, longest_ms };
            let delay = || backoff.delay_ms(attempt, &SeededEntropy::new(seed));
            prop_assert_eq!(delay(), delay());
        }
    }
}
