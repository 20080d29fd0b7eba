//! The blocks, rate limits and paused accounts of one provider. Pure data: time is a parameter.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use evergrant_model::{ProviderAccountId, SignedDuration, Timestamp, whole_ms};
use evergrant_resilience::{
    Breaker, CallRate, Learned, PrioritySemaphore, RateLimiter, SharedRate,
};

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

/// Maximum number of calls that wait for a slot, and for their turn at each endpoint. Further calls
/// are rejected.
pub(super) const MAX_QUEUED_CALLS: usize = 4096;

/// The current time: of the clock that the replicas share, and since the start of this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) time: Timestamp,
    pub(super) uptime: Duration,
}

/// The admission state of one provider.
#[derive(Debug)]
pub(super) struct State {
    blocks: Vec<Block>,
    endpoints: HashMap<Endpoint, EndpointState>,
    /// The live replicas, among which limits are divided.
    replicas: u32,
}

#[derive(Debug)]
struct EndpointState {
    breaker: Breaker,
    rate_limiter: RateLimiter,
    call_rate: CallRate,
    /// Its one permit is the turn: the right to start the next call.
    turn: Arc<PrioritySemaphore>,
    /// The end of the pause of each account.
    paused_accounts: HashMap<String, Timestamp>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            endpoints: HashMap::new(),
            replicas: 1,
        }
    }
}

impl EndpointState {
    fn new(replicas: u32) -> Self {
        let mut call_rate = CallRate::default();
        call_rate.share_among(replicas);
        Self {
            breaker: Breaker::default(),
            rate_limiter: RateLimiter::default(),
            call_rate,
            turn: PrioritySemaphore::new(1, MAX_QUEUED_CALLS),
            paused_accounts: HashMap::new(),
        }
    }
}

impl State {
    /// Divides all limits among `replicas` replicas.
    pub(super) fn share_among(&mut self, replicas: u32) {
        self.replicas = replicas.max(1);
        for endpoint in self.endpoints.values_mut() {
            endpoint.call_rate.share_among(self.replicas);
        }
    }

    /// Replaces all blocks with those that the replicas share. Endpoints whose block ended start
    /// slowly.
    pub(super) fn set_blocks(&mut self, blocks: Vec<Block>, now: Timestamp) {
        let previous = std::mem::replace(&mut self.blocks, blocks);
        for block in &previous {
            if !self.blocks.iter().any(|kept| kept.is_same_breaker(block)) {
                self.start_slowly(block, now);
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
        self.start_slowly(block, now);
    }

    /// Slows down calls to the endpoint, or to all endpoints after a block of all refreshes, and
    /// resets their breakers. After a rate limit, the learned rate suffices.
    fn start_slowly(&mut self, block: &Block, now: Timestamp) {
        if !block.kind.needs_probe() {
            return;
        }
        let until_ms = (now + SLOW_START_DURATION).unix_ms();
        for (endpoint, known) in &mut self.endpoints {
            if block.scope == Block::REFRESHES || block.scope == endpoint.as_str() {
                known.breaker.reset();
                known
                    .rate_limiter
                    .slow_down(whole_ms(SLOW_START_INTERVAL), until_ms);
            }
        }
    }

    /// Returns how long the account is still paused at the endpoint; zero if it is not.
    pub(super) fn account_pause(
        &mut self,
        endpoint: &Endpoint,
        account: Option<&ProviderAccountId>,
        now: Timestamp,
    ) -> SignedDuration {
        let state = self.endpoint(endpoint);
        let until = account.and_then(|account| state.paused_accounts.get(account.as_str()));
        let left = until.map(|until| until.since(now)).unwrap_or_default();
        left.max(SignedDuration::ZERO)
    }

    /// Returns the turn at an endpoint.
    pub(super) fn turn(&mut self, endpoint: &Endpoint) -> Arc<PrioritySemaphore> {
        Arc::clone(&self.endpoint(endpoint).turn)
    }

    /// Returns the calls per second that this replica may make to the endpoint; `None` if the
    /// provider has not refused any because of their rate.
    pub(super) fn learned_share(&mut self, endpoint: &Endpoint) -> Option<f64> {
        let rate = &self.endpoint(endpoint).call_rate;
        rate.is_learned().then(|| rate.share())
    }

    /// Counts one call against the limits of the endpoint.
    ///
    /// # Errors
    ///
    /// The time to wait before the next try.
    pub(super) fn take_call(
        &mut self,
        endpoint: &Endpoint,
        now: Now,
    ) -> Result<(), SignedDuration> {
        let wait = self.endpoint(endpoint).call_rate.wait(now.uptime);
        if !wait.is_zero() {
            return Err(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX));
        }
        self.take_retry(endpoint, now)
    }

    /// Counts one call that cannot wait for the learned rate, against the stated limits and that
    /// rate.
    ///
    /// # Errors
    ///
    /// The time to wait because of a stated limit.
    pub(super) fn take_retry(
        &mut self,
        endpoint: &Endpoint,
        now: Now,
    ) -> Result<(), SignedDuration> {
        let state = self.endpoint(endpoint);
        let taken = state.rate_limiter.take(now.time.unix_ms());
        taken.map_err(SignedDuration::from_millis)?;
        state.call_rate.start_call(now.uptime);
        Ok(())
    }

    /// Records that the provider processed a call.
    pub(super) fn processed(&mut self, endpoint: &Endpoint, now: Now) {
        self.endpoint(endpoint).call_rate.succeeded(now.uptime);
    }

    /// Records that the provider refused a call because of a rate limit and stated `pause`.
    pub(super) fn refused(
        &mut self,
        endpoint: &Endpoint,
        admitted_at: Duration,
        pause: SignedDuration,
        now: Now,
    ) {
        let pause = pause.max(SignedDuration::ZERO).unsigned_abs();
        let rate = &mut self.endpoint(endpoint).call_rate;
        rate.refused(now.uptime, admitted_at, pause);
    }

    /// Starts the calls to an endpoint after a pause, not all replicas at once.
    pub(super) fn resume(&mut self, endpoint: &Endpoint, now: Now) {
        self.endpoint(endpoint).call_rate.resume(now.uptime);
    }

    /// Returns what this replica has learned about the rate of each endpoint since the last
    /// exchange.
    pub(super) fn offered_rates(&mut self) -> Vec<(Endpoint, Learned)> {
        let endpoints = self.endpoints.iter_mut();
        endpoints
            .filter_map(|(endpoint, state)| Some((endpoint.clone(), state.call_rate.offer()?)))
            .collect()
    }

    /// Applies the rate of an endpoint that the replicas share.
    pub(super) fn apply_rate(&mut self, endpoint: &Endpoint, rate: &SharedRate, now: Now) {
        self.endpoint(endpoint).call_rate.apply(rate, now.uptime);
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
        let state = self.endpoint(endpoint);
        state.call_rate.ended();
        state.breaker.failed(now.unix_ms(), account)
    }

    /// Applies a rate-limit statement. The calls that it allows are divided among the replicas.
    pub(super) fn observe(&mut self, endpoint: &Endpoint, signal: RateSignal, now: Timestamp) {
        let (now_ms, replicas) = (now.unix_ms(), u64::from(self.replicas));
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
        let replicas = self.replicas;
        let create = || EndpointState::new(replicas);
        self.endpoints
            .entry(endpoint.clone())
            .or_insert_with(create)
    }
}
