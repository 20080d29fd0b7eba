//! The job that fails parked flows past their deadline and revokes the grants that they hold.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock};
use evergrant_store::{Flow, FlowRepository};

use crate::ServiceError;
use crate::connections::revocation_queue::RevocationQueue;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;
use crate::tasks::Tasks;

/// The number of flows that are read at once.
const BATCH: i64 = 100;

/// Fails parked flows whose `finish_expires_at` has passed.
pub(crate) struct AbandonFlows {
    pub(crate) flows: FlowRepository,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
}

impl AbandonFlows {
    /// Ends these flows, and revokes the grants that they hold in the background. Returns how many
    /// it ended, and the last error. A flow that cannot be ended is logged.
    async fn end_all(&self, call: &Call, overdue: &[Flow]) -> (usize, Option<ServiceError>) {
        let (mut ended, mut queued, mut last_error) = (0, Vec::new(), None);
        for flow in overdue {
            let call = call.continuing(&flow.correlation_id);
            let error = ServiceError::invalid_state();
            match self.revocations.abandon_flow(&call, flow, &error).await {
                Ok(None) => {}
                Ok(Some(abandoned)) => {
                    ended += 1;
                    queued.extend(abandoned.queued);
                }
                Err(error) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::warn!(
                        provider = %flow.provider, flow.id = %flow.id, error = cause,
                        "failed to end overdue flow"
                    );
                    last_error = Some(error);
                }
            }
        }
        let (revocations, call) = (Arc::clone(&self.revocations), call.clone());
        self.tasks
            .spawn_until_shutdown(async move { revocations.try_all(&call, &queued).await });
        (ended, last_error)
    }
}

#[async_trait]
impl Job for AbandonFlows {
    fn name(&self) -> JobName {
        JobName::AbandonFlows
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    fn acts_on_time(&self) -> bool {
        true
    }

    /// Ends all flows that are overdue now. A flow that cannot be ended is tried again by the next
    /// run.
    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let now = self.clock.now();
        let (mut after, mut ended, mut last_error) = (None, 0, None);
        loop {
            let overdue = self.flows.unfinished(now, after, BATCH).await?;
            let (count, error) = self.end_all(call, &overdue).await;
            ended += count;
            last_error = error.or(last_error);
            if !Progress::of_batch(overdue.len(), BATCH).more {
                return last_error.map_or_else(|| Ok(Progress::done(ended)), Err);
            }
            after = overdue
                .last()
                .and_then(|last| last.finish_expires_at.map(|at| (at, last.id.clone())));
        }
    }
}
