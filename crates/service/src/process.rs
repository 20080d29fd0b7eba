//! The process lifecycle: background work, health and shutdown.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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

/// The maximum time for removing the heartbeat of this replica.
const DEREGISTER_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs the background work of this process, reports its health and shuts it down.
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
    /// Opens the refresh journal in `folder`, and writes the tokens that an earlier process left
    /// there to the database in the background.
    ///
    /// # Errors
    ///
    /// An I/O error if the journal cannot be created or the folder cannot be read.
    pub fn open_journal(&self, folder: &Path) -> std::io::Result<()> {
        self.pending.open_journal(folder, &self.replica)
    }

    /// Follows the change feed and runs the background jobs until `stop` completes, then
    /// deregisters this replica. Running jobs are cancelled.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let stopped = CancellationToken::new();
        let feed = Arc::clone(&self.feed).follow(stopped.clone());
        let jobs = self.jobs.run_until(stopped.clone());
        tokio::join!(feed, jobs, async {
            stop.await;
            stopped.cancel();
        });
        // A heartbeat that cannot be removed expires.
        let _ = tokio::time::timeout(DEREGISTER_TIMEOUT, self.heartbeat.deregister()).await;
    }

    /// Runs one background job once, outside its schedule.
    ///
    /// # Errors
    ///
    /// The error of the run.
    pub async fn run_job(&self, job: JobName) -> Result<Progress, ServiceError> {
        self.jobs.run_once(job).await
    }

    /// Pings the database and returns the health of this process.
    pub async fn health(&self) -> Health {
        self.health.run().await
    }

    /// Reports from now on that this process is not ready. It works normally until
    /// [`Process::begin_shutdown`].
    pub fn announce_shutdown(&self) {
        self.health.announce_shutdown();
    }

    /// Logs each connection whose refreshed tokens are neither in the database nor in the journal.
    /// Returns their number. They are lost if the process exits.
    pub fn report_lost_tokens(&self) -> usize {
        self.pending.report_unsaved()
    }

    /// Starts shutdown: no new refresh starts, and all event streams are closed.
    pub fn begin_shutdown(&self) {
        self.tasks.begin_shutdown();
        self.streams.close();
    }

    /// Waits for work that must complete: code exchanges, refreshes, revocations.
    pub async fn drain(&self) {
        self.tasks.drain().await;
    }

    /// Closes all database connections.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
