//! The time at which a token is due for refresh, and whether it can be refreshed.

use std::sync::Arc;

use evergrant_adapters::ProviderSpec;
use evergrant_model::{Clock, Freshness, SignedDuration, StatusReason, Timestamp, whole_ms};
use evergrant_store::Connection;

/// The upper limit of the default refresh margin. The margin is how long before its expiry a token
/// is refreshed.
const MAX_MARGIN: SignedDuration = SignedDuration::from_mins(15);
/// The divisor of a token's lifetime that limits the default refresh margin to the last fifth.
const MARGIN_DIVISOR: i32 = 5;
/// The refresh interval of a token without a known expiry. Such a token is not assumed to be valid
/// for ever.
const UNKNOWN_EXPIRY_INTERVAL: SignedDuration = SignedDuration::from_hours(24);

/// Decides when tokens are refreshed. Clones share the settings.
#[derive(Clone)]
pub(crate) struct RefreshTiming {
    clock: Arc<dyn Clock>,
    /// The operator's refresh margin. Default: the margin of the platform's catalogue entry, else
    /// 15 minutes or a fifth of the lifetime, whichever is less.
    margin: Option<SignedDuration>,
}

impl RefreshTiming {
    /// Creates a timing with the operator's refresh margin.
    pub(crate) fn new(clock: Arc<dyn Clock>, margin: Option<SignedDuration>) -> Self {
        Self { clock, margin }
    }

    /// Returns whether the stored access token can be issued now, for a caller that needs it to be
    /// valid for `min_ttl`.
    pub(crate) fn freshness(
        &self,
        connection: &Connection,
        spec: &ProviderSpec,
        min_ttl: SignedDuration,
    ) -> Freshness {
        if connection.tokens.access.is_none() {
            return Freshness::Expired;
        }
        let lifetime = connection.lifetime();
        let margin = self.margin(spec, lifetime.duration(), connection.id.get());
        lifetime.freshness(self.clock.now(), margin, min_ttl)
    }

    /// Returns when a token with this lifetime is due for refresh. `spread` selects the
    /// connection's place in the spread of due times: its id, or 0 for a new connection.
    pub(crate) fn due(
        &self,
        spec: &ProviderSpec,
        issued_at: Timestamp,
        expires_at: Option<Timestamp>,
        spread: i32,
    ) -> Timestamp {
        let Some(expires_at) = expires_at else {
            return issued_at + spread_out(UNKNOWN_EXPIRY_INTERVAL, spread);
        };
        let margin = self.margin(spec, Some(expires_at.since(issued_at)), spread);
        (expires_at - margin).max(issued_at)
    }

    /// Returns how long before its expiry a token is refreshed.
    fn margin(
        &self,
        spec: &ProviderSpec,
        lifetime: Option<SignedDuration>,
        spread: i32,
    ) -> SignedDuration {
        if let Some(margin) = self.margin {
            return margin;
        }
        let fraction = lifetime.map_or(MAX_MARGIN, |life| life / MARGIN_DIVISOR);
        let margin = spec.refresh_margin(lifetime);
        spread_out(margin.unwrap_or_else(|| MAX_MARGIN.min(fraction)), spread)
    }
}

/// Returns `margin` plus up to half of it. The extra part is spread evenly over all connections and
/// constant for each, so that accounts connected in the same minute are not refreshed in the same
/// minute.
fn spread_out(margin: SignedDuration, connection: i32) -> SignedDuration {
    /// 2³² divided by the golden ratio, the multiplier of Fibonacci hashing: it maps consecutive
    /// ids to distant values (Knuth, The Art of Computer Programming, volume 3, §6.4).
    const GOLDEN: u32 = 2_654_435_769;
    let fraction = u64::from(connection.cast_unsigned().wrapping_mul(GOLDEN));
    let half_ms = whole_ms(margin / 2).unsigned_abs();
    let extra_ms = (u128::from(fraction) * u128::from(half_ms)) >> 32;
    margin.saturating_add(SignedDuration::from_millis(
        i64::try_from(extra_ms).unwrap_or(0),
    ))
}

/// Returns whether the connection's token can be refreshed without the user.
pub(crate) fn is_refreshable(connection: &Connection, spec: &ProviderSpec) -> bool {
    let tokens = &connection.tokens;
    let has_token = tokens.refresh.is_some() || tokens.access.is_some();
    spec.can_refresh(tokens.refresh.is_some()) && has_token
}

/// Returns whether the platform requires an action by the account's owner before it refreshes the
/// token.
pub(crate) fn awaits_user(connection: &Connection) -> bool {
    connection.reason == Some(StatusReason::UserActionAtProvider)
}

/// Returns whether the connection has an access token that has not expired. If its refresh fails,
/// such a token is issued until its last second.
pub(crate) fn is_usable(connection: &Connection, now: Timestamp) -> bool {
    let tokens = &connection.tokens;
    tokens.access.is_some() && tokens.expires_at.is_none_or(|end| end > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the spread of a margin, in whole seconds.
    fn spread_seconds(margin: i64, connection: i32) -> i64 {
        spread_out(SignedDuration::from_secs(margin), connection).as_secs()
    }

    /// 50,000 tokens expire within one minute. In no interval of ten seconds are more than twice
    /// the mean number of refreshes due.
    #[test]
    fn refreshes_of_tokens_that_expire_together_are_spread() {
        let mut per_ten_seconds = std::collections::BTreeMap::<i64, i64>::new();
        for id in 1..=50_000_i32 {
            let expires_at = i64::from(id % 60);
            let interval = (expires_at - spread_seconds(900, id)).div_euclid(10);
            *per_ten_seconds.entry(interval).or_default() += 1;
        }
        let intervals = i64::try_from(per_ten_seconds.len()).unwrap();
        let peak = *per_ten_seconds.values().max().unwrap();
        assert!(
            intervals >= 45 && peak <= 2 * 50_000 / intervals,
            "{peak} of 50,000 in one of {intervals} intervals"
        );
        let in_range =
            |id| (900..1350).contains(&spread_seconds(900, id)) && spread_seconds(0, id) == 0;
        assert!((1..1000).all(in_range));
    }
}
