//! Random identifiers and secrets from the injected source of randomness.

use std::sync::Arc;

use evergrant_encryption::digest::{base64url, hex};
use evergrant_model::{Actor, Call, Clock, CorrelationId, Entropy};

/// Generates random identifiers and secrets. Clones share the source.
#[derive(Clone)]
pub(crate) struct Identifiers {
    entropy: Arc<dyn Entropy>,
}

impl Identifiers {
    /// Creates a generator that draws from `entropy`.
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy }
    }

    /// Returns the source of randomness itself.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// Returns 96 random bits as 24 hexadecimal digits.
    pub(crate) fn name(&self) -> String {
        hex(self.entropy.bytes::<12>())
    }

    /// Returns `N` random bytes as base64url text.
    pub(crate) fn text<const N: usize>(&self) -> String {
        base64url(self.entropy.bytes::<N>())
    }

    /// Returns `N` random bytes.
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        self.entropy.bytes::<N>()
    }

    /// Returns a random number from 0 to 1.
    pub(crate) fn fraction(&self) -> f64 {
        let highest_bits = u64::from_le_bytes(self.entropy.bytes()) >> 32;
        f64::from(u32::try_from(highest_bits).unwrap_or_default()) / f64::from(u32::MAX)
    }

    /// Returns a new correlation id: 128 random bits as 32 hexadecimal digits.
    pub(crate) fn correlation_id(&self) -> CorrelationId {
        let digits = hex(self.entropy.bytes::<16>());
        CorrelationId::new(digits)
            .unwrap_or_else(|_| unreachable!("hexadecimal digits are a valid correlation id"))
    }

    /// Returns the context of work that a background job starts.
    pub(crate) fn scheduled_call(&self, clock: &dyn Clock) -> Call {
        let correlation_id = self.correlation_id();
        Call {
            actor: Actor::Scheduler,
            correlation_id,
            at: clock.now(),
        }
    }
}
