//! When a token is refreshed, and whether it can be.

use std::sync::Arc;

use evergrant_adapters::ProviderSpec;
use evergrant_model::{Clock, Freshness, StatusReason, Timestamp};
use evergrant_store::Connection;

/// The longest refresh margin before a token's end where the platform's entry has none, in seconds.
const MAX_MARGIN_SECONDS: i64 = 15 * 60;
/// The refresh margin is at most this fraction of the token's lifetime: one in five.
const MARGIN_DIVISOR: i64 = 5;
/// The refresh interval of a token without a known end, in seconds: it is not assumed to be valid
/// for ever.
const UNKNOWN_END_SECONDS: i64 = 24 * 60 * 60;

/// Decides when tokens are refreshed. A clone decides the same.
#[derive(Clone)]
pub(crate) struct RefreshTiming {
    clock: Arc<dyn Clock>,
    /// The operator's margin, in seconds; `None` leaves it to the platform's entry.
    margin_seconds: Option<i64>,
}

impl RefreshTiming {
    pub(crate) fn new(clock: Arc<dyn Clock>, margin_seconds: Option<i64>) -> Self {
        Self {
            clock,
            margin_seconds,
        }
    }

    /// Whether a token can be issued as it is, should be refreshed, or must be.
    pub(crate) fn freshness(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        min_ttl_seconds: i64,
    ) -> Freshness {
        if held.tokens.access.is_none() {
            return Freshness::Expired;
        }
        let lifetime = held.lifetime();
        let margin = self.margin(spec, lifetime.seconds(), held.id.get());
        lifetime.freshness(self.clock.now(), margin, min_ttl_seconds)
    }

    /// When a token that ends at `expires_at` is due for refresh. `spread` is the connection's id.
    pub(crate) fn due(
        &self,
        spec: &ProviderSpec,
        issued_at: Timestamp,
        expires_at: Option<Timestamp>,
        spread: i32,
    ) -> Timestamp {
        let Some(end) = expires_at else {
            return issued_at.plus_seconds(spread_out(UNKNOWN_END_SECONDS, spread));
        };
        let margin = self.margin(spec, Some(end.seconds_since(issued_at)), spread);
        end.plus_seconds(-margin).max(issued_at)
    }

    fn margin(&self, spec: &ProviderSpec, lifetime_seconds: Option<i64>, spread: i32) -> i64 {
        if let Some(margin) = self.margin_seconds {
            return margin;
        }
        let fraction = lifetime_seconds.map_or(MAX_MARGIN_SECONDS, |life| life / MARGIN_DIVISOR);
        let margin = spec.refresh_margin_seconds(lifetime_seconds);
        spread_out(
            margin.unwrap_or_else(|| MAX_MARGIN_SECONDS.min(fraction)),
            spread,
        )
    }
}

/// The margin and up to half as much again, spread evenly over all connections and constant for
/// each: accounts that were connected in the same minute are not refreshed in the same minute.
fn spread_out(margin: i64, connection: i32) -> i64 {
    /// 2³² divided by the golden ratio: its multiples fall far from each other (Knuth, volume 3,
    /// §6.4).
    const GOLDEN: u32 = 2_654_435_769;
    let place = u64::from(connection.cast_unsigned().wrapping_mul(GOLDEN));
    let extra = (u128::from(place) * u128::from((margin / 2).unsigned_abs())) >> 32;
    margin.saturating_add(i64::try_from(extra).unwrap_or(0))
}

/// Whether this connection can be refreshed without the user.
pub(crate) fn is_refreshable(held: &Connection, spec: &ProviderSpec) -> bool {
    let has_token = held.tokens.refresh.is_some() || held.tokens.access.is_some();
    spec.can_refresh(held.tokens.refresh.is_some()) && has_token
}

/// Whether the platform waits for an action of the account's owner, so that a refresh is pointless.
pub(crate) fn awaits_user(held: &Connection) -> bool {
    held.reason == Some(StatusReason::UserActionAtProvider)
}

/// Whether the platform still accepts the held access token. A token that cannot be refreshed is
/// issued up to its last second.
pub(crate) fn is_usable(held: &Connection, now: Timestamp) -> bool {
    held.tokens.access.is_some() && held.tokens.expires_at.is_none_or(|end| end > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 50,000 tokens that end in one minute, no ten seconds see more than twice the mean number
    /// of refreshes.
    #[test]
    fn refreshes_of_one_minute_are_spread() {
        let mut per_ten_seconds = std::collections::BTreeMap::<i64, i64>::new();
        for id in 1..=50_000_i32 {
            let ends_at = i64::from(id % 60);
            let part = (ends_at - spread_out(900, id)).div_euclid(10);
            *per_ten_seconds.entry(part).or_default() += 1;
        }
        let parts = i64::try_from(per_ten_seconds.len()).unwrap();
        let peak = *per_ten_seconds.values().max().unwrap();
        assert!(
            parts >= 45 && peak <= 2 * 50_000 / parts,
            "{peak} of 50,000 in one of {parts}"
        );
        let in_range = |id| (900..1350).contains(&spread_out(900, id)) && spread_out(0, id) == 0;
        assert!((1..1000).all(in_range));
    }
}
