//! Deletes rows that are kept for a limited time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock};
use evergrant_store::{EventRepository, FlowRepository, SessionRepository};

use crate::ServiceError;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;

/// How long events are kept for streams that resume.
const EVENT_SECONDS: i64 = 7 * 24 * 60 * 60;
/// How long ended flows are kept for apps that ask for their result.
const FLOW_SECONDS: i64 = 24 * 60 * 60;

/// The rows that one retention job deletes.
pub(crate) enum Expired {
    /// Flows that ended a day ago.
    Flows(FlowRepository),
    /// Sessions that have ended.
    Sessions(SessionRepository),
    /// Events older than a week.
    Events(EventRepository),
}

/// Deletes expired rows of one kind.
pub(crate) struct Retention {
    pub(crate) expired: Expired,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Job for Retention {
    fn name(&self) -> JobName {
        match self.expired {
            Expired::Flows(_) => JobName::FlowRetention,
            Expired::Sessions(_) => JobName::SessionRetention,
            Expired::Events(_) => JobName::EventRetention,
        }
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let now = self.clock.now();
        let deleted = match &self.expired {
            Expired::Flows(flows) => {
                flows
                    .delete_expired(now.plus_seconds(-FLOW_SECONDS))
                    .await?
            }
            Expired::Sessions(sessions) => sessions.delete_expired(now).await?,
            Expired::Events(events) => {
                events
                    .delete_before(now.plus_seconds(-EVENT_SECONDS))
                    .await?
            }
        };
        Ok(Progress::done(
            usize::try_from(deleted).unwrap_or(usize::MAX),
        ))
    }
}
