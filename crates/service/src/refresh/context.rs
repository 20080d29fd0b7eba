//! The context of one refresh attempt.

use std::time::Duration;

use evergrant_adapters::{Permit, Provider, ProviderSpec};
use evergrant_model::{Call, whole_ms};
use evergrant_resilience::refresh::lease::RefreshPolicy;
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
    /// Whether the caller knows a later token set than the stored one: the database has lost it.
    pub(crate) has_gone_back: bool,
}

impl AttemptContext<'_> {
    /// Returns the time since the lease was requested, in milliseconds.
    pub(crate) fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.requested_at.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Returns the time until the lease ends.
    pub(crate) fn lease_left(&self) -> Duration {
        let lease = self.provider.spec().longest_refresh().unsigned_abs();
        lease.saturating_sub(self.requested_at.elapsed())
    }
}

/// Returns how long the provider may take, and what it accepts when a refresh token is sent twice.
pub(crate) fn refresh_policy(spec: &ProviderSpec) -> RefreshPolicy {
    RefreshPolicy {
        rotates: spec.rotates_refresh_token,
        replay_window_ms: whole_ms(spec.replay_window),
        timeout_ms: whole_ms(spec.refresh_timeout),
    }
}

#[cfg(test)]
mod tests {
    use evergrant_model::{ProviderSlug, SignedDuration};

    use super::*;

    #[test]
    fn timeout_of_the_definition_applies_to_attempt_and_lease() {
        let mut spec = ProviderSpec::new(ProviderSlug::new("slow").unwrap(), "Slow");
        let limits = |spec: &ProviderSpec| {
            let policy = refresh_policy(spec);
            (policy.timeout_ms, policy.lease_ms())
        };
        assert_eq!(limits(&spec), (15_000, 20_000));
        assert_eq!(whole_ms(spec.longest_refresh()), 20_000);
        spec.refresh_timeout = SignedDuration::from_mins(1);
        assert_eq!(limits(&spec), (60_000, 65_000));
        assert_eq!(whole_ms(spec.longest_refresh()), 65_000);
    }
}
