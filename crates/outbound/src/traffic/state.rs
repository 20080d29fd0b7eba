//! The blocks, rate limits and paused accounts of one provider. Pure data: time is a parameter.

use std::collections::HashMap;

use evergrant_model::{ProviderAccountId, SignedDuration, Timestamp, whole_ms};
use evergrant_resilience::{Breaker, RateLimiter};

use crate::rate_headers::RateSignal;
use crate::{Block, BlockKind, RequestClass};

/// Minimum interval between calls after a block ends. It prevents a burst of the calls that waited.
pub(super) const SLOW_START_INTERVAL: SignedDuration = SignedDuration::from_millis(50);
/// How long calls are slowed down after a block ends.
pub(super) const SLOW_START_DURATION: SignedDuration = SignedDuration::from_mins(1);
/// Quota usage from which calls are slowed down, in percent. Source: Meta's guide to rate limits.
const NEAR_LIMIT_PERCENT: f64 = 75.0;
/// Quota usage from which calls pause, in percent. Source: Meta's guide to rate limits.
const AT_LIMIT_PERCENT: f64 = 97.0;
/// Minimum interval between calls near the limit.
const NEAR_LIMIT_PACE: SignedDuration = SignedDuration::from_millis(500);
/// How long a reported usage applies.
const USAGE_VALID_FOR: SignedDuration = SignedDuration::from_mins(1);
/// Maximum number of paused accounts. Pauses of further accounts are ignored.
const MAX_PAUSED_ACCOUNTS: usize = 10_000;

/// The admission state of one provider.
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
    /// Replaces all blocks with those that the replicas share. Hosts whose block ended start
    /// slowly.
    pub(super) fn set_blocks(&mut self, blocks: Vec<Block>, now: Timestamp) {
        let previous = std::mem::replace(&mut self.blocks, blocks);
        for block in previous {
            if !self.blocks.iter().any(|kept| kept.is_same_breaker(&block)) {
                self.start_slowly(&block.host, now);
            }
        }
    }

    /// Returns the active block with the latest end that covers these calls.
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

    /// Returns the block of exactly this host and kind, if it is active.
    pub(super) fn active_block(
        &self,
        host: &str,
        kind: BlockKind,
        now: Timestamp,
    ) -> Option<Block> {
        let matches =
            |block: &&Block| block.host == host && block.kind == kind && block.is_active(now);
        self.blocks.iter().find(matches).cloned()
    }

    /// Extends a block until `until`, while a probe is in flight.
    pub(super) fn postpone(&mut self, block: &Block, until: Timestamp) {
        if let Some(known) = self
            .blocks
            .iter_mut()
            .find(|known| known.is_same_breaker(block))
        {
            known.blocked_until = known.blocked_until.max(until);
        }
    }

    /// Adds or replaces a block. Returns `false` if an equal or longer one is active: calls that
    /// were in flight when the breaker tripped must not trip it again.
    pub(super) fn block(&mut self, block: &Block, now: Timestamp) -> bool {
        match self
            .blocks
            .iter_mut()
            .find(|known| known.is_same_breaker(block))
        {
            Some(known) if known.is_active(now) && !known.is_superseded_by(block) => return false,
            Some(known) => *known = block.clone(),
            None => self.blocks.push(block.clone()),
        }
        true
    }

    /// Removes a block. Calls to its host start slowly.
    pub(super) fn unblock(&mut self, block: &Block, now: Timestamp) {
        self.blocks.retain(|known| !known.is_same_breaker(block));
        self.start_slowly(&block.host, now);
    }

    /// Slows down calls to the host, or to all hosts, and resets their breakers.
    fn start_slowly(&mut self, host: &str, now: Timestamp) {
        let until_ms = (now + SLOW_START_DURATION).unix_ms();
        for (name, known) in &mut self.hosts {
            if matches!(host, Block::EVERY_HOST | Block::REFRESHES) || name == host {
                known.breaker.reset();
                known
                    .rate_limiter
                    .slow_down(whole_ms(SLOW_START_INTERVAL), until_ms);
            }
        }
    }

    /// Counts one call against the limits of the account and the host.
    ///
    /// # Errors
    ///
    /// The time to wait before the next try.
    pub(super) fn take_call(
        &mut self,
        host: &str,
        account: Option<&ProviderAccountId>,
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let paused_until = account.and_then(|account| self.paused_accounts.get(account.as_str()));
        if let Some(until) = paused_until.filter(|until| **until > now) {
            return Err(until.since(now));
        }
        self.host(host)
            .rate_limiter
            .take(now.unix_ms())
            .map_err(SignedDuration::from_millis)
    }

    /// Records that the host responded.
    pub(super) fn responded(&mut self, host: &str, now: Timestamp) {
        self.host(host).breaker.succeeded(now.unix_ms());
    }

    /// Records a failed call. Returns whether the host's breaker trips.
    pub(super) fn failed(&mut self, host: &str, now: Timestamp) -> bool {
        self.host(host).breaker.failed(now.unix_ms())
    }

    /// Applies a rate-limit statement. The calls that it allows are divided among `replicas`.
    pub(super) fn observe(
        &mut self,
        host: &str,
        signal: RateSignal,
        replicas: u64,
        now: Timestamp,
    ) {
        let now_ms = now.unix_ms();
        match signal {
            RateSignal::Remaining { calls, window } => {
                let until_ms = (now + window).unix_ms();
                self.host(host)
                    .rate_limiter
                    .limit(calls, replicas, until_ms, now_ms);
            }
            RateSignal::Used { percent } if percent >= AT_LIMIT_PERCENT => {
                self.host(host)
                    .rate_limiter
                    .pause((now + USAGE_VALID_FOR).unix_ms(), now_ms);
            }
            RateSignal::Used { percent } if percent >= NEAR_LIMIT_PERCENT => {
                self.host(host)
                    .rate_limiter
                    .slow_down(whole_ms(NEAR_LIMIT_PACE), (now + USAGE_VALID_FOR).unix_ms());
            }
            RateSignal::Used { .. } => {}
            RateSignal::AccountPaused { account, pause } => {
                self.pause_account(&account, now + pause, now);
            }
        }
    }

    /// Pauses calls that concern one account. A shorter pause does not shorten a longer one.
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

    /// Returns the state of a host, created on first use.
    fn host(&mut self, host: &str) -> &mut HostState {
        self.hosts.entry(host.to_owned()).or_default()
    }
}
