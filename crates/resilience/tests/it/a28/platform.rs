//! The refresh-token side of a platform: one grant, valid until the user withdraws it or a replaced
//! token is replayed.

use evergrant_resilience::refresh::attempt::RefreshPolicy;

/// A refresh token and the expiry of the access token issued with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) refresh: u32,
    /// Rises with each token set that is issued.
    pub(crate) rank: u32,
    pub(crate) access_until_ms: i64,
}

/// The result of a request with a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redeemed {
    Issued(Tokens),
    Rejected,
    /// A replaced token was replayed, and the platform revoked the grant.
    Revoked,
}

pub(crate) struct Platform {
    pub(crate) refresh_policy: RefreshPolicy,
    pub(crate) ended_by_person: bool,
    alive: bool,
    newest: Tokens,
    /// Replaced tokens and the time of their replacement.
    spent: Vec<(u32, i64)>,
    access_life_ms: i64,
}

impl Platform {
    pub(crate) fn new(refresh_policy: RefreshPolicy, access_life_ms: i64) -> Self {
        let newest = Tokens {
            refresh: 0,
            rank: 0,
            access_until_ms: 0,
        };
        Self {
            refresh_policy,
            ended_by_person: false,
            alive: false,
            newest,
            spent: Vec::new(),
            access_life_ms,
        }
    }

    /// The user consents again.
    pub(crate) fn consent(&mut self, now_ms: i64) -> Tokens {
        (self.alive, self.ended_by_person) = (true, false);
        self.spent.clear();
        self.issue(self.newest.refresh + 1, now_ms)
    }

    pub(crate) fn withdraw(&mut self) {
        (self.alive, self.ended_by_person) = (false, true);
    }

    pub(crate) fn redeem(&mut self, refresh: u32, now_ms: i64) -> Redeemed {
        if !self.alive {
            return Redeemed::Rejected;
        }
        if self.would_accept(refresh, now_ms) {
            return Redeemed::Issued(self.replace(refresh, now_ms));
        }
        if self.spent.iter().any(|(token, _)| *token == refresh) {
            self.alive = false;
            return Redeemed::Revoked;
        }
        Redeemed::Rejected
    }

    /// Returns whether the platform would accept this token now.
    pub(crate) fn would_accept(&self, refresh: u32, now_ms: i64) -> bool {
        let replayable = |(token, at): &(u32, i64)| {
            *token == refresh
                && self.refresh_policy.rotates
                && now_ms - at < self.refresh_policy.replay_window_ms
        };
        self.alive && (refresh == self.newest.refresh || self.spent.iter().any(replayable))
    }

    fn replace(&mut self, refresh: u32, now_ms: i64) -> Tokens {
        if !self.refresh_policy.rotates {
            return self.issue(refresh, now_ms);
        }
        let replaced = self.newest.refresh;
        self.spent.push((replaced, now_ms));
        self.issue(replaced + 1, now_ms)
    }

    fn issue(&mut self, refresh: u32, now_ms: i64) -> Tokens {
        let rank = self.newest.rank + 1;
        self.newest = Tokens {
            refresh,
            rank,
            access_until_ms: now_ms + self.access_life_ms,
        };
        self.newest
    }
}
