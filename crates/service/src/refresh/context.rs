//! What one attempt works with.

use evergrant_adapters::{Permit, Provider};
use evergrant_model::Call;
use evergrant_store::Leased;
use tokio::time::Instant;

/// The context of one attempt under its lease.
pub(crate) struct AttemptContext<'a> {
    pub(crate) call: &'a Call,
    pub(crate) platform: &'a Provider,
    pub(crate) permit: Permit,
    pub(crate) leased: Leased,
    /// When the lease was requested: its time counts from there.
    pub(crate) requested_at: Instant,
    /// Whether the held access token is no longer accepted.
    pub(crate) access_ended: bool,
}

impl AttemptContext<'_> {
    /// The time since the lease was requested, in milliseconds.
    pub(crate) fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.requested_at.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}
