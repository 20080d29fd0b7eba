//! The right to make one call, or the few calls of one operation.

use evergrant_model::ProviderAccountId;
use evergrant_resilience::SemaphorePermit;

use crate::{Block, BlockKind, RequestClass};

/// A place on the way out, given back on drop. [`crate::Traffic::settle`] reports how the call
/// went.
#[derive(Debug)]
pub struct Permit {
    pub(crate) host: String,
    pub(crate) class: RequestClass,
    pub(crate) account: Option<ProviderAccountId>,
    /// The block that this call probes on behalf of all others.
    pub(crate) probed: Option<Block>,
    #[expect(
        dead_code,
        reason = "held until the operation ends, then given back by its drop"
    )]
    pub(crate) place: Option<SemaphorePermit>,
}

impl Permit {
    /// The kind of the block that this call probes, if it is a half-open probe.
    #[must_use]
    pub fn half_open_probe(&self) -> Option<BlockKind> {
        self.probed.as_ref().map(|block| block.kind)
    }
}
