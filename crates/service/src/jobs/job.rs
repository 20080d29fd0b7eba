//! The interface of background jobs.

use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, string_enum};
use evergrant_store::Connection;
use tokio::sync::Notify;

use crate::ServiceError;

string_enum! {
    /// The name of a background job, in logs and metrics.
    pub enum JobName {
        /// Starts the refreshes and session checks that are due.
        RefreshDue = "refresh_due",
        /// Stores the heartbeat of this replica and counts the live replicas.
        Heartbeat = "heartbeat",
        /// Reads the database's clock and compares it with the machine's.
        ClockCheck = "clock_check",
        /// Loads the circuit-breaker state that all replicas share.
        ProviderBlocks = "provider_blocks",
        /// Exchanges the learned rates of calls to providers with the other replicas.
        CallRates = "call_rates",
        /// Restores connections that were marked expired shortly before a mass rejection was
        /// detected.
        RestoreRejected = "restore_rejected",
        /// Stores refreshed tokens again that the database has lost.
        RestoreLostTokens = "restore_lost_tokens",
        /// Reports the changes by other programs that the triggers on the shared tables recorded.
        ReportRowChanges = "report_row_changes",
        /// Imports new rows that no trigger has recorded.
        ImportRows = "import_rows",
        /// Compares the rows of watched users with the database, in case no trigger has recorded a
        /// change.
        CompareRows = "compare_rows",
        /// Ends overdue authorization flows and revokes the grants that they hold.
        AbandonFlows = "abandon_flows",
        /// Retries queued revocations.
        Revocations = "revocations",
        /// Truncates a large WAL file of a SQLite database.
        TruncateWal = "truncate_wal",
        /// Changes the status of connections at its scheduled time.
        Expiry = "expiry",
        /// Stores the times at which tokens were last used.
        LastUsed = "last_used",
        /// Deletes flows that ended a day ago.
        FlowRetention = "flow_retention",
        /// Deletes expired sessions.
        SessionRetention = "session_retention",
        /// Deletes events older than a week.
        EventRetention = "event_retention",
        /// Erases the copied tokens of rows that another program deleted a day ago, and deletes
        /// their digests after 30 days.
        CopyRetention = "copy_retention",
    }
}

/// The result of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The number of items that the run processed.
    pub items: usize,
    /// Whether more work is due. The runner then starts the next run without waiting.
    pub more: bool,
}

impl Progress {
    /// Returns the result of a run that completed all due work.
    #[must_use]
    pub fn done(items: usize) -> Self {
        Self { items, more: false }
    }

    /// Returns the result of a run that is bounded to `limit` items: more work is due if it reached
    /// the bound.
    #[must_use]
    pub fn of_batch(items: usize, limit: i64) -> Self {
        Self {
            items,
            more: i64::try_from(items).unwrap_or(i64::MAX) >= limit,
        }
    }
}

/// Logs a connection that a run failed to process. The run continues with the others.
pub(crate) fn log_failed(connection: &Connection, error: &ServiceError, message: &'static str) {
    tracing::warn!(
        provider = %connection.provider,
        connection.id = connection.id.get(),
        error = error as &dyn std::error::Error,
        "{message}"
    );
}

/// A recurring background job. The runner may cancel a run at any await point during shutdown, so a
/// run keeps its state in the database.
#[async_trait]
pub(crate) trait Job: Send + Sync {
    /// Returns the job's name.
    fn name(&self) -> JobName;

    /// Returns the time between the end of one run and the start of the next.
    fn interval(&self) -> Duration;

    /// Returns whether the job ends or deletes something for all replicas because of the time. It
    /// does not run while the machine's clock is wrong.
    fn acts_on_time(&self) -> bool {
        false
    }

    /// Returns the notification that starts a run before the interval has passed; `None` if there
    /// is none.
    fn wake(&self) -> Option<&Notify> {
        None
    }

    /// Waits until the next run is due.
    async fn until_due(&self) {
        let interval = tokio::time::sleep(self.interval());
        match self.wake() {
            Some(wake) => tokio::select! {
                () = wake.notified() => {}
                () = interval => {}
            },
            None => interval.await,
        }
    }

    /// Processes a bounded number of items. An item that fails is reported and skipped.
    ///
    /// # Errors
    ///
    /// The error of a query on which the whole run depends, or of the last item that failed.
    async fn run(&self, call: &Call) -> Result<Progress, ServiceError>;
}
