//! Admission control for one provider. A call passes the circuit breaker, waits for its turn at the
//! endpoint ([`turn`]) and for a call slot before it is sent. Both queues are bounded.
//!
//! Each provider has its own call slots, queue and limits, so that an outage of one provider does
//! not affect the others. Responses and outcomes update the blocks and rate limits for later calls.

mod state;
mod turn;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use evergrant_model::{Clock, ProviderSlug, SignedDuration};
use evergrant_resilience::{PrioritySemaphore, SemaphorePermit, lock};
use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use self::state::{MAX_QUEUED_CALLS, Now, State};
use crate::rate_headers::parse_rate_headers;
use crate::{
    AdmissionRequest, Block, BlockKind, CallOutcome, Endpoint, Learned, NotAdmitted, Permit,
    Refusal, RequestClass, SharedBreakerState, SharedRate,
};

/// The retry time stated to a call that got no slot or may not probe.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// Time after which another call may probe if a half-open probe has no outcome yet.
const PROBE_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);
/// Longest pause of an endpoint that one 429 can cause. A longer wait pauses only the account of
/// the call.
const MAX_ENDPOINT_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// Admission control for one provider: circuit breaker, rate limits, call slots and their queue.
pub struct Traffic {
    provider: ProviderSlug,
    clock: Arc<dyn Clock>,
    started: Instant,
    state: Mutex<State>,
    semaphore: OnceLock<Arc<PrioritySemaphore>>,
    shared: OnceLock<Arc<dyn SharedBreakerState>>,
}

impl Traffic {
    /// Creates an admission control without call slots: until [`Traffic::start`], the number of
    /// concurrent operations is unlimited and blocks are not shared.
    #[must_use]
    pub fn new(provider: ProviderSlug, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            provider,
            clock,
            started: Instant::now(),
            state: Mutex::default(),
            semaphore: OnceLock::new(),
            shared: OnceLock::new(),
        })
    }

    /// Limits the number of concurrent operations to `permits` and connects the breaker to the
    /// state that all replicas share. Later calls are ignored.
    pub fn start(&self, permits: usize, shared: Arc<dyn SharedBreakerState>) {
        let _ = self
            .semaphore
            .set(PrioritySemaphore::new(permits, MAX_QUEUED_CALLS));
        let _ = self.shared.set(shared);
    }

    /// Divides the provider's limits among `replicas` replicas. Default: 1.
    pub fn share_among(&self, replicas: u32) {
        lock(&self.state).share_among(replicas);
    }

    /// Returns what this replica has learned about the rate of each endpoint since the last
    /// exchange. The caller stores it and passes the stored rates to [`Traffic::apply_rate`].
    #[must_use]
    pub fn offered_rates(&self) -> Vec<(Endpoint, Learned)> {
        lock(&self.state).offered_rates()
    }

    /// Applies the rate that the replicas share for the endpoint with this text.
    pub fn apply_rate(&self, endpoint: &str, rate: &SharedRate) {
        lock(&self.state).apply_rate(&Endpoint::from_text(endpoint), rate, self.now());
    }

    fn now(&self) -> Now {
        Now {
            time: self.clock.now(),
            uptime: self.started.elapsed(),
        }
    }

    /// Replaces all blocks with those that the replicas share.
    pub fn set_blocks(&self, blocks: Vec<Block>) {
        lock(&self.state).set_blocks(blocks, self.clock.now());
    }

    /// Returns the active block that covers calls of this class to this endpoint; of several, the
    /// one with the latest end.
    #[must_use]
    pub fn block_for(&self, endpoint: &Endpoint, class: RequestClass) -> Option<Block> {
        lock(&self.state).block_for(endpoint, class, self.clock.now())
    }

    /// Returns the block of exactly this scope and kind, if it is active.
    #[must_use]
    pub fn active_block(&self, scope: &str, kind: BlockKind) -> Option<Block> {
        lock(&self.state).active_block(scope, kind, self.clock.now())
    }

    /// Returns the number of free call slots; `None` before [`Traffic::start`].
    #[must_use]
    pub fn free_permits(&self) -> Option<usize> {
        self.semaphore.get().map(|semaphore| semaphore.free())
    }

    /// Waits until the call is admitted, at most [`AdmissionRequest::max_wait`].
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] if a block is active, a rate limit is reached, the queue is full, or no slot
    /// becomes free in time.
    pub async fn admit(&self, request: AdmissionRequest<'_>) -> Result<Permit, NotAdmitted> {
        let until = Instant::now() + request.max_wait;
        let turn = self.await_turn(request, until).await?;
        let slot = self.await_slot(request, until).await?;
        // Calls ahead in the queue may have tripped a breaker.
        let probed = self.pass_blocks(request).await?;
        drop(turn);
        let (endpoint, account) = (request.endpoint.clone(), request.account.cloned());
        Ok(Permit {
            endpoint,
            class: request.class,
            account,
            admitted_at: self.started.elapsed(),
            probed,
            slot,
        })
    }

    /// Returns whether the operation that holds `permit` may send another request now. If so, the
    /// request counts against the rate limits. A new block prevents it. A half-open probe may
    /// always retry.
    #[must_use]
    pub fn admits_retry(&self, permit: &Permit) -> bool {
        let (endpoint, account) = (&permit.endpoint, permit.account.as_ref());
        let request = AdmissionRequest {
            endpoint,
            class: permit.class,
            account,
            max_wait: Duration::ZERO,
        };
        permit.probed.is_some() || self.admits_now(request)
    }

    fn admits_now(&self, request: AdmissionRequest<'_>) -> bool {
        let now = self.now();
        matches!(self.check_blocks(request), Ok(None))
            && self.account_pause(request).is_zero()
            && lock(&self.state).take_retry(request.endpoint, now).is_ok()
    }

    /// Returns the half-open block that this call would probe, if any.
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] if a block has not reached its end.
    fn check_blocks(&self, request: AdmissionRequest<'_>) -> Result<Option<Block>, NotAdmitted> {
        let Some(block) = self.block_for(request.endpoint, request.class) else {
            return Ok(None);
        };
        let left = block.blocked_until.since(self.clock.now());
        if left.is_positive() {
            Err(blocked(&block, left))
        } else {
            Ok(Some(block))
        }
    }

    /// Passes if no block applies, or if this call becomes the probe of a half-open block, which it
    /// returns.
    async fn pass_blocks(
        &self,
        request: AdmissionRequest<'_>,
    ) -> Result<Option<Block>, NotAdmitted> {
        let Some(block) = self.check_blocks(request)? else {
            return Ok(None);
        };
        let next_probe_at = self.clock.now() + PROBE_TIMEOUT;
        let may_probe = match self.shared.get() {
            Some(shared) => shared.may_probe(&block, next_probe_at).await,
            None => true,
        };
        lock(&self.state).postpone(&block, next_probe_at);
        if may_probe {
            Ok(Some(block))
        } else {
            Err(blocked(&block, RETRY_AFTER))
        }
    }

    /// Waits for a call slot; `None` before [`Traffic::start`].
    async fn await_slot(
        &self,
        request: AdmissionRequest<'_>,
        until: Instant,
    ) -> Result<Option<SemaphorePermit>, NotAdmitted> {
        let Some(semaphore) = self.semaphore.get() else {
            return Ok(None);
        };
        match timeout_at(until, semaphore.acquire(request.class.priority())).await {
            Ok(Ok(slot)) => Ok(Some(slot)),
            Ok(Err(_full)) => Err(NotAdmitted::new(Refusal::QueueFull, RETRY_AFTER)),
            Err(_elapsed) => Err(NotAdmitted::new(Refusal::QueueTimeout, RETRY_AFTER)),
        }
    }

    /// Applies the rate limits that a response states.
    pub fn observe_response(&self, endpoint: &Endpoint, headers: &HeaderMap) {
        let now = self.clock.now();
        for signal in parse_rate_headers(headers, now) {
            lock(&self.state).observe(endpoint, signal, now);
        }
    }

    /// Records the outcome of a call. It may open or close a breaker, or pause the endpoint and
    /// the account.
    pub async fn settle(&self, permit: &Permit, outcome: CallOutcome) {
        let now = self.clock.now();
        let endpoint = &permit.endpoint;
        let tripped = if outcome == CallOutcome::Failed {
            lock(&self.state).failed(endpoint, permit.account.as_ref(), now)
        } else {
            lock(&self.state).responded(endpoint, now);
            false
        };
        match outcome {
            CallOutcome::Succeeded | CallOutcome::Rejected => {
                lock(&self.state).processed(endpoint, self.now());
            }
            CallOutcome::RateLimited { retry_after } => {
                self.pause(permit, retry_after.unwrap_or_default()).await;
            }
            CallOutcome::Failed => {}
        }
        match (&permit.probed, tripped) {
            (Some(block), _) if keeps_blocked(block.kind, outcome) => self.block_again(block).await,
            (Some(block), _) => self.unblock(block).await,
            (None, true) => drop(self.block(endpoint.as_str(), BlockKind::Breaker).await),
            (None, false) => {}
        }
    }

    /// Lowers the rate of the endpoint after a 429. Pauses the account of the call for the stated
    /// time, and the endpoint for at most [`MAX_ENDPOINT_PAUSE`]: a 429 rarely says whose limit is
    /// reached.
    async fn pause(&self, permit: &Permit, wait: SignedDuration) {
        let pause = wait.min(MAX_ENDPOINT_PAUSE);
        lock(&self.state).refused(&permit.endpoint, permit.admitted_at, pause, self.now());
        if !wait.is_positive() {
            return;
        }
        let now = self.clock.now();
        if let Some(account) = &permit.account {
            lock(&self.state).pause_account(&permit.endpoint, account.as_str(), now + wait, now);
        }
        self.pause_endpoint(&permit.endpoint, pause).await;
    }

    /// Blocks the calls of `scope`, in this replica immediately and in the others once they load
    /// the shared state. Returns `false` if they are blocked already.
    pub async fn block(&self, scope: &str, kind: BlockKind) -> bool {
        self.set_block(self.first_block(scope, kind, kind.duration(1)))
            .await
    }

    async fn pause_endpoint(&self, endpoint: &Endpoint, duration: SignedDuration) {
        self.set_block(self.first_block(endpoint.as_str(), BlockKind::RateLimit, duration))
            .await;
    }

    fn first_block(&self, scope: &str, kind: BlockKind, duration: SignedDuration) -> Block {
        let (since, provider, scope) = (self.clock.now(), self.provider.clone(), scope.to_owned());
        let blocked_until = since + duration;
        Block {
            provider,
            scope,
            kind,
            since,
            blocked_until,
            consecutive_trips: 1,
        }
    }

    /// Blocks for longer after a failed probe.
    async fn block_again(&self, block: &Block) {
        let consecutive_trips = block.consecutive_trips.saturating_add(1);
        let blocked_until = self.clock.now() + block.kind.duration(consecutive_trips);
        self.set_block(Block {
            blocked_until,
            consecutive_trips,
            ..block.clone()
        })
        .await;
    }

    /// Stores a block here and in the shared state. Returns whether it changed anything.
    async fn set_block(&self, block: Block) -> bool {
        let changed = lock(&self.state).block(&block, self.clock.now());
        if let Some(shared) = self.shared.get().filter(|_| changed) {
            shared.block(&block).await;
        }
        changed
    }

    async fn unblock(&self, block: &Block) {
        lock(&self.state).unblock(block, self.clock.now());
        if let Some(shared) = self.shared.get() {
            shared.unblock(block).await;
        }
    }
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Traffic({})", self.provider)
    }
}

/// Returns whether a half-open probe with this outcome keeps the breaker open.
fn keeps_blocked(kind: BlockKind, outcome: CallOutcome) -> bool {
    match kind {
        BlockKind::Breaker => outcome == CallOutcome::Failed,
        // Only a success proves that the registration or the grants are accepted again.
        BlockKind::Registration | BlockKind::MassRejection => outcome != CallOutcome::Succeeded,
        BlockKind::RateLimit => false,
    }
}

fn blocked(block: &Block, retry_after: SignedDuration) -> NotAdmitted {
    NotAdmitted::new(Refusal::Blocked(block.kind), retry_after)
}

#[cfg(test)]
mod tests;
