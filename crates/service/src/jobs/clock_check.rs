//! Keeps the clock of this process right, and reports when the machine's clock is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, whole_ms};
use evergrant_store::Store;

use crate::ServiceError;
use crate::database::DatabaseMonitor;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;

/// Reads the database's clock, and compares it with the machine's.
pub(crate) struct ClockCheck {
    /// The database, on the session of the health checks.
    store: Store,
    database: Arc<DatabaseMonitor>,
    clock: Arc<dyn Clock>,
    /// Whether the machine's clock was right at the last run.
    was_reliable: AtomicBool,
}

impl ClockCheck {
    /// Creates a check whose clock has not been seen wrong yet.
    pub(crate) fn new(store: Store, database: Arc<DatabaseMonitor>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            database,
            clock,
            was_reliable: AtomicBool::new(true),
        }
    }

    /// Logs that the machine's clock has become wrong, or right again.
    fn report(&self) {
        let is_reliable = self.clock.is_reliable();
        if self.was_reliable.swap(is_reliable, Ordering::Relaxed) == is_reliable {
            return;
        }
        if is_reliable {
            tracing::info!("the clock of this machine is right again");
            return;
        }
        let ahead_ms = whole_ms(self.clock.machine_error());
        tracing::error!(
            ahead_ms,
            "the clock of this machine differs from the database's, or has jumped: tokens are \
             served and refreshed with the right time, but this process changes no status, deletes \
             nothing that has expired and blocks no provider until the clock is right; check its \
             time synchronization"
        );
    }
}

#[async_trait]
impl Job for ClockCheck {
    fn name(&self) -> JobName {
        JobName::ClockCheck
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let read = self.database.query(self.store.read_time()).await;
        self.clock.follow_machine();
        self.report();
        read.map(|()| Progress::done(0))
    }
}
