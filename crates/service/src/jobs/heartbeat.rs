//! Reports that this process is alive, and divides the platforms' limits by the number of replicas.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock};
use evergrant_store::ReplicaRepository;

use crate::ServiceError;
use crate::database::DatabaseMonitor;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;
use crate::providers::Providers;

/// A replica without a heartbeat for longer is not counted.
const ALIVE_SECONDS: i64 = 15;
/// A replica without a heartbeat for longer is deleted.
const RETENTION_SECONDS: i64 = 60 * 60;

/// The heartbeat of this process.
pub(crate) struct Heartbeat {
    pub(crate) replica: String,
    pub(crate) replicas: ReplicaRepository,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) providers: Providers,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Heartbeat {
    /// Deregisters this process.
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
        let alive = now.plus_seconds(-ALIVE_SECONDS);
        let expired = now.plus_seconds(-RETENTION_SECONDS);
        let beat = self.replicas.heartbeat(&self.replica, now, alive, expired);
        let counted = self.database.query(beat).await;
        self.database.record_heartbeat(counted.is_ok());
        let replicas = u64::try_from(counted?).unwrap_or(1);
        for platform in self.providers.all() {
            platform.share_among(replicas);
        }
        Ok(Progress::done(1))
    }
}
