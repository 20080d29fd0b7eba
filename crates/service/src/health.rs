//! Whether this process can do its work, as the operator's probes ask.

use std::sync::Arc;
use std::time::Duration;

use evergrant_store::Store;

use crate::database::DatabaseMonitor;
use crate::refresh::pending_writes::PendingWrites;

/// The longest time for the database to answer a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The state of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether the database answers.
    pub answers: bool,
    /// Whether the database accepted this process's last heartbeat, which every replica writes once
    /// a second.
    pub takes_writes: bool,
    /// Refreshed token pairs that the database has not accepted yet. They are kept in memory, and
    /// in the journal if there is one.
    pub waiting_pairs: usize,
    /// How often the change feed was polled since the start.
    pub polls: u64,
}

impl Health {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.answers && self.takes_writes && self.waiting_pairs == 0
    }
}

/// Checks the health of this process.
pub(crate) struct HealthCheck {
    pub(crate) store: Store,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) pending: Arc<PendingWrites>,
}

impl HealthCheck {
    /// Asks the database and returns the state of this process.
    pub(crate) async fn run(&self) -> Health {
        let answer = tokio::time::timeout(PROBE_TIMEOUT, self.store.ping()).await;
        if let Ok(Err(error)) = &answer {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "not ready: the database does not answer");
        }
        Health {
            answers: matches!(answer, Ok(Ok(()))),
            takes_writes: self.database.accepts_writes(),
            waiting_pairs: self.pending.count(),
            polls: self.database.polls(),
        }
    }
}
