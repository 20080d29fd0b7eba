//! Stores this replica's heartbeat, and divides the platforms' rate limits among the live replicas.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, SignedDuration, Timestamp};
use evergrant_store::ReplicaRepository;

use crate::ServiceError;
use crate::database::DatabaseMonitor;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;
use crate::providers::Providers;

/// How long a replica counts as live after its last heartbeat.
const ALIVE_FOR: SignedDuration = SignedDuration::from_secs(15);
/// How long a replica's row is kept after its last heartbeat.
const RETENTION: SignedDuration = SignedDuration::from_hours(1);

/// The job that stores the heartbeat of this replica.
pub(crate) struct Heartbeat {
    pub(crate) replica: String,
    pub(crate) replicas: ReplicaRepository,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) providers: Providers,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Heartbeat {
    /// Deletes this replica's row, so that the others no longer count it.
    pub(crate) async fn deregister(&self) {
        if let Err(error) = self.replicas.remove(&self.replica).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "failed to deregister replica; its heartbeat will expire"
            );
        }
    }
}

#[async_trait]
impl Job for Heartbeat {
    fn name(&self) -> JobName {
        JobName::Heartbeat
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let now = self.clock.now();
        let live_since = now - ALIVE_FOR;
        let expired_before = if self.clock.is_reliable() {
            now - RETENTION
        } else {
            Timestamp::from_unix_ms(0)
        };
        let heartbeat = self
            .replicas
            .heartbeat(&self.replica, now, live_since, expired_before);
        let live = self.database.query(heartbeat).await;
        self.database.record_heartbeat(live.is_ok());
        let live = u32::try_from(live?).unwrap_or(1);
        for provider in self.providers.all() {
            provider.share_among(live);
        }
        Ok(Progress::done(1))
    }
}
