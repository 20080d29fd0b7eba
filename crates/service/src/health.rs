//! The health of this process, for the readiness endpoint.

use std::sync::Arc;
use std::time::Duration;

use evergrant_store::Store;

use crate::database::DatabaseMonitor;
use crate::refresh::pending_writes::PendingWrites;

/// The database must respond to a ping within this time.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The health of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether the database responds.
    pub database_reachable: bool,
    /// Whether the database accepted the last heartbeat, which each replica writes once a second.
    pub accepts_writes: bool,
    /// The number of refreshed token sets that the database has not accepted yet. They are kept in
    /// memory, and in the journal if there is one.
    pub pending_writes: usize,
    /// The number of polls of the change feed since the process started.
    pub polls: u64,
}

impl Health {
    /// Returns whether the database works and no write is pending.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.database_reachable && self.accepts_writes && self.pending_writes == 0
    }
}

/// Checks the health of this process.
pub(crate) struct HealthCheck {
    pub(crate) store: Store,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) pending: Arc<PendingWrites>,
}

impl HealthCheck {
    /// Pings the database and returns the health of this process.
    pub(crate) async fn run(&self) -> Health {
        let pong = tokio::time::timeout(PROBE_TIMEOUT, self.store.ping()).await;
        if let Ok(Err(error)) = &pong {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "not ready: database ping failed");
        }
        Health {
            database_reachable: matches!(pong, Ok(Ok(()))),
            accepts_writes: self.database.accepts_writes(),
            pending_writes: self.pending.count(),
            polls: self.database.polls(),
        }
    }
}
