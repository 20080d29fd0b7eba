//! The guard against mass rejections: if a platform rejects an unusual share of grants within a few
//! minutes, an outage of the platform is more likely than revoked consent.
//!
//! Above that share, no further connection is marked expired, the platform's refreshes are blocked,
//! and the connections that were marked in the last minutes are restored. One refresh at a time
//! probes whether the platform has recovered. Then each rejected connection is tried once more, and
//! that result is final.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{Block, BlockKind, Provider};
use evergrant_model::{
    Call, Clock, ConnectionStatus, EventKind, ProviderSlug, SignedDuration, StatusReason, Timestamp,
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

/// The window over which rejections are counted.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// The minimum number of rejections in the window for the guard to trip.
const MIN_REJECTIONS: i64 = 10;
/// The minimum share of rejected refreshes for the guard to trip, as a divisor: more than one in
/// five.
const MIN_SHARE_DIVISOR: i64 = 5;
/// If a token expired longer ago than this, this installation failed to refresh it: the service was
/// down, or a backup was restored. Its rejection does not indicate an outage of the platform.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// The maximum number of connections restored per platform and run.
const BATCH: i64 = 100;

/// How far the rejection of a grant (`invalid_grant`) is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confidence {
    /// The grant has ended. The rejection does not count towards a mass rejection.
    Certain,
    /// The grant has ended, unless a mass rejection is detected shortly after.
    Provisional,
    /// A mass rejection is in progress. The grant is tried once more later.
    Doubtful,
}

/// Counts rejections, and blocks the refreshes of a platform with too many.
pub(crate) struct RejectionGuard {
    pub(crate) rejections: RejectionRepository,
    pub(crate) providers: Providers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl RejectionGuard {
    /// Returns how far to trust the rejection of this attempt's grant. `lost` states that the
    /// response with the rotated refresh token was lost; such a rejection does not count towards a
    /// mass rejection.
    pub(crate) async fn confidence(&self, context: &AttemptContext<'_>, lost: bool) -> Confidence {
        let connection = &context.leased.connection;
        let is_probe = context.permit.half_open_probe() == Some(BlockKind::MassRejection);
        if is_probe || context.provider.mass_rejection_block().is_some() {
            return Confidence::Doubtful;
        }
        let was_suspect = LastFailure::of(connection) == Some(LastFailure::Suspect);
        if lost || was_suspect || self.is_overdue(connection) {
            return Confidence::Certain;
        }
        if self.trips(context.call, context.provider, 1).await {
            return Confidence::Doubtful;
        }
        Confidence::Provisional
    }

    /// Blocks the platform's refreshes if it rejects too many grants, and returns whether it does.
    /// `unrecorded` rejections are counted in addition to the stored ones. The check is repeated
    /// after a rejection is stored, because concurrent rejections do not see each other before.
    pub(crate) async fn trips(&self, call: &Call, provider: &Provider, unrecorded: i64) -> bool {
        let slug = &provider.spec().slug;
        // If the query fails, the database cannot mark connections either.
        if !self.is_exceeded(slug, unrecorded).await.unwrap_or(false) {
            return false;
        }
        // Of concurrent rejections, only the one that sets the block reports it.
        if provider.block_refreshes(BlockKind::MassRejection).await {
            self.recorder
                .record(call, &Outcome::MassRejection { provider: slug });
        }
        true
    }

    /// Returns whether the token expired so long ago that this installation failed to refresh it:
    /// more than an hour, or its lifetime if that is longer.
    fn is_overdue(&self, connection: &Connection) -> bool {
        let lifetime = connection.lifetime().duration().unwrap_or_default();
        let limit = OVERDUE_AFTER.max(lifetime);
        connection
            .tokens
            .expires_at
            .is_some_and(|at| self.clock.now().since(at) > limit)
    }

    /// Returns whether the rejections in the window exceed both thresholds.
    async fn is_exceeded(
        &self,
        slug: &ProviderSlug,
        unrecorded: i64,
    ) -> Result<bool, ServiceError> {
        let since = self.clock.now() - WINDOW;
        let counted = self
            .rejections
            .count(slug, since, MIN_REJECTIONS - unrecorded);
        let counted = self.database.query(counted).await?;
        let rejected = counted.rejected + unrecorded;
        let total = rejected + counted.refreshed;
        Ok(rejected >= MIN_REJECTIONS && rejected * MIN_SHARE_DIVISOR > total)
    }

    /// Restores the connections of the blocked platform that were marked expired during the window
    /// before the block. Returns their number.
    async fn restore_all(&self, call: &Call, block: &Block) -> Result<usize, ServiceError> {
        let since = block.since - WINDOW;
        let marked = self
            .rejections
            .ended_since(&block.provider, since, BATCH)
            .await?;
        let (mut restored, mut failed) = (0, None);
        for connection in &marked {
            match self.restore(call, connection, block.blocked_until).await {
                Ok(()) => restored += 1,
                Err(error) => {
                    log_failed(
                        connection,
                        &error,
                        "failed to restore connection after a mass rejection",
                    );
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(restored), Err)
    }

    /// Restores one connection, which is then refreshed again at `next_refresh_at`.
    async fn restore(
        &self,
        call: &Call,
        connection: &Connection,
        next_refresh_at: Timestamp,
    ) -> Result<(), ServiceError> {
        let suspect = FailedRefresh {
            status: ConnectionStatus::Error,
            reason: Some(StatusReason::ProviderUnavailable),
            outcome: LastFailure::Suspect.as_str(),
            next_refresh_at: Some(next_refresh_at),
            retry_at: Some(next_refresh_at),
            next_status_at: connection.next_status_at,
            event: Some(EventKind::Error),
            rejected: true,
            at: self.clock.now(),
            correlation_id: &call.correlation_id,
        };
        self.rejections.undo(connection, &suspect).await?;
        self.caches.invalidate(&connection.into()).await;
        Ok(())
    }
}

/// Restores connections that any replica marked expired shortly before the refreshes were blocked.
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
        for provider in self.providers.all() {
            let Some(block) = provider.mass_rejection_block() else {
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
