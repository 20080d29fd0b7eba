//! How long to wait before trying again, so that a platform in trouble is not kept there by our
//! return.
//!
//! Exponential with full jitter: the ceiling doubles, and the wait is drawn evenly from zero to the
//! ceiling. Of the usual forms this spreads simultaneous failures widest for the same mean wait.

use evergrant_model::Entropy;

/// A schedule of growing waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait before the first repetition.
    pub first_ms: u64,
    /// The longest wait before any.
    pub longest_ms: u64,
}

impl Backoff {
    /// The wait before repetition `attempt`, counted from 0: evenly from 0 to [`Self::ceiling_ms`],
    /// both included.
    #[must_use]
    pub fn delay_ms(self, attempt: u32, entropy: &dyn Entropy) -> u64 {
        let choices = u128::from(self.ceiling_ms(attempt)) + 1;
        let draw = u128::from(u64::from_le_bytes(entropy.bytes()));
        // The upper half of the product: even, and without the bias of a remainder.
        u64::try_from((draw * choices) >> 64).unwrap_or(u64::MAX)
    }

    /// The longest that the wait before repetition `attempt` can be.
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

    /// Every byte the same.
    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_longest() {
        let backoff = Backoff {
            first_ms: 100,
            longest_ms: 1000,
        };
        let ceilings: Vec<u64> = (0..6).map(|attempt| backoff.ceiling_ms(attempt)).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn reaches_both_ends() {
        let backoff = Backoff {
            first_ms: 100,
            longest_ms: 1000,
        };
        assert_eq!(backoff.delay_ms(2, &Constant(0)), 0);
        assert_eq!(backoff.delay_ms(2, &Constant(255)), 400);
    }

    #[test]
    fn spreads_evenly() {
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
        /// No wait is longer than its ceiling, and no ceiling longer than the longest.
        #[test]
        fn stays_below_the_ceiling(first_ms: u64, longest_ms: u64, attempt: u32, seed: u64) {
            let backoff = Backoff { first_ms, longest_ms };
            let delay = backoff.delay_ms(attempt, &SeededEntropy::new(seed));
            prop_assert!(delay <= backoff.ceiling_ms(attempt));
            prop_assert!(backoff.ceiling_ms(attempt) <= longest_ms);
        }

        /// Waiting grows with failing, never shrinks.
        #[test]
        fn ceilings_never_fall(first_ms: u64, longest_ms: u64, attempt in 0u32..200) {
            let backoff = Backoff { first_ms, longest_ms };
            prop_assert!(backoff.ceiling_ms(attempt) <= backoff.ceiling_ms(attempt + 1));
        }

        /// The same randomness gives the same wait.
        #[test]
        fn a_seed_repeats_itself(first_ms: u64, longest_ms: u64, attempt: u32, seed: u64) {
            let backoff = Backoff { first_ms, longest_ms };
            let delay = || backoff.delay_ms(attempt, &SeededEntropy::new(seed));
            prop_assert_eq!(delay(), delay());
        }
    }
}
