//! The one threshold function: how fresh is a token?
//!
//! Every place that asks whether a token may still be handed out, or should be renewed, asks here.
//! Two places with two answers would loop: one renewing what the other just called fresh.

use crate::Timestamp;

/// A token this close to its end is treated as ended: the answer still has to travel to the
/// platform.
pub const SKEW_SECONDS: i64 = 30;

/// A token younger than this is never renewed for a caller's wish alone.
const YOUNG_SECONDS: i64 = 60;

/// What a token is good for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Hand it out.
    Fresh,
    /// Hand it out and renew it behind the answer.
    Renewable,
    /// Renew it first.
    Expired,
}

/// The span in which an access token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was issued; `None` for rows that another program wrote.
    pub issued_at: Option<Timestamp>,
    /// When it ends; `None` if unknown.
    pub expires_at: Option<Timestamp>,
}

impl Lifetime {
    /// How fresh the token is at `now`, for a caller who needs it to last `min_ttl_seconds`, with
    /// renewal beginning `margin_seconds` ahead of the end (both 0 or more).
    ///
    /// The caller's wish is cut to half of the token's life, and a token younger than a minute
    /// satisfies every wish, so no caller can make us renew in a loop. For lives shorter than twice
    /// the skew, the skew is a quarter of the life. A token without a known end is fresh: only the
    /// platform can say otherwise.
    #[must_use]
    pub fn freshness(self, now: Timestamp, margin_seconds: i64, min_ttl_seconds: i64) -> Freshness {
        let Some(expires_at) = self.expires_at else {
            return Freshness::Fresh;
        };
        let left = expires_at.seconds_since(now);
        if left <= self.skew() {
            return Freshness::Expired;
        }
        if left <= self.wish(now, min_ttl_seconds) {
            return Freshness::Expired;
        }
        if left <= margin_seconds {
            Freshness::Renewable
        } else {
            Freshness::Fresh
        }
    }

    /// The whole life in seconds, where both ends are known.
    #[must_use]
    pub fn seconds(self) -> Option<i64> {
        Some(self.expires_at?.seconds_since(self.issued_at?).max(0))
    }

    fn skew(self) -> i64 {
        match self.seconds() {
            Some(life) if life < 2 * SKEW_SECONDS => life / 4,
            _ => SKEW_SECONDS,
        }
    }

    fn wish(self, now: Timestamp, min_ttl_seconds: i64) -> i64 {
        let young = self
            .issued_at
            .is_some_and(|at| now.seconds_since(at) < YOUNG_SECONDS);
        let longest = self.seconds().map_or(i64::MAX, |life| life / 2);
        if young {
            0
        } else {
            min_ttl_seconds.clamp(0, longest)
        }
    }
}

/// The seed's `isTokenExpired`: whether a token that ends at `expires_at` must not be handed out at
/// `now`.
#[must_use]
pub fn is_token_expired(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    Lifetime {
        issued_at: None,
        expires_at,
    }
    .freshness(now, 0, 0)
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

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn a_day_long_token_passes_through_all_three() {
        let day = life(1000, 1000 + 86_400);
        assert_eq!(day.freshness(at(1000), 900, 0), Freshness::Fresh);
        assert_eq!(
            day.freshness(at(1000 + 86_400 - 900), 900, 0),
            Freshness::Renewable
        );
        assert_eq!(
            day.freshness(at(1000 + 86_400 - 31), 900, 0),
            Freshness::Renewable
        );
        assert_eq!(
            day.freshness(at(1000 + 86_400 - 30), 900, 0),
            Freshness::Expired
        );
    }

    #[test]
    fn a_wish_is_cut_to_half_of_the_life() {
        let hour = life(1000, 4600);
        assert_eq!(hour.freshness(at(1070), 0, 1_000_000), Freshness::Fresh);
        assert_eq!(hour.freshness(at(2801), 0, 1_000_000), Freshness::Expired);
        assert_eq!(hour.freshness(at(2801), 0, 1700), Freshness::Fresh);
    }

    #[test]
    fn no_known_end_is_fresh_until_the_platform_objects() {
        let unknown = Lifetime {
            issued_at: Some(at(5)),
            expires_at: None,
        };
        assert_eq!(unknown.freshness(at(i64::MAX), 900, 900), Freshness::Fresh);
        assert!(!is_token_expired(None, at(5)));
    }

    #[test]
    fn the_seeds_question_keeps_a_margin() {
        assert!(is_token_expired(Some(at(1000)), at(971)));
        assert!(!is_token_expired(Some(at(1000)), at(969)));
    }

    proptest! {
        /// A token that has just been issued is never called expired while it has a quarter of its
        /// life and one second left, whatever the caller asks for: so a renewal always ends the
        /// demand that caused it.
        #[test]
        fn a_new_token_ends_the_demand(life_s in 2i64..100_000_000, wish in 0i64..i64::MAX, margin in 0i64..i64::MAX) {
            let token = life(0, life_s);
            prop_assert_ne!(token.freshness(at(0), margin, wish), Freshness::Expired);
        }

        /// As time passes, a token only ever gets less fresh.
        #[test]
        fn freshness_never_rises(life_s in 0i64..1_000_000, a in 0i64..2_000_000, b in 0i64..2_000_000, margin in 0i64..10_000) {
            let rank = |f| match f { Freshness::Fresh => 2, Freshness::Renewable => 1, Freshness::Expired => 0 };
            let token = life(0, life_s);
            let (early, late) = (a.min(b), a.max(b));
            prop_assert!(rank(token.freshness(at(early), margin, 0)) >= rank(token.freshness(at(late), margin, 0)));
        }

        /// A token at or past its end is never handed out.
        #[test]
        fn the_dead_stay_dead(life_s in 0i64..1_000_000, after in 0i64..1_000_000, margin in 0i64..10_000, wish in 0i64..10_000) {
            prop_assert_eq!(life(0, life_s).freshness(at(life_s + after), margin, wish), Freshness::Expired);
        }
    }
}
