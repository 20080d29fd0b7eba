//! The scheduler: refreshes tokens before they expire, and checks sessions.
//!
//! There is no leader. Each replica claims due connections in batches, provider by provider, as far
//! as it has free permits and the learned rate of calls allows. A claim postpones the connection,
//! so two replicas never process it at once, and a connection whose replica stops becomes due again
//! when the claim expires. A blocked provider is skipped, except for the one refresh that may probe
//! it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{Lifecycle, Provider, ProviderSpec};
use evergrant_model::{
    Call, Clock, ConnectionId, ConnectionStatus, Freshness, SignedDuration, Timestamp,
};
use evergrant_store::{Connection, ConnectionRepository, RefreshRepository};

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

/// The duration of a claim.
const CLAIM_DURATION: SignedDuration = SignedDuration::from_mins(1);
/// When a row that another session locks is imported again.
const LOCKED_ROW_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// How long ahead a run claims connections: until after the next run. At a provider that limits the
/// rate of calls, the others stay in the database.
const CLAIM_AHEAD: Duration = Duration::from_secs(2);
/// The maximum number of connections claimed by one query.
const BATCH: i64 = 64;

/// What a due connection needs.
enum DueAction {
    /// Another program wrote its tokens: import them.
    Import,
    /// A check of its session.
    CheckSession,
    /// A refresh of its token.
    Refresh,
    /// Nothing now. It is due again at this time; `None` for never.
    Reschedule(Option<Timestamp>),
}

/// The job that claims due connections and processes them. Clones share their state.
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
    /// Claims and starts the due connections of one provider. Returns their number.
    async fn claim_due(&self, provider: &Arc<Provider>) -> Result<usize, ServiceError> {
        let spec = provider.spec();
        if !spec.is_configured() || spec.lifecycle == Lifecycle::Unmanaged {
            return Ok(0);
        }
        let mut claimed = 0;
        loop {
            let (limit, now) = (self.claim_limit(provider), self.clock.now());
            if limit == 0 || self.tasks.is_shutting_down() {
                return Ok(claimed);
            }
            let claimed_until = now + CLAIM_DURATION;
            let due = self
                .refreshes
                .claim_due(&spec.slug, now, claimed_until, limit);
            let due = self.database.query(due).await?;
            for id in &due {
                self.start(Arc::clone(provider), *id);
            }
            claimed += due.len();
            // Either no due connection is left, or the free permits limited the batch. Then the
            // next run continues with the permits that these connections return.
            if i64::try_from(due.len()).unwrap_or(0) < limit || limit < BATCH {
                return Ok(claimed);
            }
        }
    }

    /// Returns how many connections of this provider may be claimed now.
    fn claim_limit(&self, provider: &Provider) -> i64 {
        match provider.refresh_block() {
            Some(block) if block.blocked_until > self.clock.now() => return 0,
            Some(block) if block.kind.needs_probe() => return 1,
            _ => {}
        }
        let startable = provider.startable_refreshes(CLAIM_AHEAD);
        i64::try_from(startable.unwrap_or(usize::MAX))
            .unwrap_or(BATCH)
            .min(BATCH)
    }

    /// Processes a claimed connection in a background task.
    fn start(&self, provider: Arc<Provider>, id: ConnectionId) {
        let scheduler = self.clone();
        self.tasks.spawn(async move {
            if let Err(failure) = scheduler.process(&provider, id).await {
                let error = failure.into_error(&provider.spec().name);
                tracing::debug!(
                    connection.id = id.get(),
                    error = &error as &dyn std::error::Error,
                    "failed to process due connection; it is postponed"
                );
            }
        });
    }

    /// Processes one claimed connection.
    async fn process(
        &self,
        provider: &Arc<Provider>,
        id: ConnectionId,
    ) -> Result<(), RefreshFailure> {
        let (spec, call) = (provider.spec(), self.ids.scheduled_call(&*self.clock));
        let connection = by_id(&self.connections, &self.database, id).await;
        let connection = connection.map_err(|error| RefreshFailure::of(&error))?;
        let processed = match self.action_for(&connection, spec) {
            DueAction::Import => self.import(&call, connection).await,
            DueAction::CheckSession => {
                let reason = CheckReason::Scheduled;
                let check = self.session_checks.check(&call, provider, id, reason).await;
                return check.map(drop);
            }
            DueAction::Refresh => {
                let reason = RefreshReason::Due;
                let refresh = self.refresher.refresh(&call, &connection, spec, reason);
                refresh.await.map(drop)
            }
            DueAction::Reschedule(next) => {
                let reschedule = self.refreshes.reschedule(id, next);
                self.database.query(reschedule).await
            }
        };
        processed.map_err(|error| RefreshFailure::of(&error))
    }

    /// Imports a connection. If another session locks it, it is due again soon.
    async fn import(&self, call: &Call, connection: Connection) -> Result<(), ServiceError> {
        let id = connection.id;
        let import = self.external_rows.import(call, &[connection]).await?;
        if import.first_locked.is_some() {
            let next = self.clock.now() + LOCKED_ROW_PAUSE;
            let reschedule = self.refreshes.reschedule(id, Some(next));
            self.database.query(reschedule).await?;
        }
        Ok(())
    }

    /// Decides what a due connection needs.
    fn action_for(&self, connection: &Connection, spec: &ProviderSpec) -> DueAction {
        if connection.is_external {
            return DueAction::Import;
        }
        if connection.status == ConnectionStatus::Expired {
            return DueAction::Reschedule(None);
        }
        if spec.lifecycle == Lifecycle::Checked {
            return DueAction::CheckSession;
        }
        if !is_refreshable(connection, spec) {
            return DueAction::Reschedule(None);
        }
        let tokens = &connection.tokens;
        let issued_at = tokens.issued_at.unwrap_or(connection.updated_at);
        let due = self
            .timing
            .due(spec, issued_at, tokens.expires_at, connection.id.get());
        let may_wait = tokens.expires_at.is_some() || due > self.clock.now();
        let is_fresh = self
            .timing
            .freshness(connection, spec, SignedDuration::ZERO)
            == Freshness::Fresh;
        if connection.failures == 0 && may_wait && is_fresh {
            // It was refreshed meanwhile, or another version computed the stored time.
            return DueAction::Reschedule(Some(due));
        }
        DueAction::Refresh
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
        for provider in self.providers.all() {
            match self.claim_due(provider).await {
                Ok(count) => claimed += count,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(Progress::done(claimed)), Err)
    }
}
