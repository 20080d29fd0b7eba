//! Deletes rows whose retention period has ended.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, SignedDuration};
use evergrant_store::{EventRepository, ExternalRowRepository, FlowRepository, SessionRepository};

use crate::ServiceError;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;

/// How long events are kept, so that event streams can resume.
const EVENT_RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long ended flows are kept, so that apps can read their result.
const FLOW_RETENTION: SignedDuration = SignedDuration::from_hours(24);
/// How long the tokens of rows that another program has deleted are kept, in case that it inserts
/// the rows again.
const COPY_RETENTION: SignedDuration = SignedDuration::from_hours(24);
/// How long the digests of their spent tokens are kept.
const DIGEST_RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The kind of rows that a retention job deletes.
pub(crate) enum Expired {
    /// Flows that ended more than a day ago.
    Flows(FlowRepository),
    /// Expired sessions.
    Sessions(SessionRepository),
    /// Events older than a week.
    Events(EventRepository),
    /// Copies of tokens whose row was deleted: their tokens after a day, their digests after 30.
    Copies(ExternalRowRepository),
}

/// The job that deletes expired rows of one kind.
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
            Expired::Copies(_) => JobName::CopyRetention,
        }
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    fn acts_on_time(&self) -> bool {
        true
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let now = self.clock.now();
        let deleted = match &self.expired {
            Expired::Flows(flows) => flows.delete_expired(now - FLOW_RETENTION).await?,
            Expired::Sessions(sessions) => sessions.delete_expired(now).await?,
            Expired::Events(events) => events.delete_before(now - EVENT_RETENTION).await?,
            Expired::Copies(rows) => {
                let (erase, delete) = (now - COPY_RETENTION, now - DIGEST_RETENTION);
                rows.expire_copies(now, erase, delete).await?
            }
        };
        Ok(Progress::done(
            usize::try_from(deleted).unwrap_or(usize::MAX),
        ))
    }
}
