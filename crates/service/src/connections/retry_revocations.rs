//! The job that retries queued revocations. Each platform has its own loop, so a platform that
//! answers slowly does not delay the others.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, CorrelationId, ProviderSlug, Revocation, SignedDuration, Timestamp};
use evergrant_resilience::Backoff;
use evergrant_store::Revocation as QueuedRevocation;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::ServiceError;
use crate::connections::revocation_queue::{CONCURRENCY, RESERVED_FOR, RevocationQueue};
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;
use crate::outcome::Outcome;

/// The delays between attempts, without jitter.
const BACKOFF: Backoff = Backoff {
    first_ms: RESERVED_FOR.unsigned_abs().as_secs() * 1000,
    longest_ms: 3_600_000,
};
/// The minimum number of attempts before a revocation is abandoned, so that a clock that jumps does
/// not abandon it.
const MIN_ATTEMPTS: i32 = 5;
/// The time after which a run claims no more revocations, so that the next run notices platforms
/// whose revocations became due meanwhile.
const RUN_TIME: Duration = EVERY_15_SECONDS;

/// Retries the revocations that a platform did not complete.
pub(crate) struct RetryRevocations(pub(crate) Arc<RevocationQueue>);

impl RetryRevocations {
    /// Retries the due revocations of one platform, several at a time. Returns how many.
    async fn retry_platform(
        &self,
        call: &Call,
        provider: &ProviderSlug,
    ) -> Result<usize, ServiceError> {
        let started = Instant::now();
        let worker = async || {
            let mut done = 0;
            while started.elapsed() < RUN_TIME && self.retry_one(call, provider).await? {
                done += 1;
            }
            Ok::<_, ServiceError>(done)
        };
        let workers = join_all((0..CONCURRENCY).map(|_| worker())).await;
        workers.into_iter().sum()
    }

    /// Claims a revocation that is due and makes one attempt. Returns `false` if none is due.
    async fn retry_one(&self, call: &Call, provider: &ProviderSlug) -> Result<bool, ServiceError> {
        let queue = &self.0;
        let now = queue.clock.now();
        let claim = queue.revocations.claim(provider, now, now + RESERVED_FOR);
        let Some(queued) = claim.await? else {
            return Ok(false);
        };
        let call = match CorrelationId::new(queued.correlation_id.clone()) {
            Ok(correlation_id) => call.continuing(&correlation_id),
            Err(_) => call.clone(),
        };
        match queue.attempt(&call, &queued, None).await {
            Ok(Revocation::Pending) => self.postpone(&call, &queued, now).await?,
            Ok(_) => {}
            // The claim has already postponed this revocation; the run continues with the next.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    revocation.id = queued.id,
                    error,
                    "revocation attempt failed"
                );
            }
        }
        Ok(true)
    }

    /// Schedules the next attempt. Drops the revocation if its time limit has passed and enough
    /// attempts have failed.
    async fn postpone(
        &self,
        call: &Call,
        queued: &QueuedRevocation,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let queue = &self.0;
        let is_over = queued.expires_at <= now && queued.attempts >= MIN_ATTEMPTS;
        if is_over && queue.clock.is_reliable() {
            let provider = &queued.provider;
            queue
                .recorder
                .record(call, &Outcome::RevocationAbandoned { provider });
            return Ok(queue.revocations.delete(&queued.id).await?);
        }
        let delay_ms = BACKOFF.ceiling_ms(u32::try_from(queued.attempts).unwrap_or(0));
        let next = now + SignedDuration::from_millis(i64::try_from(delay_ms).unwrap_or(i64::MAX));
        Ok(queue.revocations.reschedule(&queued.id, next).await?)
    }
}

#[async_trait]
impl Job for RetryRevocations {
    fn name(&self) -> JobName {
        JobName::Revocations
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let started = Instant::now();
        let due = self.0.revocations.due_providers(self.0.clock.now()).await?;
        let runs = due
            .iter()
            .map(|provider| self.retry_platform(call, provider));
        let retried: Result<usize, _> = join_all(runs).await.into_iter().sum();
        Ok(Progress {
            items: retried?,
            more: started.elapsed() >= RUN_TIME,
        })
    }
}
