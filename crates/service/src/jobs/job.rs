//! The interface of background work.

use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, string_enum};
use evergrant_store::Connection;

use crate::ServiceError;

string_enum! {
    /// A background job.
    pub enum JobName {
        /// Starts the refreshes and session checks that are due.
        RefreshDue = "refresh_due",
        /// Reports that this process is alive and counts the replicas.
        Heartbeat = "heartbeat",
        /// Reports a system clock that moved back.
        ClockCheck = "clock_check",
        /// Loads the circuit-breaker state that replicas share.
        ProviderBlocks = "provider_blocks",
        /// Restores connections that were marked expired just before a mass rejection was found.
        RestoreRejected = "restore_rejected",
        /// Imports rows written by another program.
        ImportRows = "import_rows",
        /// Finds rows that another program deleted.
        FindRemovedRows = "find_removed_rows",
        /// Ends flows that were not completed in time.
        AbandonFlows = "abandon_flows",
        /// Retries queued revocations.
        Revocations = "revocations",
        /// Applies scheduled changes of status.
        Expiry = "expiry",
        /// Writes the times at which tokens were last used.
        LastUsed = "last_used",
        /// Deletes ended flows.
        FlowRetention = "flow_retention",
        /// Deletes ended sessions.
        SessionRetention = "session_retention",
        /// Deletes old events.
        EventRetention = "event_retention",
    }
}

/// The result of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many items the run processed.
    pub items: usize,
    /// Whether more work is due now: the runner then starts the next run at once.
    pub more: bool,
}

impl Progress {
    /// All due work is done.
    #[must_use]
    pub fn done(items: usize) -> Self {
        Self { items, more: false }
    }

    /// The run stopped at its bound of `limit` items if it reached it.
    #[must_use]
    pub fn of_batch(items: usize, limit: i64) -> Self {
        Self {
            items,
            more: i64::try_from(items).unwrap_or(i64::MAX) >= limit,
        }
    }
}

/// Logs an item that failed; the run goes on with the others.
pub(crate) fn log_failed(connection: &Connection, error: &ServiceError, message: &'static str) {
    tracing::warn!(
        provider = %connection.provider,
        connection.id = connection.id.get(),
        error = error as &dyn std::error::Error,
        "{message}"
    );
}

/// Background work that recurs. The runner may drop a run at any await point when the process
/// shuts down, so a run keeps its state in the database.
#[async_trait]
pub(crate) trait Job: Send + Sync {
    /// The job's name in logs and metrics.
    fn name(&self) -> JobName;

    /// The time between the end of a run and the start of the next.
    fn interval(&self) -> Duration;

    /// Processes a bounded number of items. An item that fails is reported and skipped.
    async fn run(&self, call: &Call) -> Result<Progress, ServiceError>;
}
