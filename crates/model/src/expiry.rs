//! The freshness of an access token.
//!
//! Every decision on whether a token may be returned or must be refreshed uses this module. With
//! two different thresholds, one place could refresh in a loop what another place calls fresh.

use jiff::SignedDuration;

use crate::clock::{MAX_CLOCK_ERROR, Timestamp};

/// Clock skew allowance. A token that expires within it counts as expired, because the
/// response still has to reach the provider.
pub const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// Age below which a token is never refreshed only because of a requested lifetime.
const MIN_AGE: SignedDuration = SignedDuration::from_secs(60);

/// The longest lifetime that is believed: ten years.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_secs(315_576_000);

/// The earliest time that is believed to be an expiry, in Unix seconds: September 2001. Smaller
/// numbers stand for an unknown expiry, or are durations.
pub const EARLIEST_EXPIRY_SECONDS: i64 = 1_000_000_000;

/// Returns an expiry from outside if it is plausible: at most ten years after `known_at`, when it
/// was stated. `None` for times before September 2001, so that no token expires in 1970.
#[must_use]
pub fn plausible_expiry(stated: Timestamp, known_at: Timestamp) -> Option<Timestamp> {
    let earliest = Timestamp::from_unix_seconds(EARLIEST_EXPIRY_SECONDS);
    (stated >= earliest).then(|| stated.min(known_at + MAX_LIFETIME))
}

/// Whether an access token can be returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Return it.
    Fresh,
    /// Return it and refresh it in the background.
    Stale,
    /// Refresh it before returning it.
    Expired,
}

/// The period in which an access token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Time of issue; `None` for rows that another program wrote.
    pub issued_at: Option<Timestamp>,
    /// Time of expiry; `None` if unknown.
    pub expires_at: Option<Timestamp>,
}

impl Lifetime {
    /// Returns whether the period can be true at `now`. A time of issue in the future, or an expiry
    /// beyond the longest lifetime, was stored by a process with a wrong clock.
    #[must_use]
    pub fn is_plausible(self, now: Timestamp) -> bool {
        let latest_issue = now + MAX_CLOCK_ERROR;
        let latest_expiry = latest_issue + MAX_LIFETIME;
        self.issued_at.is_none_or(|at| at <= latest_issue)
            && self.expires_at.is_none_or(|at| at <= latest_expiry)
    }

    /// Returns the token's freshness at `now` for a caller that requires a remaining lifetime of
    /// `min_ttl`. Background refresh starts `margin` before the expiry. Neither value is negative.
    ///
    /// The required lifetime is capped at half of the token's lifetime and ignored for a token
    /// younger than a minute, so that no caller can cause refreshes in a loop. For lifetimes
    /// shorter than twice the skew, the skew is a quarter of the lifetime. A token without a known
    /// expiry is fresh; only the provider can reject it. A token whose times cannot be true counts
    /// as expired, so that a refresh replaces them.
    #[must_use]
    pub fn freshness(
        self,
        now: Timestamp,
        margin: SignedDuration,
        min_ttl: SignedDuration,
    ) -> Freshness {
        if !self.is_plausible(now) {
            return Freshness::Expired;
        }
        let Some(expires_at) = self.expires_at else {
            return Freshness::Fresh;
        };
        let left = expires_at.since(now);
        if left <= self.skew() {
            return Freshness::Expired;
        }
        if left <= self.required(now, min_ttl) {
            return Freshness::Expired;
        }
        if left <= margin {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    /// Returns the total lifetime; `None` if the issue or expiry time is unknown.
    #[must_use]
    pub fn duration(self) -> Option<SignedDuration> {
        let duration = self.expires_at?.since(self.issued_at?);
        Some(duration.max(SignedDuration::ZERO))
    }

    fn skew(self) -> SignedDuration {
        match self.duration() {
            Some(life) if life < SKEW * 2 => life / 4,
            _ => SKEW,
        }
    }

    /// Returns the remaining lifetime that a caller gets if it requests `min_ttl`: at most half of
    /// the token's lifetime, and none of a young token's.
    fn required(self, now: Timestamp, min_ttl: SignedDuration) -> SignedDuration {
        let young = self.issued_at.is_some_and(|at| now.since(at) < MIN_AGE);
        let longest = self.duration().map_or(SignedDuration::MAX, |life| life / 2);
        if young {
            SignedDuration::ZERO
        } else {
            min_ttl.clamp(SignedDuration::ZERO, longest)
        }
    }
}

/// Returns whether a token that expires at `expires_at` must not be returned at `now`. A token
/// without a known expiry is not expired.
#[must_use]
pub fn is_token_expired(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    Lifetime {
        issued_at: None,
        expires_at,
    }
    .freshness(now, SignedDuration::ZERO, SignedDuration::ZERO)
        == Freshness::Expired
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn life(issued: i64, expires: i64) -> Lifetime {
        let at = Timestamp::from_unix_seconds;
        Lifetime {
            issued_at: Some(at(issued)),
            expires_at: Some(at(expires)),
        }
    }

    /// Returns the freshness at second `now` for a margin and a required lifetime in seconds.
    fn freshness(token: Lifetime, now: i64, margin: i64, min_ttl: i64) -> Freshness {
        let seconds = SignedDuration::from_secs;
        token.freshness(at(now), seconds(margin), seconds(min_ttl))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn token_is_fresh_then_stale_then_expired() {
        let day = life(1000, 1000 + 86_400);
        assert_eq!(freshness(day, 1000, 900, 0), Freshness::Fresh);
        assert_eq!(
            freshness(day, 1000 + 86_400 - 900, 900, 0),
            Freshness::Stale
        );
        assert_eq!(freshness(day, 1000 + 86_400 - 31, 900, 0), Freshness::Stale);
        assert_eq!(
            freshness(day, 1000 + 86_400 - 30, 900, 0),
            Freshness::Expired
        );
    }

    #[test]
    fn token_whose_times_cannot_be_true_is_expired() {
        for (issued, expires, now, expected) in [
            (1005, 5000, 1000, Freshness::Fresh),
            (1006, 5000, 1000, Freshness::Expired),
            (4600, 8200, 1000, Freshness::Expired),
            (1000, 315_577_005, 1000, Freshness::Fresh),
            (1000, 315_577_006, 1000, Freshness::Expired),
        ] {
            let token = life(issued, expires);
            assert_eq!(freshness(token, now, 0, 0), expected, "{issued} {expires}");
        }
    }

    #[test]
    fn required_lifetime_is_capped_at_half_of_the_lifetime() {
        let hour = life(1000, 4600);
        assert_eq!(freshness(hour, 1070, 0, 1_000_000), Freshness::Fresh);
        assert_eq!(freshness(hour, 2801, 0, 1_000_000), Freshness::Expired);
        assert_eq!(freshness(hour, 2801, 0, 1700), Freshness::Fresh);
    }

    #[test]
    fn token_without_known_expiry_is_fresh() {
        let unknown = Lifetime {
            issued_at: Some(at(5)),
            expires_at: None,
        };
        assert_eq!(freshness(unknown, i64::MAX, 900, 900), Freshness::Fresh);
        assert!(!is_token_expired(None, at(5)));
    }

    #[test]
    fn implausible_expiry_is_unknown_or_shortened_to_ten_years() {
        let now = 1_767_225_600;
        for (stated, expected) in [
            (0, None),
            (999_999_999, None),
            (now - 60, Some(now - 60)),
            (now + 60, Some(now + 60)),
            (i64::MAX, Some(now + 315_576_000)),
        ] {
            let found = plausible_expiry(at(stated), at(now));
            assert_eq!(found, expected.map(at), "{stated}");
        }
    }

    #[test]
    fn is_token_expired_applies_the_skew() {
        assert!(is_token_expired(Some(at(1000)), at(971)));
        assert!(!is_token_expired(Some(at(1000)), at(969)));
    }

    proptest! {
        /// A newly issued token is never expired, whatever lifetime the caller requires, so that
        /// one refresh always satisfies the request that caused it.
        #[test]
        fn new_token_satisfies_every_caller(life_seconds in 2i64..100_000_000, min_ttl in 0i64..i64::MAX, margin in 0i64..i64::MAX) {
            let token = life(0, life_seconds);
            prop_assert_ne!(freshness(token, 0, margin, min_ttl), Freshness::Expired);
        }

        /// Freshness never increases over time.
        #[test]
        fn freshness_never_increases(life_seconds in 0i64..1_000_000, a in 0i64..2_000_000, b in 0i64..2_000_000, margin in 0i64..10_000) {
            let rank = |f| match f { Freshness::Fresh => 2, Freshness::Stale => 1, Freshness::Expired => 0 };
            let token = life(0, life_seconds);
            let (early, late) = (a.min(b), a.max(b));
            prop_assert!(rank(freshness(token, early, margin, 0)) >= rank(freshness(token, late, margin, 0)));
        }

        /// A token is expired at and after its expiry time.
        #[test]
        fn token_stays_expired(life_seconds in 0i64..1_000_000, after in 0i64..1_000_000, margin in 0i64..10_000, min_ttl in 0i64..10_000) {
            prop_assert_eq!(freshness(life(0, life_seconds), life_seconds + after, margin, min_ttl), Freshness::Expired);
        }
    }
}
