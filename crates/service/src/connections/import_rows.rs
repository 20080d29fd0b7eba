//! The job that finds new rows of other programs by their ids, in case no trigger has recorded
//! them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::Call;

use crate::ServiceError;
use crate::connections::external_rows::ExternalRows;
use crate::connections::row_changes::RowChanges;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::{EVERY_15_SECONDS, EVERY_SECOND};

/// The number of ids that one run searches.
const ID_RANGE: i32 = 10_000;
/// The number of ids that a search repeats from the previous one, because an id can become visible
/// after a higher one.
const OVERLAP: i32 = 1_000;

/// The job that finds new rows to import.
pub(crate) struct ImportRows {
    rows: Arc<ExternalRows>,
    changes: Arc<RowChanges>,
    /// The id after which the next search starts.
    searched_to: AtomicI32,
    /// The lowest id that was left out since the search last reached the newest row, because
    /// another session locks it; `i32::MAX` if there is none.
    first_locked: AtomicI32,
}

impl ImportRows {
    pub(crate) fn new(rows: Arc<ExternalRows>, changes: Arc<RowChanges>) -> Self {
        Self {
            rows,
            changes,
            searched_to: AtomicI32::new(0),
            first_locked: AtomicI32::new(i32::MAX),
        }
    }

    /// Imports the external rows of the next range of ids.
    async fn import_range(&self, call: &Call) -> Result<Progress, ServiceError> {
        let database = &self.rows.database;
        let newest = database.query(self.rows.rows.newest_id()).await?;
        let after = self.searched_to.load(Ordering::Relaxed);
        let last = after.saturating_add(ID_RANGE).min(newest);
        let mut items = 0;
        if after < last {
            let found = database.query(self.rows.rows.in_range(after, last)).await?;
            let import = self.rows.import(call, &found).await?;
            items = import.imported;
            if let Some(locked) = import.first_locked {
                self.first_locked.fetch_min(locked.get(), Ordering::Relaxed);
            }
        }
        let mut searched_to = last - OVERLAP;
        if last >= newest {
            // The next search repeats what this one left out.
            let locked = self.first_locked.swap(i32::MAX, Ordering::Relaxed);
            searched_to = searched_to.min(locked - 1);
        }
        self.searched_to
            .store(searched_to.max(0), Ordering::Relaxed);
        Ok(Progress {
            items,
            more: last < newest,
        })
    }
}

#[async_trait]
impl Job for ImportRows {
    fn name(&self) -> JobName {
        JobName::ImportRows
    }

    fn interval(&self) -> Duration {
        if self.changes.are_recorded() {
            EVERY_15_SECONDS
        } else {
            EVERY_SECOND
        }
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        self.changes.check_recording().await?;
        self.import_range(call).await
    }
}
