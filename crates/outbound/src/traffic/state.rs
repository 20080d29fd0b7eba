//! The blocks, rate limits and paused accounts of one provider. Pure data: time is a parameter.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use evergrant_model::{ProviderAccountId, SignedDuration, Timestamp, whole_ms};
use evergrant_resilience::{Breaker, RateLimiter};

use crate::rate_headers::RateSignal;
use crate::{Block, BlockKind, Endpoint, RequestClass};

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
/// Maximum number of paused accounts of one endpoint. Pauses of further accounts are ignored.
const MAX_PAUSED_ACCOUNTS: usize = 10_000;

/// The admission state of one provider.
#[derive(Debug, Default)]
pub(super) struct State {
    blocks: Vec<Block>,
    endpoints: HashMap<Endpoint, EndpointState>,
}

#[derive(Debug, Default)]
struct EndpointState {
    breaker: Breaker,
    rate_limiter: RateLimiter,
    /// The end of the pause of each account.
    paused_accounts: HashMap<String, Timestamp>,
}

impl State {
    /// Replaces all blocks with those that the replicas share. Endpoints whose block ended start
    /// slowly.
    pub(super) fn set_blocks(&mut self, blocks: Vec<Block>, now: Timestamp) {
        let previous = std::mem::replace(&mut self.blocks, blocks);
        for block in previous {
            if !self.blocks.iter().any(|kept| kept.is_same_breaker(&block)) {
                self.start_slowly(&block.scope, now);
            }
        }
    }

    /// Returns the active block with the latest end that covers these calls.
    pub(super) fn block_for(
        &self,
        endpoint: &Endpoint,
        class: RequestClass,
        now: Timestamp,
    ) -> Option<Block> {
        let applies = |block: &&Block| block.applies_to(endpoint, class) && block.is_active(now);
        self.blocks
            .iter()
            .filter(applies)
            .max_by_key(|block| block.blocked_until)
            .cloned()
    }

    /// Returns the block of exactly this scope and kind, if it is active.
    pub(super) fn active_block(
        &self,
        scope: &str,
        kind: BlockKind,
        now: Timestamp,
    ) -> Option<Block> {
        let matches =
            |block: &&Block| block.scope == scope && block.kind == kind && block.is_active(now);
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

    /// Removes a block. The calls of its scope start slowly.
    pub(super) fn unblock(&mut self, block: &Block, now: Timestamp) {
        self.blocks.retain(|known| !known.is_same_breaker(block));
        self.start_slowly(&block.scope, now);
    }

    /// Slows down calls to the endpoint, or to all endpoints after a block of all refreshes, and
    /// resets their breakers.
    fn start_slowly(&mut self, scope: &str, now: Timestamp) {
        let until_ms = (now + SLOW_START_DURATION).unix_ms();
        for (endpoint, known) in &mut self.endpoints {
            if scope == Block::REFRESHES || scope == endpoint.as_str() {
                known.breaker.reset();
                known
                    .rate_limiter
                    .slow_down(whole_ms(SLOW_START_INTERVAL), until_ms);
            }
        }
    }

    /// Counts one call against the limits of the account and the endpoint.
    ///
    /// # Errors
    ///
    /// The time to wait before the next try.
    pub(super) fn take_call(
        &mut self,
        endpoint: &Endpoint,
        account: Option<&ProviderAccountId>,
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let state = self.endpoint(endpoint);
        let paused_until = account.and_then(|account| state.paused_accounts.get(account.as_str()));
        if let Some(until) = paused_until.filter(|until| **until > now) {
            return Err(until.since(now));
        }
        state
            .rate_limiter
            .take(now.unix_ms())
            .map_err(SignedDuration::from_millis)
    }

    /// Records that the endpoint responded.
    pub(super) fn responded(&mut self, endpoint: &Endpoint, now: Timestamp) {
        self.endpoint(endpoint).breaker.succeeded(now.unix_ms());
    }

    /// Records a failed call. Returns whether the endpoint's breaker trips.
    pub(super) fn failed(
        &mut self,
        endpoint: &Endpoint,
        account: Option<&ProviderAccountId>,
        now: Timestamp,
    ) -> bool {
        let account = account.map(|account| {
            let mut hasher = DefaultHasher::new();
            account.as_str().hash(&mut hasher);
            hasher.finish()
        });
        self.endpoint(endpoint)
            .breaker
            .failed(now.unix_ms(), account)
    }

    /// Applies a rate-limit statement. The calls that it allows are divided among `replicas`.
    pub(super) fn observe(
        &mut self,
        endpoint: &Endpoint,
        signal: RateSignal,
        replicas: u64,
        now: Timestamp,
    ) {
        let now_ms = now.unix_ms();
        match signal {
            RateSignal::Remaining { calls, window } => {
                let until_ms = (now + window).unix_ms();
                self.endpoint(endpoint)
                    .rate_limiter
                    .limit(calls, replicas, until_ms, now_ms);
            }
            RateSignal::Used { percent } if percent >= AT_LIMIT_PERCENT => {
                self.endpoint(endpoint)
                    .rate_limiter
                    .pause((now + USAGE_VALID_FOR).unix_ms(), now_ms);
            }
            RateSignal::Used { percent } if percent >= NEAR_LIMIT_PERCENT => {
                self.endpoint(endpoint)
                    .rate_limiter
                    .slow_down(whole_ms(NEAR_LIMIT_PACE), (now + USAGE_VALID_FOR).unix_ms());
            }
            RateSignal::Used { .. } => {}
            RateSignal::AccountPaused { account, pause } => {
                self.pause_account(endpoint, &account, now + pause, now);
            }
        }
    }

    /// Pauses the calls to an endpoint that concern one account. A shorter pause does not shorten a
    /// longer one.
    pub(super) fn pause_account(
        &mut self,
        endpoint: &Endpoint,
        account: &str,
        until: Timestamp,
        now: Timestamp,
    ) {
        let paused = &mut self.endpoint(endpoint).paused_accounts;
        if paused.len() >= MAX_PAUSED_ACCOUNTS {
            paused.retain(|_, end| *end > now);
        }
        if let Some(known) = paused.get_mut(account) {
            *known = until.max(*known);
        } else if paused.len() < MAX_PAUSED_ACCOUNTS {
            paused.insert(account.to_owned(), until);
        }
    }

    /// Returns the state of an endpoint, created on first use.
    fn endpoint(&mut self, endpoint: &Endpoint) -> &mut EndpointState {
        self.endpoints.entry(endpoint.clone()).or_default()
    }
}
