//! The state of an open circuit breaker: why calls to a provider are blocked, and until when.
//!
//! A *closed* breaker lets calls pass and has no [`Block`]. An *open* breaker has a [`Block`] whose
//! end is in the future. After that time it is *half open*: one call probes the provider on behalf
//! of all others.

use async_trait::async_trait;
use evergrant_model::{ProviderSlug, SignedDuration, Timestamp, string_enum};
use evergrant_resilience::Backoff;

use crate::{Endpoint, RequestClass};

string_enum! {
    /// Why calls are blocked. Stored rows hold these words.
    pub enum BlockKind {
        /// Calls to the endpoint fail.
        Breaker = "breaker",
        /// The provider stated a pause in a 429 or an equivalent response.
        RateLimit = "rate_limit",
        /// The provider rejects the refreshes of several grants because of the client
        /// registration. The operator must correct it.
        Registration = "client_registration",
        /// The provider rejects so many grants at once that an outage is more likely than revoked
        /// consent.
        MassRejection = "mass_rejection",
    }
}

impl BlockKind {
    /// Returns whether a probe must succeed before other calls pass. A rate-limit pause ends by
    /// itself.
    #[must_use]
    pub fn needs_probe(self) -> bool {
        self != Self::RateLimit
    }

    /// Returns how long calls are blocked after the `consecutive_trips`th trip, counted from 1.
    #[must_use]
    pub fn duration(self, consecutive_trips: i32) -> SignedDuration {
        let (first_ms, longest_ms) = match self {
            Self::Breaker => (5_000, 300_000),
            Self::RateLimit => (1_000, 900_000),
            Self::Registration => (15_000, 300_000),
            Self::MassRejection => (60_000, 900_000),
        };
        let repetition = u32::try_from(consecutive_trips.saturating_sub(1)).unwrap_or(0);
        let ceiling_ms = Backoff {
            first_ms,
            longest_ms,
        }
        .ceiling_ms(repetition);
        SignedDuration::from_millis(i64::try_from(ceiling_ms).unwrap_or(i64::MAX))
    }
}

/// A provider block: the stored state of an open breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The provider whose calls are blocked.
    pub provider: ProviderSlug,
    /// What is blocked: the text of an [`Endpoint`], or [`Block::REFRESHES`].
    pub scope: String,
    /// Why calls are blocked.
    pub kind: BlockKind,
    /// When the breaker first tripped. Failed probes do not change it.
    pub since: Timestamp,
    /// When the breaker becomes half open, or when a pause ends.
    pub blocked_until: Timestamp,
    /// How often the breaker tripped without a successful probe, from 1.
    pub consecutive_trips: i32,
}

impl Block {
    /// The [`Block::scope`] that covers a provider's refreshes at any endpoint, and nothing else.
    /// Stored rows hold this word.
    pub const REFRESHES: &'static str = "refreshes";

    /// Returns whether the block rejects calls, or still needs a successful probe.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.blocked_until > now || self.kind.needs_probe()
    }

    /// Returns whether the block covers calls of this class to this endpoint.
    #[must_use]
    pub fn applies_to(&self, endpoint: &Endpoint, class: RequestClass) -> bool {
        let refresh = class.is_refresh() && self.scope == Self::REFRESHES;
        self.scope == endpoint.as_str() || refresh
    }

    /// Returns whether `other` is a later trip of the same breaker, or a longer pause.
    #[must_use]
    pub fn is_superseded_by(&self, other: &Self) -> bool {
        let pauses_longer = !self.kind.needs_probe() && self.blocked_until < other.blocked_until;
        self.consecutive_trips < other.consecutive_trips || pauses_longer
    }

    /// Returns whether both describe the same breaker: provider, scope and kind are equal, and
    /// times may differ.
    #[must_use]
    pub fn is_same_breaker(&self, other: &Self) -> bool {
        (&self.provider, &self.scope, self.kind) == (&other.provider, &other.scope, other.kind)
    }
}

/// The breaker state that all replicas share.
#[async_trait]
pub trait SharedBreakerState: Send + Sync {
    /// Publishes a block that this replica set.
    async fn block(&self, block: &Block);

    /// Returns whether this replica may send the half-open probe now. If so, no other replica may
    /// send one before `next_probe_at`.
    async fn may_probe(&self, block: &Block, next_probe_at: Timestamp) -> bool;

    /// Publishes that a probe succeeded and calls pass again.
    async fn unblock(&self, block: &Block);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_duration_doubles_with_each_trip_up_to_maximum() {
        let durations = |kind: BlockKind| {
            [1, 2, 3, 7, 100, i32::MAX].map(|trips| kind.duration(trips).as_secs())
        };
        assert_eq!(durations(BlockKind::Breaker), [5, 10, 20, 300, 300, 300]);
        assert_eq!(durations(BlockKind::RateLimit), [1, 2, 4, 64, 900, 900]);
        assert_eq!(
            durations(BlockKind::Registration),
            [15, 30, 60, 300, 300, 300]
        );
        assert_eq!(
            durations(BlockKind::MassRejection),
            [60, 120, 240, 900, 900, 900]
        );
        assert_eq!(BlockKind::Breaker.duration(0), SignedDuration::from_secs(5));
    }
}
