//! The seeded random numbers of a schedule.

use evergrant_model::{Entropy, SeededEntropy};

/// The random numbers of one schedule.
pub(crate) struct Dice(SeededEntropy);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// Returns a number from 0 up to but excluding `bound`.
    pub(crate) fn below(&self, bound: i64) -> i64 {
        let entropy: &dyn Entropy = &self.0;
        let draw = u128::from(u64::from_le_bytes(entropy.bytes()));
        i64::try_from((draw * u128::try_from(bound).unwrap()) >> 64).unwrap()
    }

    /// Returns `true` with a probability of one in `among`.
    pub(crate) fn one_in(&self, among: i64) -> bool {
        self.below(among) == 0
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &self.0
    }
}
