//! The first commit of refreshed tokens. If it fails or takes long, for example because another
//! session locks the table, the tokens become a pending write at once: they are in the journal
//! before any caller receives them. A commit in progress continues in the background.

use std::sync::Arc;

use evergrant_model::Call;
use evergrant_resilience::lock;
use evergrant_store::{Connection, Leased, RefreshedGrant, StoreError};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument;

use super::PendingWrites;
use crate::outcome::Outcome;
use crate::refresh::pending_write::PendingWrite;
use crate::refresh::record::Record;

/// The first commit of refreshed tokens, from the caller's view.
pub(crate) enum FirstCommit {
    /// It ended in time. Contains the stored connection; `None` if newer tokens are stored or the
    /// connection was deleted.
    Ended(Option<Arc<Connection>>),
    /// It failed or is in progress. Contains the connection with the new tokens, which are pending.
    Pending(Arc<Connection>),
}

/// The result of [`RefreshRepository::store`](evergrant_store::RefreshRepository::store).
type StoreResult = Result<Option<Connection>, StoreError>;

impl PendingWrites {
    /// Commits refreshed tokens. If that does not succeed within the commit wait, they are kept as
    /// a pending write until the database has accepted them.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        call: &Call,
        leased: &Leased,
        new: &RefreshedGrant<'_>,
    ) -> FirstCommit {
        let record = Arc::new(Record::new(leased, new));
        let mut commit = self.start_commit(call, leased, &record);
        let ended = timeout(self.parts.commit_wait, &mut commit).await;
        if let Ok(Ok(Ok(stored))) = ended {
            return FirstCommit::Ended(stored.map(Arc::new));
        }
        let is_committing = ended.is_err();
        let connection = Arc::new(leased.connection.with_pending_write(&leased.ticket, new));
        let journaled = self.journal.add(&record).await;
        let outcome = Outcome::WritePending {
            connection: &leased.connection,
            is_committing,
            journaled,
        };
        self.parts.recorder.record(call, &outcome);
        let mut write = PendingWrite::new(
            Arc::clone(&record),
            Some(Arc::clone(&connection)),
            journaled,
        );
        write.is_committing = is_committing;
        self.insert(write);
        if is_committing {
            let complete = Arc::clone(self).complete(commit, record, call.clone());
            self.parts.tasks.spawn(complete.in_current_span());
        }
        self.start_retrying();
        FirstCommit::Pending(connection)
    }

    /// Starts the first commit in a task of its own, so that it continues while the tokens are
    /// written to the journal, and after the caller was answered.
    fn start_commit(
        self: &Arc<Self>,
        call: &Call,
        leased: &Leased,
        record: &Arc<Record>,
    ) -> JoinHandle<StoreResult> {
        let (writes, record) = (Arc::clone(self), Arc::clone(record));
        let (leased, correlation_id) = (leased.clone(), call.correlation_id.clone());
        let commit = async move {
            let (now, encryption) = (writes.parts.clock.now(), &writes.parts.encryption);
            let grant = record.grant(&correlation_id, now, encryption);
            let stored = writes.parts.refreshes.store(&leased, &grant).await;
            stored.inspect_err(|error| {
                writes.parts.database.observe(error);
                tracing::warn!(
                    connection.id = record.connection,
                    error = error as &dyn std::error::Error,
                    "failed to store refreshed tokens"
                );
            })
        };
        tokio::spawn(commit.in_current_span())
    }

    /// Waits for a first commit that takes long. If it does not store the tokens, they are written
    /// again, or dropped if they are obsolete.
    async fn complete(
        self: Arc<Self>,
        commit: JoinHandle<StoreResult>,
        record: Arc<Record>,
        call: Call,
    ) {
        if let Ok(Ok(Some(stored))) = commit.await {
            self.report(&stored, call.correlation_id, Some(&stored))
                .await;
            return self.settle(&record).await;
        }
        if let Some(write) = lock(&self.pending).get_mut(&record.key()) {
            write.is_committing = false;
        }
        self.start_retrying();
    }
}
