//! Ends flows that were not completed in time, and revokes the grants that they hold.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, ErrorCode};
use evergrant_store::FlowRepository;

use crate::ServiceError;
use crate::connections::revocation_queue::RevocationQueue;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;

/// The most flows per run.
const BATCH: i64 = 100;

/// Abandons overdue flows.
pub(crate) struct AbandonFlows {
    pub(crate) flows: FlowRepository,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Job for AbandonFlows {
    fn name(&self) -> JobName {
        JobName::AbandonFlows
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let overdue = self.flows.unfinished(self.clock.now(), BATCH).await?;
        let (mut ended, mut failed) = (0, None);
        for flow in &overdue {
            let call = call.continuing(&flow.correlation_id);
            let code = ErrorCode::InvalidState;
            match self.revocations.abandon_flow(&call, flow, code).await {
                Ok(now) => ended += usize::from(now),
                Err(error) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::warn!(flow.id = %flow.id, error = cause, "failed to end an overdue flow");
                    failed = Some(error);
                }
            }
        }
        // Only ended flows count: one that stays overdue must not start the next run at once.
        failed.map_or_else(|| Ok(Progress::of_batch(ended, BATCH)), Err)
    }
}
