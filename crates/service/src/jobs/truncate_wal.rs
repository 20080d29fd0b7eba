//! Bounds the WAL file of a SQLite database. SQLite itself begins it anew only at a moment at which
//! no reader uses it, so a long read, or steady ones, let it grow.

use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::Call;
use evergrant_store::Store;

use crate::ServiceError;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;

/// The job that truncates a large WAL file.
pub(crate) struct TruncateWal(pub(crate) Store);

#[async_trait]
impl Job for TruncateWal {
    fn name(&self) -> JobName {
        JobName::TruncateWal
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let is_truncated = self.0.truncate_wal().await?;
        Ok(Progress::done(usize::from(is_truncated)))
    }
}
