//! What goes on without a caller, each at its own pace: listening, renewing ahead of need, giving up what nobody
//! finished, sweeping.

use std::sync::atomic::Ordering;
use std::time::Duration;

use evergrant_model::ErrorCode;
use tokio_util::sync::CancellationToken;

use crate::ServiceError;
use crate::keeper::spread;
use crate::service::{Inner, IntegrationsService};

/// How often what is due is taken up,
const TAKE_UP_EVERY: Duration = Duration::from_secs(1);
/// the gates and the other replicas are looked at,
const LOOK_ROUND_EVERY: Duration = Duration::from_secs(1);
/// other programs' rows are looked for,
const RECONCILE_EVERY: Duration = Duration::from_secs(15);
/// and the rest is done.
const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// A replica that was not seen for longer is gone,
const GONE_AFTER_SECONDS: i64 = 15;
/// and forgotten after so long.
const FORGOTTEN_AFTER_SECONDS: i64 = 60 * 60;
/// A clock that is turned back by less is being kept in time.
const TURNED_BACK_MS: i64 = 1_000;
/// How much is done in one go.
const BATCH: i64 = 100;
const KEEP_EVENTS_SECONDS: i64 = 7 * 24 * 60 * 60;
const KEEP_FLOWS_SECONDS: i64 = 24 * 60 * 60;

impl IntegrationsService {
    /// Keeps house until `stop` ends.
    pub async fn keep_house(&self, stop: impl Future<Output = ()>) {
        let stopped = CancellationToken::new();
        let work = Box::pin(async {
            tokio::join!(
                self.listen(stopped.cancelled()),
                every(TAKE_UP_EVERY, &stopped, || self.take_up_due()),
                every(LOOK_ROUND_EVERY, &stopped, || self.look_round()),
                every(RECONCILE_EVERY, &stopped, || self.reconcile()),
                every(SWEEP_EVERY, &stopped, || self.sweep()),
            )
        });
        tokio::join!(work, async {
            stop.await;
            stopped.cancel();
        });
        if let Err(error) = self.store.replicas().remove(&self.owner).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "others notice by themselves that we are gone");
        }
    }

    /// Gives up flows that nobody finished, tries revocations that are due, notes what time has turned and what was
    /// used, and forgets what is over.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn sweep(&self) -> Result<(), ServiceError> {
        let now = self.now();
        for flow in self.store.flows().unfinished(now, BATCH).await? {
            self.give_up_flow(&flow, ErrorCode::InvalidState).await?;
        }
        for _ in 0..BATCH {
            if self.is_closing() || !self.work_off_a_revocation().await? {
                break;
            }
        }
        self.take_turns().await?;
        self.note_uses().await?;
        self.store.flows().delete_expired(now.plus_seconds(-KEEP_FLOWS_SECONDS)).await?;
        self.store.sessions().delete_expired(now).await?;
        self.store.events().delete_before(now.plus_seconds(-KEEP_EVENTS_SECONDS)).await?;
        Ok(())
    }
}

impl Inner {
    /// Tells the others that this process lives, learns how many they are and which gates are closed.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`, also where the database takes no writes.
    pub async fn look_round(&self) -> Result<(), ServiceError> {
        self.watch_clock();
        let now = self.now();
        let (live, long_ago) = (now.plus_seconds(-GONE_AFTER_SECONDS), now.plus_seconds(-FORGOTTEN_AFTER_SECONDS));
        let beat = self.ask(self.store.replicas().heartbeat(&self.owner, now, live, long_ago)).await;
        self.feed.note_writing(beat.is_ok());
        let replicas = u64::try_from(beat?).unwrap_or(1);
        for platform in self.registry.platforms() {
            platform.share_among(replicas);
        }
        spread(&self.registry, self.ask(self.store.provider_blocks().all()).await?);
        self.take_back_marks().await
    }

    /// Says it once when the machine's clock is turned back.
    fn watch_clock(&self) {
        let ahead_ms = self.clock.ahead_ms();
        let told_ms = self.ahead_told_ms.swap(ahead_ms, Ordering::Relaxed);
        if ahead_ms > told_ms + TURNED_BACK_MS {
            tracing::error!(
                ahead_ms,
                "the machine's clock was turned back; time goes on from before that until the next start"
            );
        }
    }

    async fn note_uses(&self) -> Result<(), ServiceError> {
        let ids = self.uses.take();
        if ids.is_empty() {
            return Ok(());
        }
        Ok(self.store.connections().record_use(&ids, self.now()).await?)
    }
}

/// Does `work` at this pace until the end; what fails is tried again the next time.
async fn every<T, F>(pace: Duration, stopped: &CancellationToken, work: impl Fn() -> F)
where
    F: Future<Output = Result<T, ServiceError>>,
{
    let mut ticks = tokio::time::interval(pace);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
        let done = work().await;
        if let Err(error) = &done
            && !failing
        {
            tracing::warn!(error = error as &dyn std::error::Error, "housekeeping is put off");
        }
        failing = done.is_err();
    }
}
