//! What is known about one platform's hosts and accounts. Pure data; the time comes in as a
//! parameter.

use std::collections::HashMap;

use evergrant_model::{ProviderAccountId, Timestamp};
use evergrant_resilience::{Breaker, RateLimiter};

use crate::rate_headers::RateSignal;
use crate::{Block, BlockKind, RequestClass};

/// After a block ends, calls start at one per this many milliseconds, for so many milliseconds: the
/// callers that waited must not all come at once.
pub(super) const SLOW_START_MS: (i64, i64) = (50, 60_000);
/// From this share of the app's quota on, calls are slowed down; at the next one they pause. Meta's
/// guide to rate limits names both.
const NEAR_LIMIT_PERCENT: f64 = 75.0;
const AT_LIMIT_PERCENT: f64 = 97.0;
/// The pace near the limit: one call in so many milliseconds.
const NEAR_LIMIT_PACE_MS: i64 = 500;
/// How long a reported share is believed.
const USAGE_BELIEVED_MS: i64 = 60_000;
/// More paused accounts are not remembered.
const MAX_PAUSED_ACCOUNTS: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct State {
    blocks: Vec<Block>,
    hosts: HashMap<String, HostState>,
    paused_accounts: HashMap<String, Timestamp>,
}

#[derive(Debug, Default)]
struct HostState {
    breaker: Breaker,
    rate_limiter: RateLimiter,
}

impl State {
    /// Replaces all blocks by those that the replicas share.
    pub(super) fn set_blocks(&mut self, blocks: Vec<Block>, now: Timestamp) {
        let before = std::mem::replace(&mut self.blocks, blocks);
        for ended in before {
            if !self.blocks.iter().any(|block| block.is_same(&ended)) {
                self.start_slowly(&ended.host, now);
            }
        }
    }

    /// Of the active blocks that apply, the one that lasts longest.
    pub(super) fn block_for(
        &self,
        host: &str,
        class: RequestClass,
        now: Timestamp,
    ) -> Option<Block> {
        let applies = |block: &&Block| block.applies_to(host, class) && block.is_active(now);
        self.blocks
            .iter()
            .filter(applies)
            .max_by_key(|block| block.blocked_until)
            .cloned()
    }

    /// The block of this very breaker, if it is active.
    pub(super) fn active_block(
        &self,
        host: &str,
        kind: BlockKind,
        now: Timestamp,
    ) -> Option<Block> {
        let is_it =
            |block: &&Block| block.host == host && block.kind == kind && block.is_active(now);
        self.blocks.iter().find(is_it).cloned()
    }

    /// Blocks until a probe that is under way has had its time.
    pub(super) fn postpone(&mut self, block: &Block, until: Timestamp) {
        if let Some(known) = self.blocks.iter_mut().find(|known| known.is_same(block)) {
            known.blocked_until = known.blocked_until.max(until);
        }
    }

    /// Adds a block; whether that changed anything. Calls that were under way when a breaker
    /// tripped fail too, and do not trip it again.
    pub(super) fn block(&mut self, block: &Block, now: Timestamp) -> bool {
        match self.blocks.iter_mut().find(|known| known.is_same(block)) {
            Some(known) if known.is_active(now) && !known.is_superseded_by(block) => return false,
            Some(known) => *known = block.clone(),
            None => self.blocks.push(block.clone()),
        }
        true
    }

    pub(super) fn unblock(&mut self, block: &Block, now: Timestamp) {
        self.blocks.retain(|known| !known.is_same(block));
        self.start_slowly(&block.host, now);
    }

    fn start_slowly(&mut self, host: &str, now: Timestamp) {
        let (every_ms, for_ms) = SLOW_START_MS;
        let until_ms = now.unix_ms() + for_ms;
        for (name, known) in &mut self.hosts {
            if matches!(host, Block::EVERY_HOST | Block::REFRESHES) || name == host {
                known.breaker.reset();
                known.rate_limiter.slow_down(every_ms, until_ms);
            }
        }
    }

    /// Takes one call from the account's and the host's rate_limiter.
    ///
    /// # Errors
    ///
    /// The milliseconds to wait before asking again.
    pub(super) fn take_allowance(
        &mut self,
        host: &str,
        account: Option<&ProviderAccountId>,
        now: Timestamp,
    ) -> Result<(), i64> {
        let paused_until = account.and_then(|account| self.paused_accounts.get(account.as_str()));
        if let Some(until) = paused_until.filter(|until| **until > now) {
            return Err(until.unix_ms() - now.unix_ms());
        }
        self.host(host).rate_limiter.take(now.unix_ms())
    }

    /// The host answered.
    pub(super) fn answered(&mut self, host: &str, now: Timestamp) {
        self.host(host).breaker.succeeded(now.unix_ms());
    }

    /// The host did not answer; whether its breaker trips.
    pub(super) fn failed(&mut self, host: &str, now: Timestamp) -> bool {
        self.host(host).breaker.failed(now.unix_ms())
    }

    /// Applies what a response says about limits that `replicas` share.
    pub(super) fn observe(
        &mut self,
        host: &str,
        signal: RateSignal,
        replicas: u64,
        now: Timestamp,
    ) {
        let now_ms = now.unix_ms();
        match signal {
            RateSignal::Remaining { calls, for_s } => {
                let until_ms = now.plus_seconds(for_s).unix_ms();
                self.host(host)
                    .rate_limiter
                    .limit(calls, replicas, until_ms, now_ms);
            }
            RateSignal::Used { percent } if percent >= AT_LIMIT_PERCENT => {
                self.host(host)
                    .rate_limiter
                    .pause(now_ms + USAGE_BELIEVED_MS, now_ms);
            }
            RateSignal::Used { percent } if percent >= NEAR_LIMIT_PERCENT => {
                self.host(host)
                    .rate_limiter
                    .slow_down(NEAR_LIMIT_PACE_MS, now_ms + USAGE_BELIEVED_MS);
            }
            RateSignal::Used { .. } => {}
            RateSignal::AccountPaused { account, for_s } => {
                self.pause_account(&account, now.plus_seconds(for_s), now);
            }
        }
    }

    /// Pauses calls that concern one account; a shorter pause takes nothing back.
    pub(super) fn pause_account(&mut self, account: &str, until: Timestamp, now: Timestamp) {
        if self.paused_accounts.len() >= MAX_PAUSED_ACCOUNTS {
            self.paused_accounts.retain(|_, end| *end > now);
        }
        if let Some(known) = self.paused_accounts.get_mut(account) {
            *known = until.max(*known);
        } else if self.paused_accounts.len() < MAX_PAUSED_ACCOUNTS {
            self.paused_accounts.insert(account.to_owned(), until);
        }
    }

    fn host(&mut self, host: &str) -> &mut HostState {
        if !self.hosts.contains_key(host) {
            self.hosts.insert(host.to_owned(), HostState::default());
        }
        self.hosts.entry(host.to_owned()).or_default()
    }
}
