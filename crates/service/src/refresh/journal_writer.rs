//! Writes to the journal without blocking the runtime, and the state of the journal.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::refresh::journal::Journal;
use crate::refresh::record::Record;

/// The journal of this process, if the operator configured a data directory.
#[derive(Default)]
pub(super) struct JournalWriter {
    journal: OnceLock<Arc<Journal>>,
    /// Whether the last operation failed, which is logged.
    is_failing: AtomicBool,
}

impl JournalWriter {
    /// Opens the journal in `folder`. Returns the records that ended processes left there, or
    /// `None` if a journal is already open.
    ///
    /// # Errors
    ///
    /// An I/O error if the journal cannot be created or the folder cannot be read.
    pub(super) fn open(
        &self,
        folder: &Path,
        replica: &str,
    ) -> std::io::Result<Option<Vec<Record>>> {
        let (journal, inherited) = Journal::open(folder, replica)?;
        let is_first = self.journal.set(Arc::new(journal)).is_ok();
        Ok(is_first.then_some(inherited))
    }

    /// Returns whether there is a journal.
    pub(super) fn is_open(&self) -> bool {
        self.journal.get().is_some()
    }

    /// Adds a record. Returns whether it is flushed to disk; `false` without a journal.
    pub(super) async fn add(&self, record: &Arc<Record>) -> bool {
        self.run(record, Journal::add).await
    }

    /// Marks a record as stored or obsolete.
    pub(super) async fn settle(&self, record: &Arc<Record>) {
        self.run(record, Journal::settle).await;
    }

    /// Runs an operation on a thread that may block. Returns whether it succeeded. The first of
    /// several failures is logged.
    async fn run(
        &self,
        record: &Arc<Record>,
        operation: impl FnOnce(&Journal, &Record) -> std::io::Result<()> + Send + 'static,
    ) -> bool {
        let Some(journal) = self.journal.get().cloned() else {
            return false;
        };
        let record = Arc::clone(record);
        let done = tokio::task::spawn_blocking(move || operation(&journal, &record)).await;
        let error = match done {
            Ok(Ok(())) => {
                self.is_failing.store(false, Ordering::SeqCst);
                return true;
            }
            Ok(Err(error)) => error,
            Err(panicked) => std::io::Error::other(panicked),
        };
        if !self.is_failing.swap(true, Ordering::SeqCst) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "failed to write the refresh journal; check free disk space and permissions of \
                 EVERGRANT_DATA_DIR"
            );
        }
        false
    }
}
