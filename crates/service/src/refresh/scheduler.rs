//! The scheduler: refreshes tokens and checks sessions ahead of need.
//!
//! There is no leader. Each replica claims due connections in batches, platform by platform, as far
//! as it has room. A claim postpones the connection, so no two replicas take it at once, and a
//! connection whose replica stops becomes due again by itself. A blocked platform is skipped,
//! except for the one refresh that may probe it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{Lifecycle, Provider};
use evergrant_model::{Call, Clock, ConnectionId, ConnectionStatus, Freshness, Timestamp};
use evergrant_store::{ConnectionRepository, RefreshRepository};

use crate::ServiceError;
use crate::connections::external_rows::ExternalRows;
use crate::connections::lookup::by_id;
use crate::connections::session_checks::{CheckReason, SessionChecks};
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;
use crate::providers::Providers;
use crate::refresh::coordinator::Refresher;
use crate::refresh::outcome::RefreshFailure;
use crate::refresh::permission::RefreshReason;
use crate::tasks::Tasks;
use crate::tokens::refresh_time::{RefreshTiming, is_refreshable};

/// How long a claim reserves a connection, in seconds.
const CLAIM_SECONDS: i64 = 60;
/// The most connections claimed in one statement.
const BATCH: i64 = 64;

/// Claims due connections. A clone is the same component.
#[derive(Clone)]
pub(crate) struct Scheduler {
    pub(crate) connections: ConnectionRepository,
    pub(crate) refreshes: RefreshRepository,
    pub(crate) providers: Providers,
    pub(crate) refresher: Arc<Refresher>,
    pub(crate) session_checks: Arc<SessionChecks>,
    pub(crate) external_rows: Arc<ExternalRows>,
    pub(crate) timing: RefreshTiming,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
}

impl Scheduler {
    async fn claim_at(&self, platform: &Arc<Provider>) -> Result<usize, ServiceError> {
        let spec = platform.spec();
        if !spec.is_configured() || spec.lifecycle == Lifecycle::Neither {
            return Ok(0);
        }
        let mut claimed = 0;
        loop {
            let (room, now) = (self.room_at(platform), self.clock.now());
            if room == 0 || self.tasks.is_shutting_down() {
                return Ok(claimed);
            }
            let reserved_until = now.plus_seconds(CLAIM_SECONDS);
            let due = self
                .refreshes
                .claim_due(&spec.slug, now, reserved_until, room);
            let due = self.database.query(due).await?;
            for id in &due {
                self.start(Arc::clone(platform), *id);
            }
            claimed += due.len();
            // The rest waits for the next run, which knows the results of these.
            if i64::try_from(due.len()).unwrap_or(0) < room || room < BATCH {
                return Ok(claimed);
            }
        }
    }

    /// How many connections of this platform may be claimed now.
    fn room_at(&self, platform: &Provider) -> i64 {
        match platform.refresh_block() {
            Some(block) if block.blocked_until > self.clock.now() => return 0,
            Some(block) if block.kind.needs_probe() => return 1,
            _ => {}
        }
        let free = platform.free_permits().unwrap_or(usize::MAX);
        i64::try_from(free).unwrap_or(BATCH).min(BATCH)
    }

    fn start(&self, platform: Arc<Provider>, id: ConnectionId) {
        let component = self.clone();
        self.tasks.spawn(async move {
            if let Err(failure) = component.process(&platform, id).await {
                let code = failure.code().as_str();
                tracing::debug!(connection.id = id.get(), code, "due connection postponed");
            }
        });
    }

    async fn process(
        &self,
        platform: &Arc<Provider>,
        id: ConnectionId,
    ) -> Result<(), RefreshFailure> {
        let of = |error: ServiceError| RefreshFailure::of(&error);
        let (spec, call) = (platform.spec(), self.ids.scheduled_call(&*self.clock));
        let held = by_id(&self.connections, &self.database, id)
            .await
            .map_err(of)?;
        if held.is_external {
            return self
                .external_rows
                .import(&call, &[held])
                .await
                .map(drop)
                .map_err(of);
        }
        if held.status == ConnectionStatus::Expired {
            return self.reschedule(id, None).await;
        }
        if spec.lifecycle == Lifecycle::Checked {
            let reason = CheckReason::Scheduled;
            return self
                .session_checks
                .check(&call, platform, id, reason)
                .await
                .map(drop);
        }
        if !is_refreshable(&held, spec) {
            return self.reschedule(id, None).await;
        }
        let issued_at = held.tokens.issued_at.unwrap_or(held.updated_at);
        let due = self
            .timing
            .due(spec, issued_at, held.tokens.expires_at, id.get());
        let may_wait = held.tokens.expires_at.is_some() || due > self.clock.now();
        let is_fresh = self.timing.freshness(&held, spec, 0) == Freshness::Fresh;
        if held.failures == 0 && may_wait && is_fresh {
            // Refreshed meanwhile, or the stored time was not computed by this version.
            return self.reschedule(id, Some(due)).await;
        }
        let reason = RefreshReason::Due;
        self.refresher
            .refresh(&call, &held, spec, reason)
            .await
            .map(drop)
            .map_err(of)
    }

    async fn reschedule(
        &self,
        id: ConnectionId,
        next: Option<Timestamp>,
    ) -> Result<(), RefreshFailure> {
        let rescheduled = self
            .database
            .query(self.refreshes.reschedule(id, next))
            .await;
        rescheduled.map_err(|error| RefreshFailure::of(&error))
    }
}

#[async_trait]
impl Job for Scheduler {
    fn name(&self) -> JobName {
        JobName::RefreshDue
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let (mut claimed, mut failed) = (0, None);
        for platform in self.providers.all() {
            match self.claim_at(platform).await {
                Ok(count) => claimed += count,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(Progress::done(claimed)), Err)
    }
}
