//! The guard against mass rejection: a platform that rejects an unusual share of grants at once is
//! failing itself, and its users have withdrawn nothing.
//!
//! Above that share no further connection is marked expired, refreshes stop, and the marks of the
//! last minutes are restored. One refresh at a time probes whether the platform has recovered; then
//! each rejected connection is tried once more, and that answer counts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{Block, BlockKind, Provider};
use evergrant_model::{
    Call, Clock, ConnectionStatus, EventKind, ProviderSlug, StatusReason, Timestamp,
};
use evergrant_store::{Connection, FailedRefresh, RejectionRepository};

use crate::ServiceError;
use crate::cache::Caches;
use crate::database::DatabaseMonitor;
use crate::jobs::job::{Job, JobName, Progress, log_failed};
use crate::jobs::runner::EVERY_SECOND;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::refresh::context::AttemptContext;
use crate::refresh::outcome::LastFailure;

/// Rejections are counted over this window, in seconds.
const WINDOW_SECONDS: i64 = 5 * 60;
/// The least number of rejections in the window for the guard to trip.
const MIN_REJECTIONS: i64 = 10;
/// The guard trips if more than one in so many refreshes is rejected.
const MIN_SHARE_DIVISOR: i64 = 5;
/// A token that expired longer ago, in seconds, was not refreshed in time by this installation: a
/// backup was restored, or the service was down. Its rejection is no sign of a failing platform.
const OVERDUE_SECONDS: i64 = 60 * 60;
/// The most connections restored per platform and run.
const BATCH: i64 = 100;

/// How far the rejection of a grant is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confidence {
    /// The grant has ended, and the rejection says nothing about the platform.
    Certain,
    /// The grant has ended, unless the platform turns out to reject too many at this moment.
    Provisional,
    /// The platform is failing: the grant is tried once more.
    Doubtful,
}

/// Counts rejections and stops refreshes when there are too many.
pub(crate) struct RejectionGuard {
    pub(crate) rejections: RejectionRepository,
    pub(crate) providers: Providers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl RejectionGuard {
    /// How far to trust the rejection of this attempt's grant. A rejection caused by a token that
    /// was `lost` in flight is not counted towards a failing platform.
    pub(crate) async fn confidence(&self, context: &AttemptContext<'_>, lost: bool) -> Confidence {
        let held = &context.leased.held;
        let is_probe = context.permit.half_open_probe() == Some(BlockKind::MassRejection);
        if is_probe || context.platform.mass_rejection_block().is_some() {
            return Confidence::Doubtful;
        }
        let was_suspect = LastFailure::of(held) == Some(LastFailure::Suspect);
        if lost || was_suspect || self.is_overdue(held) {
            return Confidence::Certain;
        }
        if self.trips(context.call, context.platform, 1).await {
            return Confidence::Doubtful;
        }
        Confidence::Provisional
    }

    /// Stops the platform's refreshes if it rejects too many grants, counting `unrecorded`
    /// rejections that are not stored yet. It is checked again once a rejection is stored: of many
    /// at one moment each may be the last that is stored.
    pub(crate) async fn trips(&self, call: &Call, platform: &Provider, unrecorded: i64) -> bool {
        let provider = &platform.spec().slug;
        // If rejections cannot be counted, connections cannot be marked either.
        if !self
            .is_exceeded(provider, unrecorded)
            .await
            .unwrap_or(false)
        {
            return false;
        }
        // Of many rejections at one moment, the one that sets the block reports it.
        if platform.block_refreshes().await {
            self.recorder
                .record(call, &Outcome::MassRejection { provider });
        }
        true
    }

    fn is_overdue(&self, held: &Connection) -> bool {
        let lifetime = held.lifetime().seconds().unwrap_or(0);
        let limit = OVERDUE_SECONDS.max(lifetime);
        held.tokens
            .expires_at
            .is_some_and(|end| self.clock.now().seconds_since(end) > limit)
    }

    async fn is_exceeded(
        &self,
        provider: &ProviderSlug,
        unrecorded: i64,
    ) -> Result<bool, ServiceError> {
        let since = self.clock.now().plus_seconds(-WINDOW_SECONDS);
        let counted = self
            .rejections
            .count(provider, since, MIN_REJECTIONS - unrecorded);
        let counted = self.database.query(counted).await?;
        let rejected = counted.rejected + unrecorded;
        let all = rejected + counted.refreshed;
        Ok(rejected >= MIN_REJECTIONS && rejected * MIN_SHARE_DIVISOR > all)
    }

    /// Restores the connections of one platform that were marked in the window before this block.
    async fn restore_all(&self, call: &Call, block: &Block) -> Result<usize, ServiceError> {
        let since = block.since.plus_seconds(-WINDOW_SECONDS);
        let marked = self
            .rejections
            .ended_since(&block.provider, since, BATCH)
            .await?;
        let (mut restored, mut failed) = (0, None);
        for held in &marked {
            match self.restore(call, held, block.blocked_until).await {
                Ok(()) => restored += 1,
                Err(error) => {
                    log_failed(
                        held,
                        &error,
                        "failed to restore a connection after a mass rejection",
                    );
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(restored), Err)
    }

    async fn restore(
        &self,
        call: &Call,
        held: &Connection,
        next: Timestamp,
    ) -> Result<(), ServiceError> {
        let suspect = FailedRefresh {
            status: ConnectionStatus::Error,
            reason: Some(StatusReason::ProviderUnavailable),
            outcome: LastFailure::Suspect.as_str(),
            next_refresh_at: Some(next),
            event: Some(EventKind::Error),
            rejected: true,
            at: self.clock.now(),
            correlation_id: &call.correlation_id,
        };
        self.rejections.undo(held, &suspect).await?;
        self.caches.invalidate(&held.into()).await;
        Ok(())
    }
}

/// Restores the connections that this or another replica marked just before refreshes stopped.
#[async_trait]
impl Job for RejectionGuard {
    fn name(&self) -> JobName {
        JobName::RestoreRejected
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let (mut restored, mut failed) = (0, None);
        for platform in self.providers.all() {
            let Some(block) = platform.mass_rejection_block() else {
                continue;
            };
            match self.restore_all(call, &block).await {
                Ok(count) => restored += count,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(Progress::done(restored)), Err)
    }
}
