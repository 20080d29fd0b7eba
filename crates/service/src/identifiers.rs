//! Names and secrets drawn from the injected randomness.

use std::sync::Arc;

use evergrant_encryption::digest::{base64url, hex};
use evergrant_model::{Actor, Call, Clock, CorrelationId, Entropy};

/// Draws names and secrets. A clone draws from the same source.
#[derive(Clone)]
pub(crate) struct Identifiers {
    entropy: Arc<dyn Entropy>,
}

impl Identifiers {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy }
    }

    /// The source itself, for code that draws numbers.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// A random name of 24 hexadecimal digits.
    pub(crate) fn name(&self) -> String {
        hex(self.entropy.bytes::<12>())
    }

    /// `N` random bytes as base64url text.
    pub(crate) fn text<const N: usize>(&self) -> String {
        base64url(self.entropy.bytes::<N>())
    }

    /// `N` random bytes.
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        self.entropy.bytes::<N>()
    }

    /// A new correlation id: 128 random bits in hexadecimal.
    pub(crate) fn correlation_id(&self) -> CorrelationId {
        let digits = hex(self.entropy.bytes::<16>());
        CorrelationId::new(digits)
            .unwrap_or_else(|_| unreachable!("hexadecimal digits are a valid correlation id"))
    }

    /// The context of work that a background job starts by itself.
    pub(crate) fn scheduled_call(&self, clock: &dyn Clock) -> Call {
        let correlation_id = self.correlation_id();
        Call {
            actor: Actor::Scheduler,
            correlation_id,
            at: clock.now(),
        }
    }
}
