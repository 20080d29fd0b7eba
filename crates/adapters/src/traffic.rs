//! The way out to one platform, for every call: gate, allowance, bounded queue, and only then the platform.
//!
//! A platform in trouble must not take the others with it, so each has its own places, its own queue and its own end of
//! patience. What the platform answers is read here too: it closes gates and sets allowances for whoever comes next.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use evergrant_model::{Clock, ProviderSlug, Timestamp};
use evergrant_resilience::{Allowance, Breaker};
use reqwest::header::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::admission::Admission;
use crate::gate::{ClosedGate, GateKeeper, GateKind};
use crate::rates::{Told, told};
use crate::{AdapterError, ErrorClass};

/// How many may wait for a place. Whoever comes next is told to come back.
const LONGEST_QUEUE: usize = 4096;
/// When somebody for whom there was no place may come back.
const COME_BACK_SECONDS: i64 = 5;
/// How long a trial of a gate may take before another may try.
const TRIAL_SECONDS: i64 = 30;
/// After trouble, calls begin at one in so many milliseconds, for so long: those who waited must not all come at once.
const FIRST_PACE_MS: (i64, i64) = (50, 60_000);
/// From this share of what the app may do on, calls are slowed down; at that one they pause. As Meta's guide has it.
const NEAR_LIMIT_PERCENT: f64 = 75.0;
const AT_LIMIT_PERCENT: f64 = 97.0;
const NEAR_LIMIT_PACE_MS: i64 = 500;
const USAGE_IS_BELIEVED_MS: i64 = 60_000;
const MOST_PAUSED_ACCOUNTS: usize = 10_000;

/// See the module's text.
pub(crate) struct Traffic {
    pub(crate) provider: ProviderSlug,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    places: OnceLock<Arc<Semaphore>>,
    waiting: AtomicUsize,
    replicas: AtomicU64,
    keeper: OnceLock<Arc<dyn GateKeeper>>,
}

#[derive(Default)]
struct State {
    gates: Vec<ClosedGate>,
    hosts: HashMap<String, HostState>,
    paused_accounts: HashMap<String, Timestamp>,
}

#[derive(Default)]
struct HostState {
    breaker: Breaker,
    allowance: Allowance,
}

/// Somebody who wants to call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) host: &'a str,
    /// Whether it is a renewal.
    pub(crate) renewal: bool,
    /// The account that the call is about, where the platform may have paused one.
    pub(crate) account: Option<&'a str>,
    /// How long it is willing to wait.
    pub(crate) patience: Duration,
}

impl Traffic {
    pub(crate) fn new(provider: ProviderSlug, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            provider,
            clock,
            state: Mutex::default(),
            places: OnceLock::new(),
            waiting: AtomicUsize::new(0),
            replicas: AtomicU64::new(1),
            keeper: OnceLock::new(),
        })
    }

    /// Nothing that could stop half-way runs under the lock, so a poisoned one is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many operations may be under way at once, and who keeps the gates. Only the first word counts.
    pub(crate) fn begin(&self, places: usize, keeper: Arc<dyn GateKeeper>) {
        let _ = self.places.set(Arc::new(Semaphore::new(places)));
        let _ = self.keeper.set(keeper);
    }

    pub(crate) fn share_among(&self, replicas: u64) {
        self.replicas.store(replicas.max(1), Ordering::Relaxed);
    }

    /// The gates as all replicas know them.
    pub(crate) fn set_gates(&self, gates: Vec<ClosedGate>) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.gates, gates);
        for opened in before {
            if !state.gates.iter().any(|gate| gate.is_same(&opened)) {
                self.begin_gently(&mut state, &opened.host);
            }
        }
    }

    /// The gate that keeps this host from being called now, if any does: the one that is closed for longest.
    pub(crate) fn closed_gate(&self, host: &str, renewal: bool) -> Option<ClosedGate> {
        let now = self.clock.now();
        let before = |gate: &&ClosedGate| gate.is_before(host, renewal) && gate.is_in_force(now);
        self.state().gates.iter().filter(before).max_by_key(|gate| gate.closed_to).cloned()
    }

    /// This very gate, if it is closed.
    pub(crate) fn gate_in_force(&self, host: &str, kind: GateKind) -> Option<ClosedGate> {
        let now = self.clock.now();
        let is_it = |gate: &&ClosedGate| gate.host == host && gate.kind == kind && gate.is_in_force(now);
        self.state().gates.iter().find(is_it).cloned()
    }

    /// How many operations could begin at once; `None` for any number.
    pub(crate) fn free_places(&self) -> Option<usize> {
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.places.get().map(|places| places.available_permits().saturating_sub(waiting))
    }

    /// Waits for a place, or says why there is none.
    pub(crate) async fn admit(self: &Arc<Self>, wish: Wish<'_>) -> Result<Admission, AdapterError> {
        self.look_at_gates(wish)?;
        let until = Instant::now() + wish.patience;
        self.await_allowance(wish, until).await?;
        let place = self.await_place(until).await?;
        // One may have been closed by those who were before us in the queue.
        let trial = self.pass_gates(wish).await?;
        Ok(Admission { traffic: Arc::clone(self), host: wish.host.to_owned(), trial, place })
    }

    /// Whether a call may begin at this moment.
    pub(crate) fn lets_pass_now(&self, wish: Wish<'_>) -> bool {
        matches!(self.look_at_gates(wish), Ok(None)) && self.take_allowance(wish).is_ok()
    }

    /// The gate that somebody has to try now, if any; an error where one is closed for longer.
    fn look_at_gates(&self, wish: Wish<'_>) -> Result<Option<ClosedGate>, AdapterError> {
        let Some(gate) = self.closed_gate(wish.host, wish.renewal) else { return Ok(None) };
        let now = self.clock.now();
        if gate.closed_to > now { Err(closed(&gate, gate.closed_to.seconds_since(now))) } else { Ok(Some(gate)) }
    }

    /// Passes if no gate is closed, or as the one who tries the gate that is.
    async fn pass_gates(&self, wish: Wish<'_>) -> Result<Option<ClosedGate>, AdapterError> {
        let Some(gate) = self.look_at_gates(wish)? else { return Ok(None) };
        let again_at = self.clock.now().plus_seconds(TRIAL_SECONDS);
        let may_try = match self.keeper.get() {
            Some(keeper) => keeper.may_try(&gate, again_at).await,
            None => true,
        };
        self.postpone(&gate, again_at);
        if may_try { Ok(Some(gate)) } else { Err(closed(&gate, COME_BACK_SECONDS)) }
    }

    /// Somebody is trying this gate: nobody else here needs to ask before then.
    fn postpone(&self, gate: &ClosedGate, to: Timestamp) {
        if let Some(known) = self.state().gates.iter_mut().find(|known| known.is_same(gate)) {
            known.closed_to = known.closed_to.max(to);
        }
    }

    async fn await_allowance(&self, wish: Wish<'_>, until: Instant) -> Result<(), AdapterError> {
        loop {
            let Err(wait_ms) = self.take_allowance(wish) else { return Ok(()) };
            let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(u64::MAX));
            match Instant::now().checked_add(wait).filter(|end| *end <= until) {
                Some(end) => sleep_until(end).await,
                None => return Err(limited("the platform takes no more calls for now", wait_ms.div_euclid(1000) + 1)),
            }
        }
    }

    fn take_allowance(&self, wish: Wish<'_>) -> Result<(), i64> {
        let (now, mut state) = (self.clock.now(), self.state());
        if let Some(end) = wish.account.and_then(|account| state.paused_accounts.get(account))
            && *end > now
        {
            return Err(end.unix_ms() - now.unix_ms());
        }
        state.host(wish.host).allowance.take(now.unix_ms())
    }

    async fn await_place(&self, until: Instant) -> Result<Option<OwnedSemaphorePermit>, AdapterError> {
        let Some(places) = self.places.get() else { return Ok(None) };
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(Some(place));
        }
        let queue =
            Queue::join(&self.waiting).ok_or_else(|| limited("too many calls wait already", COME_BACK_SECONDS))?;
        let place = timeout_at(until, Arc::clone(places).acquire_owned()).await;
        drop(queue);
        match place {
            Ok(Ok(place)) => Ok(Some(place)),
            _ => Err(limited("no call could be made in time", COME_BACK_SECONDS)),
        }
    }

    /// Notes what an answer says about limits.
    pub(crate) fn heed(&self, host: &str, headers: &HeaderMap) {
        let (now, replicas) = (self.clock.now(), self.replicas.load(Ordering::Relaxed));
        let now_ms = now.unix_ms();
        for word in told(headers, now_ms.div_euclid(1000)) {
            let mut state = self.state();
            match word {
                Told::Left { calls, for_s } => {
                    state.host(host).allowance.limit(calls, replicas, now.plus_seconds(for_s).unix_ms(), now_ms);
                }
                Told::Used { percent } if percent >= AT_LIMIT_PERCENT => {
                    state.host(host).allowance.pause(now_ms + USAGE_IS_BELIEVED_MS, now_ms);
                }
                Told::Used { percent } if percent >= NEAR_LIMIT_PERCENT => {
                    state.host(host).allowance.slow_down(NEAR_LIMIT_PACE_MS, now_ms + USAGE_IS_BELIEVED_MS);
                }
                Told::Used { .. } => {}
                Told::AccountPaused { account, for_s } => state.pause_account(account, now.plus_seconds(for_s), now),
            }
        }
    }

    /// Notes that a host answered.
    pub(crate) fn answered(&self, host: &str) {
        let now_ms = self.clock.now().unix_ms();
        self.state().host(host).breaker.succeeded(now_ms);
    }

    /// Notes that a host did not answer; whether it is to be left alone.
    pub(crate) fn failed(&self, host: &str) -> bool {
        let now_ms = self.clock.now().unix_ms();
        self.state().host(host).breaker.failed(now_ms)
    }

    /// Closes a gate, here at once and elsewhere soon. Where it is closed already this changes nothing: those whose calls
    /// were under way at that moment have the same to say.
    pub(crate) async fn close(&self, host: &str, kind: GateKind) {
        let (now, closed_to) = (self.clock.now(), self.clock.now().plus_seconds(kind.closed_for_seconds(1)));
        let (provider, host) = (self.provider.clone(), host.to_owned());
        self.shut(ClosedGate { provider, host, kind, since: now, closed_to, trips: 1 }).await;
    }

    /// Closes the gate of a platform that has asked for a pause of so many seconds.
    pub(crate) async fn pause(&self, host: &str, seconds: i64) {
        let (now, closed_to) = (self.clock.now(), self.clock.now().plus_seconds(seconds));
        let (provider, host, kind) = (self.provider.clone(), host.to_owned(), GateKind::Limit);
        self.shut(ClosedGate { provider, host, kind, since: now, closed_to, trips: 1 }).await;
    }

    /// Closes a gate again whose trial failed, for longer.
    pub(crate) async fn close_again(&self, gate: &ClosedGate) {
        let trips = gate.trips + 1;
        let closed_to = self.clock.now().plus_seconds(gate.kind.closed_for_seconds(trips));
        self.shut(ClosedGate { closed_to, trips, ..gate.clone() }).await;
    }

    async fn shut(&self, gate: ClosedGate) {
        {
            let (now, mut state) = (self.clock.now(), self.state());
            let known = state.gates.iter().position(|known| known.is_same(&gate));
            match known.and_then(|at| state.gates.get_mut(at)) {
                Some(known) if known.is_in_force(now) && !known.is_outdone_by(&gate) => return,
                Some(known) => *known = gate.clone(),
                None => state.gates.push(gate.clone()),
            }
        }
        if let Some(keeper) = self.keeper.get() {
            keeper.close(&gate).await;
        }
    }

    /// Opens a gate whose trial succeeded.
    pub(crate) async fn open(&self, gate: &ClosedGate) {
        {
            let mut state = self.state();
            state.gates.retain(|known| !known.is_same(gate));
            self.begin_gently(&mut state, &gate.host);
        }
        if let Some(keeper) = self.keeper.get() {
            keeper.open(gate).await;
        }
    }

    fn begin_gently(&self, state: &mut State, host: &str) {
        let (every_ms, for_ms) = FIRST_PACE_MS;
        let until_ms = self.clock.now().unix_ms() + for_ms;
        for (name, known) in &mut state.hosts {
            if matches!(host, ClosedGate::EVERY_HOST | ClosedGate::RENEWALS) || name == host {
                known.breaker.reset();
                known.allowance.slow_down(every_ms, until_ms);
            }
        }
    }
}

impl State {
    fn host(&mut self, host: &str) -> &mut HostState {
        if !self.hosts.contains_key(host) {
            self.hosts.insert(host.to_owned(), HostState::default());
        }
        self.hosts.entry(host.to_owned()).or_default()
    }

    fn pause_account(&mut self, account: String, until: Timestamp, now: Timestamp) {
        if self.paused_accounts.len() >= MOST_PAUSED_ACCOUNTS {
            self.paused_accounts.retain(|_, end| *end > now);
        }
        if self.paused_accounts.len() < MOST_PAUSED_ACCOUNTS {
            self.paused_accounts.insert(account, until);
        }
    }
}

/// A place in the queue, given back however the waiting ends.
struct Queue<'a>(&'a AtomicUsize);

impl<'a> Queue<'a> {
    fn join(waiting: &'a AtomicUsize) -> Option<Self> {
        let queue = Self(waiting);
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        (before < LONGEST_QUEUE).then_some(queue)
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn limited(what: &'static str, retry_after_s: i64) -> AdapterError {
    AdapterError::new(ErrorClass::RateLimited, what).surely_unprocessed().with_retry_after(Some(retry_after_s.max(1)))
}

/// What is told to those before a closed gate.
fn closed(gate: &ClosedGate, retry_after_s: i64) -> AdapterError {
    let (class, what) = match gate.kind {
        GateKind::Limit => (ErrorClass::RateLimited, "the platform has asked for a pause"),
        GateKind::Config => (ErrorClass::ConfigError, "the platform does not accept our registration"),
        GateKind::Breaker | GateKind::Refusals => (ErrorClass::Transient, "the platform is in trouble and left alone"),
    };
    AdapterError::new(class, what).surely_unprocessed().with_retry_after(Some(retry_after_s.max(1)))
}

#[cfg(test)]
mod tests;
