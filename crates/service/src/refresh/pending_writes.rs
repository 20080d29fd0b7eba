//! Pending writes: refreshed tokens that the database has not accepted. They are the only copy, so
//! this component keeps them in memory and in the journal, retries the write until it succeeds, and
//! serves reads meanwhile.

mod deleted_rows;
pub(crate) mod first_commit;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use evergrant_model::{Actor, Call, ConnectionId, CorrelationId};
use evergrant_resilience::lock;
use evergrant_store::{Connection, Leased, RefreshedGrant, StoreError};

use crate::cache::ConnectionKey;
use crate::outcome::Outcome;
use crate::refresh::journal_writer::JournalWriter;
use crate::refresh::pending_write::{PendingWrite, PendingWritesParts, RETRY_EVERY, is_obsolete};
use crate::refresh::record::Record;
use crate::refresh::unsaved_tokens::{self, UnsavedGuard, UnsavedTokens};

/// The number of retries during shutdown if no journal keeps the tokens: 10 seconds.
const SHUTDOWN_RETRIES: u32 = 40;

/// Keeps refreshed tokens until the database accepts them.
pub(crate) struct PendingWrites {
    parts: PendingWritesParts,
    /// By connection and attempt.
    pending: Mutex<BTreeMap<(i32, i64), PendingWrite>>,
    /// Tokens whose first write is in progress.
    unsaved: UnsavedTokens,
    /// The number of pending writes, so that reads take no lock while there is none.
    count: AtomicUsize,
    journal: JournalWriter,
    /// Locked by the one task that retries.
    retrying: tokio::sync::Mutex<()>,
}

impl PendingWrites {
    /// Creates the component without a journal.
    pub(crate) fn new(parts: PendingWritesParts) -> Self {
        Self {
            parts,
            pending: Mutex::default(),
            unsaved: UnsavedTokens::default(),
            count: AtomicUsize::new(0),
            journal: JournalWriter::default(),
            retrying: tokio::sync::Mutex::new(()),
        }
    }

    /// Returns the number of pending writes.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Returns the number of pending writes whose first commit is in progress.
    pub(crate) fn committing(&self) -> usize {
        let pending = lock(&self.pending);
        pending.values().filter(|write| write.is_committing).count()
    }

    /// Returns the number of pending writes that the database refuses while it is available.
    pub(crate) fn refused(&self) -> usize {
        let pending = lock(&self.pending);
        pending.values().filter(|write| write.is_refused()).count()
    }

    /// Registers tokens that a refresh has received and not stored yet, until the guard is dropped.
    pub(crate) fn hold(&self, leased: &Leased) -> UnsavedGuard<'_> {
        self.unsaved.register(leased)
    }

    /// Returns whether there is a journal that does not contain all pending writes.
    pub(crate) fn is_journal_failing(&self) -> bool {
        self.journal.is_open() && !self.all_journaled()
    }

    /// Logs each connection whose new tokens only this process's memory contains. Returns their
    /// number.
    pub(crate) fn report_unsaved(&self) -> usize {
        let mut unsaved = self.unsaved.list();
        for (key, write) in &*lock(&self.pending) {
            if write.journaled {
                unsaved.remove(key);
            } else {
                unsaved.insert(*key, write.record.provider.clone());
            }
        }
        unsaved_tokens::log_lost(&unsaved);
        unsaved.len()
    }

    /// Returns the connection with its newest pending tokens.
    pub(crate) fn newest(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        if self.count() == 0 {
            return None;
        }
        let pending = lock(&self.pending);
        pending
            .range((id.get(), i64::MIN)..=(id.get(), i64::MAX))
            .filter_map(|(_, write)| write.connection.clone())
            .next_back()
    }

    /// Like [`PendingWrites::newest`], for a caller that does not know the id because it cannot
    /// read the row.
    pub(crate) fn newest_of(&self, key: &ConnectionKey) -> Option<Arc<Connection>> {
        if self.count() == 0 {
            return None;
        }
        let pending = lock(&self.pending);
        pending
            .values()
            .filter_map(|write| write.connection.clone())
            .filter(|connection| ConnectionKey::from(&**connection) == *key)
            .max_by_key(|connection| connection.lease.generation)
    }

    /// Returns whether pending tokens were obtained with the refresh token of this generation or a
    /// later one. That refresh token is spent, even if an earlier process obtained them.
    pub(crate) fn has_replaced(&self, id: ConnectionId, generation: i64) -> bool {
        if self.count() == 0 {
            return false;
        }
        let pending = lock(&self.pending);
        pending
            .range((id.get(), i64::MIN)..=(id.get(), i64::MAX))
            .any(|(_, write)| write.record.generation >= generation)
    }

    /// Opens the journal in `folder`, and writes the tokens that earlier processes left there to
    /// the database in the background.
    ///
    /// # Errors
    ///
    /// An I/O error if the journal cannot be created or the folder cannot be read.
    pub(crate) fn open_journal(
        self: &Arc<Self>,
        folder: &Path,
        replica: &str,
    ) -> std::io::Result<()> {
        let Some(inherited) = self.journal.open(folder, replica)? else {
            return Ok(());
        };
        if !inherited.is_empty() {
            let records = inherited.len();
            tracing::warn!(
                records,
                "found refreshed tokens of an earlier process in the journal; storing them"
            );
        }
        for record in inherited {
            self.insert(PendingWrite::new(Arc::new(record), None, true));
        }
        self.start_retrying();
        Ok(())
    }

    fn insert(&self, write: PendingWrite) {
        let mut pending = lock(&self.pending);
        pending.insert(write.record.key(), write);
        self.count.store(pending.len(), Ordering::SeqCst);
    }

    /// Removes a completed write from the journal and from memory.
    async fn settle(&self, record: &Arc<Record>) {
        self.journal.settle(record).await;
        let mut pending = lock(&self.pending);
        pending.remove(&record.key());
        self.count.store(pending.len(), Ordering::SeqCst);
    }

    /// Starts a task that retries until no write is pending, unless one is running.
    fn start_retrying(self: &Arc<Self>) {
        let writes = Arc::clone(self);
        self.parts.tasks.spawn(async move {
            // Loops because a task for a write that is added now finds the lock taken and stops.
            while writes.count() > 0 {
                let Ok(_guard) = writes.retrying.try_lock() else {
                    return;
                };
                if writes.retry_until_stored().await.is_break() {
                    return;
                }
            }
        });
    }

    /// Retries until no write is pending. Breaks during shutdown: at once if the journal keeps all
    /// tokens, otherwise after [`SHUTDOWN_RETRIES`].
    async fn retry_until_stored(&self) -> ControlFlow<()> {
        let mut retries_left = SHUTDOWN_RETRIES;
        while self.count() > 0 {
            self.journal_missing().await;
            self.retry_all().await;
            let shutting_down = self.parts.tasks.is_shutting_down();
            if shutting_down && (self.all_journaled() || retries_left == 0) {
                return ControlFlow::Break(());
            }
            retries_left -= u32::from(shutting_down);
            tokio::time::sleep(RETRY_EVERY).await;
        }
        ControlFlow::Continue(())
    }

    /// Adds the pending writes to the journal that it did not accept before, for example because
    /// the disk was full.
    async fn journal_missing(&self) {
        if !self.journal.is_open() {
            return;
        }
        let missing: Vec<_> = lock(&self.pending)
            .values()
            .filter(|write| !write.journaled)
            .map(|write| Arc::clone(&write.record))
            .collect();
        for record in missing {
            if !self.journal.add(&record).await {
                return;
            }
            if let Some(write) = lock(&self.pending).get_mut(&record.key()) {
                write.journaled = true;
            }
        }
    }

    fn all_journaled(&self) -> bool {
        lock(&self.pending).values().all(|write| write.journaled)
    }

    /// Retries each due write once. A failure of one, such as a locked row, does not delay the
    /// others; an outage of the database ends the round.
    async fn retry_all(&self) {
        let records: Vec<Arc<Record>> = lock(&self.pending)
            .values()
            .filter(|write| write.is_due())
            .map(|write| Arc::clone(&write.record))
            .collect();
        for record in records {
            match self.write(&record).await {
                Ok(()) => self.settle(&record).await,
                Err(error) => {
                    self.parts.database.observe(&error);
                    tracing::debug!(
                        connection.id = record.connection,
                        error = &error as &dyn std::error::Error,
                        "failed to store refreshed tokens; will retry"
                    );
                    if error.is_outage() || error.is_refused_write() {
                        return;
                    }
                    if error.is_refused_statement() {
                        self.postpone(&record, &error);
                    }
                }
            }
        }
    }

    /// Postpones a write that the database refuses while it is available.
    fn postpone(&self, record: &Record, error: &StoreError) {
        if let Some(write) = lock(&self.pending).get_mut(&record.key()) {
            write.record_refusal(error);
        }
    }

    /// Writes one record to the database, or drops it if it is obsolete.
    async fn write(&self, record: &Record) -> Result<(), StoreError> {
        let id = record.connection_id();
        let Ok(correlation_id) = record.correlation_id() else {
            tracing::error!(
                connection.id = id.get(),
                "dropped a malformed record of the refresh journal"
            );
            return Ok(());
        };
        match self.parts.connections.by_id(id).await? {
            None => self.write_deleted(record, correlation_id).await,
            Some(connection) if is_obsolete(record, &connection) => Ok(()),
            Some(connection) => self.store(record, connection, correlation_id).await,
        }
    }

    /// Stores the tokens of a record durably, unless newer ones are stored.
    async fn store(
        &self,
        record: &Record,
        connection: Connection,
        correlation_id: CorrelationId,
    ) -> Result<(), StoreError> {
        let leased = Leased {
            connection,
            ticket: record.ticket(),
        };
        let (now, encryption) = (self.parts.clock.now(), &self.parts.encryption);
        let grant = record.grant(&correlation_id, now, encryption);
        let stored = self.store_or_confirm(record, &leased, &grant).await?;
        self.report(&leased.connection, correlation_id, stored.as_ref())
            .await;
        Ok(())
    }

    /// Reports a completed write. `stored` is the stored connection; `None` if newer tokens are
    /// stored.
    async fn report(
        &self,
        connection: &Connection,
        correlation_id: CorrelationId,
        stored: Option<&Connection>,
    ) {
        if let Some(stored) = stored {
            self.parts.lost.keep(stored);
        }
        let key = ConnectionKey::from(connection);
        self.parts.caches.invalidate(&key).await;
        let call = Call {
            actor: Actor::Scheduler,
            correlation_id,
            at: self.parts.clock.now(),
        };
        let stored = stored.is_some();
        let outcome = Outcome::PendingWriteStored { connection, stored };
        self.parts.recorder.record(&call, &outcome);
    }

    /// Stores the tokens, or confirms that they are stored: a commit whose result was unknown may
    /// have stored them, and may even become visible after the connection was read. They stay
    /// pending until it is known to be durable. Returns the stored connection; `None` if newer
    /// tokens are stored.
    async fn store_or_confirm(
        &self,
        record: &Record,
        leased: &Leased,
        grant: &RefreshedGrant<'_>,
    ) -> Result<Option<Connection>, StoreError> {
        let refreshes = &self.parts.refreshes;
        let mut stored = Some(leased.connection.clone());
        if !record.is_stored_in(&leased.connection) {
            if let Some(stored) = refreshes.store(leased, grant).await? {
                return Ok(Some(stored));
            }
            let newest = self.parts.connections.by_id(leased.connection.id).await?;
            stored = newest.filter(|newest| record.is_stored_in(newest));
        }
        if stored.is_some() {
            refreshes.confirm(leased.connection.id).await?;
        }
        Ok(stored)
    }
}
