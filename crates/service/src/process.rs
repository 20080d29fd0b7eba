//! The service as a process: its background work, its health and its shutdown.

use std::path::Path;
use std::sync::Arc;

use evergrant_store::Store;
use tokio_util::sync::CancellationToken;

use crate::ServiceError;
use crate::events::change_feed::ChangeFeed;
use crate::events::streams::EventStreams;
use crate::health::{Health, HealthCheck};
use crate::jobs::heartbeat::Heartbeat;
use crate::jobs::job::{JobName, Progress};
use crate::jobs::runner::JobRunner;
use crate::refresh::pending_writes::PendingWrites;
use crate::tasks::Tasks;

/// Runs the service's background work and shuts it down.
pub struct Process {
    pub(crate) store: Store,
    pub(crate) feed: Arc<ChangeFeed>,
    pub(crate) streams: Arc<EventStreams>,
    pub(crate) pending: Arc<PendingWrites>,
    pub(crate) heartbeat: Arc<Heartbeat>,
    pub(crate) jobs: Arc<JobRunner>,
    pub(crate) health: HealthCheck,
    pub(crate) tasks: Tasks,
    /// Identifies this process among the replicas.
    pub(crate) replica: Arc<str>,
}

impl Process {
    /// Keeps a journal of refreshed tokens in `folder`, and stores what an earlier process left
    /// there.
    ///
    /// # Errors
    ///
    /// An I/O error if the folder cannot be written.
    pub fn open_journal(&self, folder: &Path) -> std::io::Result<()> {
        self.pending.open_journal(folder, &self.replica)
    }

    /// Follows the change feed and runs the background jobs until `stop`, then deregisters this
    /// process. Jobs that are under way are dropped.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let stopped = CancellationToken::new();
        let feed = Arc::clone(&self.feed).follow(stopped.clone());
        let jobs = self.jobs.run_until(stopped.clone());
        tokio::join!(feed, jobs, async {
            stop.await;
            stopped.cancel();
        });
        self.heartbeat.deregister().await;
    }

    /// Runs one background job once, outside its schedule.
    ///
    /// # Errors
    ///
    /// Whatever made the run fail.
    pub async fn run_job(&self, job: JobName) -> Result<Progress, ServiceError> {
        self.jobs.run_once(job).await
    }

    /// Asks the database and returns the state of this process.
    pub async fn health(&self) -> Health {
        self.health.run().await
    }

    /// Starts shutdown: no refresh starts any more, and event streams close.
    pub fn begin_shutdown(&self) {
        self.tasks.begin_shutdown();
        self.streams.close();
    }

    /// Waits for the work that must not be cut short: code exchanges, refreshes, revocations.
    pub async fn drain(&self) {
        self.tasks.drain().await;
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
