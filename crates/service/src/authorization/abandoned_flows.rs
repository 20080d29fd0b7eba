//! The job that fails parked flows past their deadline and revokes the grants that they hold.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, ErrorCode};
use evergrant_store::FlowRepository;

use crate::ServiceError;
use crate::connections::revocation_queue::RevocationQueue;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;

/// The maximum number of flows per run.
const BATCH: i64 = 100;

/// Fails parked flows whose `finish_expires_at` has passed.
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
        let (mut ended, mut last_error) = (0, None);
        for flow in &overdue {
            let call = call.continuing(&flow.correlation_id);
            let code = ErrorCode::InvalidState;
            match self.revocations.abandon_flow(&call, flow, code).await {
                Ok(has_ended) => ended += usize::from(has_ended),
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
        // Counts only flows that ended: a flow that stays overdue must not trigger another run at
        // once.
        last_error.map_or_else(|| Ok(Progress::of_batch(ended, BATCH)), Err)
    }
}
