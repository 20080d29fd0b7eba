//! An open circuit breaker: why a platform is not called, and until when.
//!
//! A *closed* breaker lets calls pass and has no [`Block`]. An *open* one is a [`Block`] in the
//! future. After that time it is *half open*: one call probes the platform for all others.

use async_trait::async_trait;
use evergrant_model::{ProviderSlug, Timestamp, string_enum};
use evergrant_resilience::Backoff;

use crate::RequestClass;

string_enum! {
    /// Why calls are blocked. The words are those that rows hold.
    pub enum BlockKind {
        /// The host does not answer.
        Breaker = "breaker",
        /// The host has asked for a pause.
        RateLimit = "limit",
        /// The platform does not accept our client registration: the operator must correct it.
        Registration = "config",
        /// The platform rejects so many grants at once that it must be in trouble itself.
        MassRejection = "refusals",
    }
}

impl BlockKind {
    /// Whether one call must probe the platform before all others may pass. A pause that was asked
    /// for ends by itself.
    #[must_use]
    pub fn needs_probe(self) -> bool {
        self != Self::RateLimit
    }

    /// For how many seconds calls are blocked when the breaker trips for the `consecutive_trips`th
    /// time, from 1.
    #[must_use]
    pub fn duration_seconds(self, consecutive_trips: i32) -> i64 {
        let (first_ms, longest_ms) = match self {
            Self::Breaker => (5_000, 300_000),
            Self::RateLimit => (1_000, 900_000),
            Self::Registration => (60_000, 3_600_000),
            Self::MassRejection => (60_000, 900_000),
        };
        let repetition = u32::try_from(consecutive_trips.saturating_sub(1)).unwrap_or(0);
        let ceiling_ms = Backoff {
            first_ms,
            longest_ms,
        }
        .ceiling_ms(repetition);
        i64::try_from(ceiling_ms / 1000).unwrap_or(i64::MAX)
    }
}

/// Calls to a host of a platform are blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The platform.
    pub provider: ProviderSlug,
    /// The host; [`Block::EVERY_HOST`] for all, [`Block::REFRESHES`] for refreshes at any.
    pub host: String,
    /// Why.
    pub kind: BlockKind,
    /// Since when, through all probes.
    pub since: Timestamp,
    /// No call passes before this moment.
    pub blocked_until: Timestamp,
    /// How often the breaker tripped without a successful probe.
    pub consecutive_trips: i32,
}

impl Block {
    /// Stands for every host of a platform.
    pub const EVERY_HOST: &'static str = "*";
    /// Stands for the refreshes of a platform at any host. The word is the one that rows hold.
    pub const REFRESHES: &'static str = "refreshes";

    /// Whether it blocks calls, or at least needs a probe first.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.blocked_until > now || self.kind.needs_probe()
    }

    /// Whether it concerns calls of this class to this host.
    #[must_use]
    pub fn applies_to(&self, host: &str, class: RequestClass) -> bool {
        let refresh = class == RequestClass::Refresh && self.host == Self::REFRESHES;
        self.host == Self::EVERY_HOST || self.host == host || refresh
    }

    /// Whether `other` is a later trip of the same breaker, or a longer pause.
    #[must_use]
    pub fn is_superseded_by(&self, other: &Self) -> bool {
        let pauses_longer = !self.kind.needs_probe() && self.blocked_until < other.blocked_until;
        self.consecutive_trips < other.consecutive_trips || pauses_longer
    }

    /// Whether both stand for the same breaker, whatever their times.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.provider, &self.host, self.kind) == (&other.provider, &other.host, other.kind)
    }
}

/// The breakers' state as all replicas share it.
#[async_trait]
pub trait SharedBreakerState: Send + Sync {
    /// Shares a block that this replica has set.
    async fn block(&self, block: &Block);

    /// Whether this replica may send the half-open probe now. No other replica may before
    /// `again_at`.
    async fn may_probe(&self, block: &Block, again_at: Timestamp) -> bool;

    /// Shares that a probe succeeded and calls pass again.
    async fn unblock(&self, block: &Block);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_doubles_with_each_trip_up_to_the_longest() {
        let durations =
            |kind: BlockKind| [1, 2, 3, 7, 100, i32::MAX].map(|trips| kind.duration_seconds(trips));
        assert_eq!(durations(BlockKind::Breaker), [5, 10, 20, 300, 300, 300]);
        assert_eq!(durations(BlockKind::RateLimit), [1, 2, 4, 64, 900, 900]);
        assert_eq!(
            durations(BlockKind::Registration),
            [60, 120, 240, 3600, 3600, 3600]
        );
        assert_eq!(
            durations(BlockKind::MassRejection),
            [60, 120, 240, 900, 900, 900]
        );
        assert_eq!(BlockKind::Breaker.duration_seconds(0), 5);
    }
}
