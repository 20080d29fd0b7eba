//! The permission to make one call, or the few calls of one operation.

use std::time::Duration;

use evergrant_model::ProviderAccountId;
use evergrant_resilience::SemaphorePermit;

use crate::{Block, BlockKind, Endpoint, RequestClass};

/// An admitted operation's permission to call a provider. Dropping it frees its slot;
/// [`crate::Traffic::settle`] reports the outcome of the call.
#[derive(Debug)]
pub struct Permit {
    pub(crate) endpoint: Endpoint,
    pub(crate) class: RequestClass,
    pub(crate) account: Option<ProviderAccountId>,
    /// The time of admission on the clock of [`crate::Traffic`].
    pub(crate) admitted_at: Duration,
    /// The block that this call probes on behalf of all others.
    pub(crate) probed: Option<Block>,
    #[expect(
        dead_code,
        reason = "held until the operation ends, then released by its drop"
    )]
    pub(crate) slot: Option<SemaphorePermit>,
}

impl Permit {
    /// Returns the kind of the block that this call probes; `None` if it is not a half-open probe.
    #[must_use]
    pub fn half_open_probe(&self) -> Option<BlockKind> {
        self.probed.as_ref().map(|block| block.kind)
    }
}
