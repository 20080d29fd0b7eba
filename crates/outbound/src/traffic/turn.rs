//! The turn of a call at its endpoint. Calls that a rate limit delays wait in a queue, by priority,
//! and start one by one.

use std::time::Duration;

use evergrant_model::SignedDuration;
use evergrant_resilience::{SemaphorePermit, lock};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{RETRY_AFTER, Traffic, blocked};
use crate::{AdmissionRequest, BlockKind, Endpoint, NotAdmitted, Refusal, RequestClass};

impl Traffic {
    /// Waits until the limits of the endpoint and of the account allow the call. The next call at
    /// the endpoint starts after the returned permit is dropped; `None` if the rate of calls is not
    /// limited.
    pub(super) async fn await_turn(
        &self,
        request: AdmissionRequest<'_>,
        until: Instant,
    ) -> Result<Option<SemaphorePermit>, NotAdmitted> {
        self.await_account(request, until).await?;
        let queue = lock(&self.state).turn(request.endpoint);
        let priority = request.class.priority();
        let ahead = queue.waiting_before(priority);
        self.check_queue(request, ahead, until)?;
        let turn = match timeout_at(until, queue.acquire(priority)).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(_full)) => return Err(NotAdmitted::new(Refusal::QueueFull, RETRY_AFTER)),
            Err(_elapsed) => return Err(too_late(RETRY_AFTER)),
        };
        while let Some((wait, not_admitted)) = self.obstacle(request)? {
            let is_pause = not_admitted.refusal != Refusal::RateLimitReached;
            sleep_within(wait, until).await.map_err(|()| not_admitted)?;
            if is_pause && self.endpoint_pause(request).is_none() {
                lock(&self.state).resume(request.endpoint, self.now());
            }
        }
        let is_limited = lock(&self.state).learned_share(request.endpoint).is_some();
        Ok(is_limited.then_some(turn))
    }

    /// Returns how many refreshes may start within `within`, besides those that wait already;
    /// `None` before [`Traffic::start`].
    #[must_use]
    pub fn startable(&self, endpoint: &Endpoint, within: Duration) -> Option<usize> {
        let free = self.free_permits()?;
        let (share, turn) = {
            let mut state = lock(&self.state);
            (state.learned_share(endpoint), state.turn(endpoint))
        };
        let Some(share) = share else {
            return Some(free);
        };
        let waiting = turn.waiting_before(RequestClass::DueRefresh.priority());
        Some(free.min(calls_within(share, within).saturating_sub(waiting)))
    }

    /// Waits for the end of the account's pause, outside the queue: it delays no other account.
    async fn await_account(
        &self,
        request: AdmissionRequest<'_>,
        until: Instant,
    ) -> Result<(), NotAdmitted> {
        loop {
            self.check_breakers(request)?;
            if let Some((wait, not_admitted)) = self.endpoint_pause(request)
                && Instant::now() + wait.unsigned_abs() > until
            {
                return Err(not_admitted);
            }
            let pause = self.account_pause(request);
            if pause.is_zero() {
                return Ok(());
            }
            let too_late = |()| too_late(pause);
            sleep_within(pause, until).await.map_err(too_late)?;
        }
    }

    pub(super) fn account_pause(&self, request: AdmissionRequest<'_>) -> SignedDuration {
        let (endpoint, now) = (request.endpoint, self.clock.now());
        lock(&self.state).account_pause(endpoint, request.account, now)
    }

    /// Rejects a call whose turn comes after `until`.
    fn check_queue(
        &self,
        request: AdmissionRequest<'_>,
        ahead: usize,
        until: Instant,
    ) -> Result<(), NotAdmitted> {
        let Some(share) = lock(&self.state).learned_share(request.endpoint) else {
            return Ok(());
        };
        let left = until.saturating_duration_since(Instant::now());
        if ahead <= calls_within(share, left) {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "the queue is short")]
        let wait = SignedDuration::try_from_secs_f64(ahead as f64 / share);
        Err(too_late(wait.unwrap_or(RETRY_AFTER)))
    }

    /// Returns what delays the call and for how long, with the error if it cannot wait that long.
    /// If nothing does, the call counts against the limits.
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] if a circuit breaker is open.
    fn obstacle(
        &self,
        request: AdmissionRequest<'_>,
    ) -> Result<Option<(SignedDuration, NotAdmitted)>, NotAdmitted> {
        self.check_breakers(request)?;
        if let Some(pause) = self.endpoint_pause(request) {
            return Ok(Some(pause));
        }
        let taken = lock(&self.state).take_call(request.endpoint, self.now());
        Ok(taken.err().map(|wait| (wait, too_late(wait))))
    }

    /// Returns the rest of a pause that the provider stated, with the error of a call that cannot
    /// wait that long.
    fn endpoint_pause(
        &self,
        request: AdmissionRequest<'_>,
    ) -> Option<(SignedDuration, NotAdmitted)> {
        let block = self.block_for(request.endpoint, request.class)?;
        let left = block.blocked_until.since(self.clock.now());
        let is_pause = block.kind == BlockKind::RateLimit && left.is_positive();
        is_pause.then(|| (left, blocked(&block, left)))
    }

    /// Rejects a call that a block covers which does not end by itself.
    fn check_breakers(&self, request: AdmissionRequest<'_>) -> Result<(), NotAdmitted> {
        match self.check_blocks(request) {
            Err(error) if error.refusal != Refusal::Blocked(BlockKind::RateLimit) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Sleeps for `wait`, unless it ends after `until`.
async fn sleep_within(wait: SignedDuration, until: Instant) -> Result<(), ()> {
    let end = Instant::now().checked_add(wait.unsigned_abs());
    match end.filter(|end| *end <= until) {
        Some(end) => {
            sleep_until(end).await;
            Ok(())
        }
        None => Err(()),
    }
}

/// Returns the number of calls that start within `time` at this many calls per second, rounded up.
fn calls_within(per_second: f64, time: Duration) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the rate is positive, and a cast from float saturates"
    )]
    let calls = (per_second * time.as_secs_f64()).ceil() as usize;
    calls
}

/// Returns the error of a call that the rate limit would delay for longer than it can wait.
fn too_late(wait: SignedDuration) -> NotAdmitted {
    let retry_after = SignedDuration::from_secs(wait.as_secs().saturating_add(1));
    NotAdmitted::new(Refusal::RateLimitReached, retry_after)
}
