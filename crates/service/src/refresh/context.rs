//! The context of one refresh attempt.

use evergrant_adapters::{Permit, Provider};
use evergrant_model::Call;
use evergrant_store::Leased;
use tokio::time::Instant;

/// The context of one refresh attempt under its lease.
pub(crate) struct AttemptContext<'a> {
    pub(crate) call: &'a Call,
    pub(crate) provider: &'a Provider,
    /// Admits the attempt to the provider.
    pub(crate) permit: Permit,
    /// The connection and the ticket of its lease.
    pub(crate) leased: Leased,
    /// When the lease was requested. The lease cannot expire sooner than its duration after that.
    pub(crate) requested_at: Instant,
    /// Whether the stored access token has expired or was rejected by the platform.
    pub(crate) access_expired: bool,
}

impl AttemptContext<'_> {
    /// Returns the time since the lease was requested, in milliseconds.
    pub(crate) fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.requested_at.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}
