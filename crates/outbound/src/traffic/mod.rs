//! Admission of every call to one platform: block, rate_limiter, bounded queue, and only then the
//! platform.
//!
//! A platform in trouble must not take the others with it, so each has its own places, its own
//! queue and its own limits. What the platform answers is read here too: it sets blocks and
//! allowances for the calls that follow.

mod state;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use evergrant_model::{Clock, ProviderSlug};
use evergrant_resilience::{PrioritySemaphore, SemaphorePermit, lock};
use http::HeaderMap;
use tokio::time::{Instant, sleep_until, timeout_at};

use self::state::State;
use crate::rate_headers::parse_rate_headers;
use crate::{
    AdmissionRequest, Block, BlockKind, CallOutcome, NotAdmitted, Permit, Refusal, RequestClass,
    SharedBreakerState,
};

/// How many calls may wait for a place. Further ones are refused.
const LONGEST_QUEUE: usize = 4096;
/// When a call for which there was no place may come back.
const COME_BACK_SECONDS: i64 = 5;
/// How long a half-open probe may take before another call may probe.
const PROBE_SECONDS: i64 = 30;
/// The longest pause that one response puts on all accounts: a wait of days concerns its own
/// account only.
const LONGEST_SHARED_PAUSE_SECONDS: i64 = 15 * 60;

/// Admission control for one platform. See the module's text.
pub struct Traffic {
    provider: ProviderSlug,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    semaphore: OnceLock<Arc<PrioritySemaphore>>,
    replicas: AtomicU64,
    shared: OnceLock<Arc<dyn SharedBreakerState>>,
}

impl Traffic {
    /// Admits all calls until [`Traffic::start`] limits them.
    #[must_use]
    pub fn new(provider: ProviderSlug, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            provider,
            clock,
            state: Mutex::default(),
            semaphore: OnceLock::new(),
            replicas: AtomicU64::new(1),
            shared: OnceLock::new(),
        })
    }

    /// Sets how many operations may be under way at once, and what the replicas share. Later calls
    /// are ignored.
    pub fn start(&self, permits: usize, shared: Arc<dyn SharedBreakerState>) {
        let _ = self
            .semaphore
            .set(PrioritySemaphore::new(permits, LONGEST_QUEUE));
        let _ = self.shared.set(shared);
    }

    /// Divides the platform's limits among so many replicas.
    pub fn share_among(&self, replicas: u64) {
        self.replicas.store(replicas.max(1), Ordering::Relaxed);
    }

    /// Replaces the blocks by those that the replicas share.
    pub fn set_blocks(&self, blocks: Vec<Block>) {
        lock(&self.state).set_blocks(blocks, self.clock.now());
    }

    /// The block that applies to calls of this class to this host; of several, the one that lasts
    /// longest.
    #[must_use]
    pub fn block_for(&self, host: &str, class: RequestClass) -> Option<Block> {
        lock(&self.state).block_for(host, class, self.clock.now())
    }

    /// The block of this very breaker, if it is active.
    #[must_use]
    pub fn active_block(&self, host: &str, kind: BlockKind) -> Option<Block> {
        lock(&self.state).active_block(host, kind, self.clock.now())
    }

    /// How many operations could begin at once; `None` for any number.
    #[must_use]
    pub fn free_permits(&self) -> Option<usize> {
        self.semaphore.get().map(|semaphore| semaphore.free())
    }

    /// Waits for a place.
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] where a block is active, a limit is reached, or no place becomes free in
    /// time.
    pub async fn admit(&self, request: AdmissionRequest<'_>) -> Result<Permit, NotAdmitted> {
        self.check_blocks(request)?;
        let until = Instant::now() + request.patience;
        self.await_allowance(request, until).await?;
        let place = self.await_place(request, until).await?;
        // The calls that were ahead in the queue may have tripped a breaker.
        let probed = self.pass_blocks(request).await?;
        let (host, account) = (request.host.to_owned(), request.account.cloned());
        Ok(Permit {
            host,
            class: request.class,
            account,
            probed,
            place,
        })
    }

    /// Whether an operation that holds `permit` may call once more: no block was set meanwhile, and
    /// there is an rate_limiter, which it takes. The half-open probe may call in any case.
    #[must_use]
    pub fn admits_again(&self, permit: &Permit) -> bool {
        let (host, account) = (permit.host.as_str(), permit.account.as_ref());
        let request = AdmissionRequest {
            host,
            class: permit.class,
            account,
            patience: Duration::ZERO,
        };
        permit.probed.is_some() || self.admits_now(request)
    }

    fn admits_now(&self, request: AdmissionRequest<'_>) -> bool {
        matches!(self.check_blocks(request), Ok(None)) && self.take_allowance(request).is_ok()
    }

    /// The half-open block that a call has to probe now, if any; an error where one lasts longer.
    fn check_blocks(&self, request: AdmissionRequest<'_>) -> Result<Option<Block>, NotAdmitted> {
        let Some(block) = self.block_for(request.host, request.class) else {
            return Ok(None);
        };
        let left_s = block.blocked_until.seconds_since(self.clock.now());
        if block.blocked_until > self.clock.now() {
            Err(blocked(&block, left_s))
        } else {
            Ok(Some(block))
        }
    }

    /// Passes if no block is active, or as the probe of the one that is half open.
    async fn pass_blocks(
        &self,
        request: AdmissionRequest<'_>,
    ) -> Result<Option<Block>, NotAdmitted> {
        let Some(block) = self.check_blocks(request)? else {
            return Ok(None);
        };
        let again_at = self.clock.now().plus_seconds(PROBE_SECONDS);
        let may_probe = match self.shared.get() {
            Some(shared) => shared.may_probe(&block, again_at).await,
            None => true,
        };
        lock(&self.state).postpone(&block, again_at);
        if may_probe {
            Ok(Some(block))
        } else {
            Err(blocked(&block, COME_BACK_SECONDS))
        }
    }

    async fn await_allowance(
        &self,
        request: AdmissionRequest<'_>,
        until: Instant,
    ) -> Result<(), NotAdmitted> {
        loop {
            let Err(wait_ms) = self.take_allowance(request) else {
                return Ok(());
            };
            let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(u64::MAX));
            match Instant::now().checked_add(wait).filter(|end| *end <= until) {
                Some(end) => sleep_until(end).await,
                None => {
                    return Err(NotAdmitted::new(
                        Refusal::AllowanceSpent,
                        wait_ms.div_euclid(1000) + 1,
                    ));
                }
            }
        }
    }

    fn take_allowance(&self, request: AdmissionRequest<'_>) -> Result<(), i64> {
        lock(&self.state).take_allowance(request.host, request.account, self.clock.now())
    }

    async fn await_place(
        &self,
        request: AdmissionRequest<'_>,
        until: Instant,
    ) -> Result<Option<SemaphorePermit>, NotAdmitted> {
        let Some(semaphore) = self.semaphore.get() else {
            return Ok(None);
        };
        match timeout_at(until, semaphore.take(request.class.priority())).await {
            Ok(Ok(place)) => Ok(Some(place)),
            Ok(Err(_full)) => Err(NotAdmitted::new(Refusal::QueueFull, COME_BACK_SECONDS)),
            Err(_elapsed) => Err(NotAdmitted::new(Refusal::NoPlaceInTime, COME_BACK_SECONDS)),
        }
    }

    /// Records what a response says about limits.
    pub fn observe_response(&self, host: &str, headers: &HeaderMap) {
        let (now, replicas) = (self.clock.now(), self.replicas.load(Ordering::Relaxed));
        for signal in parse_rate_headers(headers, now.unix_ms().div_euclid(1000)) {
            lock(&self.state).observe(host, signal, replicas, now);
        }
    }

    /// Records how one call went, for all calls that follow it.
    pub async fn settle(&self, permit: &Permit, outcome: CallOutcome) {
        let now = self.clock.now();
        let tripped = if outcome == CallOutcome::Failed {
            lock(&self.state)
                .failed(&permit.host, now)
                .then_some(BlockKind::Breaker)
        } else {
            lock(&self.state).answered(&permit.host, now);
            (outcome == CallOutcome::RegistrationRefused).then_some(BlockKind::Registration)
        };
        if let CallOutcome::RateLimited {
            retry_after_seconds: Some(seconds),
        } = outcome
        {
            self.pause(permit, seconds).await;
        }
        match (&permit.probed, tripped) {
            (Some(block), _) if keeps_blocked(block.kind, outcome) => self.block_again(block).await,
            (Some(block), _) => self.unblock(block).await,
            (None, Some(kind)) => drop(self.block(&permit.host, kind).await),
            (None, None) => {}
        }
    }

    /// Pauses the account of a call for as long as the platform asks, and all others for a while: a
    /// 429 rarely says whose limit is reached.
    async fn pause(&self, permit: &Permit, seconds: i64) {
        if seconds <= 0 {
            return;
        }
        let now = self.clock.now();
        if let Some(account) = &permit.account {
            lock(&self.state).pause_account(account.as_str(), now.plus_seconds(seconds), now);
        }
        self.pause_host(&permit.host, seconds.min(LONGEST_SHARED_PAUSE_SECONDS))
            .await;
    }

    /// Blocks calls to `host`, here at once and in other replicas soon; `false` if they are blocked
    /// already.
    pub async fn block(&self, host: &str, kind: BlockKind) -> bool {
        self.set_block(self.first_block(host, kind, kind.duration_seconds(1)))
            .await
    }

    async fn pause_host(&self, host: &str, seconds: i64) {
        self.set_block(self.first_block(host, BlockKind::RateLimit, seconds))
            .await;
    }

    fn first_block(&self, host: &str, kind: BlockKind, seconds: i64) -> Block {
        let (since, provider, host) = (self.clock.now(), self.provider.clone(), host.to_owned());
        let blocked_until = since.plus_seconds(seconds);
        Block {
            provider,
            host,
            kind,
            since,
            blocked_until,
            consecutive_trips: 1,
        }
    }

    /// Blocks for longer after a probe that failed.
    async fn block_again(&self, block: &Block) {
        let consecutive_trips = block.consecutive_trips.saturating_add(1);
        let blocked_until = self
            .clock
            .now()
            .plus_seconds(block.kind.duration_seconds(consecutive_trips));
        self.set_block(Block {
            blocked_until,
            consecutive_trips,
            ..block.clone()
        })
        .await;
    }

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

/// Whether a half-open probe with this outcome keeps the breaker open.
fn keeps_blocked(kind: BlockKind, outcome: CallOutcome) -> bool {
    match kind {
        BlockKind::Breaker => outcome == CallOutcome::Failed,
        // Only a success shows that the platform knows us again, or accepts grants again.
        BlockKind::Registration | BlockKind::MassRejection => outcome != CallOutcome::Succeeded,
        BlockKind::RateLimit => false,
    }
}

fn blocked(block: &Block, retry_after_seconds: i64) -> NotAdmitted {
    NotAdmitted::new(Refusal::Blocked(block.kind), retry_after_seconds)
}

#[cfg(test)]
mod tests;
