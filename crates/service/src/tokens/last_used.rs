//! The time at which each connection's token was last issued: collected in memory by reads, written
//! in batches by a job.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, ConnectionId};
use evergrant_resilience::lock;
use evergrant_store::ConnectionRepository;

use crate::ServiceError;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;

/// The maximum number of connections collected between two writes. Further ones are not recorded:
/// the time is informational.
const MAX_COLLECTED: usize = 50_000;

/// The connections whose tokens were issued since the last write.
pub(crate) struct LastUsed {
    collected: Mutex<BTreeSet<i32>>,
    connections: ConnectionRepository,
    clock: Arc<dyn Clock>,
}

impl LastUsed {
    /// Creates an empty collection.
    pub(crate) fn new(connections: ConnectionRepository, clock: Arc<dyn Clock>) -> Self {
        Self {
            collected: Mutex::default(),
            connections,
            clock,
        }
    }

    /// Records that a token of this connection was issued.
    pub(crate) fn record(&self, id: ConnectionId) {
        let mut collected = lock(&self.collected);
        if collected.len() < MAX_COLLECTED {
            collected.insert(id.get());
        }
    }
}

#[async_trait]
impl Job for LastUsed {
    fn name(&self) -> JobName {
        JobName::LastUsed
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let ids: Vec<_> = std::mem::take(&mut *lock(&self.collected))
            .into_iter()
            .collect();
        if ids.is_empty() {
            return Ok(Progress::done(0));
        }
        if let Err(error) = self.connections.record_use(&ids, self.clock.now()).await {
            lock(&self.collected).extend(ids);
            return Err(error.into());
        }
        Ok(Progress::done(ids.len()))
    }
}
