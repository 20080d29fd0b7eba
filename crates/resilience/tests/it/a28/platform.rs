//! A platform as far as refresh tokens go: one grant, alive until its person ends it or a spent
//! token comes back.

use evergrant_resilience::refresh::attempt::Tolerance;

/// A refresh token with the access token that came with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) refresh: u32,
    /// Rises with each pair that is issued.
    pub(crate) rank: u32,
    pub(crate) access_until_ms: i64,
}

/// What a request with a refresh token came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redeemed {
    Pair(Pair),
    Refused,
    /// A spent token came back, and the platform ended the whole grant.
    Killed,
}

pub(crate) struct Platform {
    pub(crate) tolerance: Tolerance,
    pub(crate) ended_by_person: bool,
    alive: bool,
    newest: Pair,
    /// Replaced tokens and when.
    spent: Vec<(u32, i64)>,
    access_life_ms: i64,
}

impl Platform {
    pub(crate) fn new(tolerance: Tolerance, access_life_ms: i64) -> Self {
        let newest = Pair {
            refresh: 0,
            rank: 0,
            access_until_ms: 0,
        };
        Self {
            tolerance,
            ended_by_person: false,
            alive: false,
            newest,
            spent: Vec::new(),
            access_life_ms,
        }
    }

    /// The person allows everything anew.
    pub(crate) fn consent(&mut self, now_ms: i64) -> Pair {
        (self.alive, self.ended_by_person) = (true, false);
        self.spent.clear();
        self.issue(self.newest.refresh + 1, now_ms)
    }

    pub(crate) fn withdraw(&mut self) {
        (self.alive, self.ended_by_person) = (false, true);
    }

    pub(crate) fn redeem(&mut self, refresh: u32, now_ms: i64) -> Redeemed {
        if !self.alive {
            return Redeemed::Refused;
        }
        if self.would_take(refresh, now_ms) {
            return Redeemed::Pair(self.replace(refresh, now_ms));
        }
        if self.spent.iter().any(|(token, _)| *token == refresh) {
            self.alive = false;
            return Redeemed::Killed;
        }
        Redeemed::Refused
    }

    /// Whether this token would bring a pair now.
    pub(crate) fn would_take(&self, refresh: u32, now_ms: i64) -> bool {
        let forgiven = |(token, at): &(u32, i64)| {
            *token == refresh
                && self.tolerance.rotates
                && now_ms - at < self.tolerance.replay_window_ms
        };
        self.alive && (refresh == self.newest.refresh || self.spent.iter().any(forgiven))
    }

    fn replace(&mut self, refresh: u32, now_ms: i64) -> Pair {
        if !self.tolerance.rotates {
            return self.issue(refresh, now_ms);
        }
        let replaced = self.newest.refresh;
        self.spent.push((replaced, now_ms));
        self.issue(replaced + 1, now_ms)
    }

    fn issue(&mut self, refresh: u32, now_ms: i64) -> Pair {
        let rank = self.newest.rank + 1;
        self.newest = Pair {
            refresh,
            rank,
            access_until_ms: now_ms + self.access_life_ms,
        };
        self.newest
    }
}
