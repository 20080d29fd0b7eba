//! Refreshed tokens that the database did not accept. No other copy exists, so this component
//! retries the write until it succeeds, keeps them in the journal meanwhile, and serves reads.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use evergrant_model::{Actor, Call, Clock, ConnectionId, CorrelationId};
use evergrant_resilience::lock;
use evergrant_store::{
    Connection, ConnectionRepository, Leased, RefreshRepository, RefreshedGrant, StoreError,
};

use crate::cache::{Caches, ConnectionKey};
use crate::connections::revocation_queue::RevocationQueue;
use crate::database::DatabaseMonitor;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::refresh::journal::Journal;
use crate::refresh::record::Record;
use crate::tasks::Tasks;

/// The interval between writes: far shorter than the time after which another replica may start a
/// refresh after an outage.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// How often a write is retried during shutdown if no journal keeps the tokens.
const SHUTDOWN_RETRIES: u32 = 40;

/// A pair that is not stored yet.
#[derive(Clone)]
struct Pending {
    record: Arc<Record>,
    /// The connection that reads are served from; `None` for a pair of an earlier process.
    connection: Option<Arc<Connection>>,
}

/// The dependencies of [`PendingWrites`].
pub(crate) struct PendingWritesParts {
    pub(crate) connections: ConnectionRepository,
    pub(crate) refreshes: RefreshRepository,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) providers: Providers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
}

/// The pairs that are not stored yet, by connection and attempt.
pub(crate) struct PendingWrites {
    parts: PendingWritesParts,
    pending: Mutex<BTreeMap<(i32, i64), Pending>>,
    /// The number of pairs, so that reads take no lock while there is none.
    count: AtomicUsize,
    journal: OnceLock<Arc<Journal>>,
    /// Held by the one task that retries.
    retrying: tokio::sync::Mutex<()>,
}

impl PendingWrites {
    pub(crate) fn new(parts: PendingWritesParts) -> Self {
        Self {
            parts,
            pending: Mutex::default(),
            count: AtomicUsize::new(0),
            journal: OnceLock::new(),
            retrying: tokio::sync::Mutex::new(()),
        }
    }

    /// How many pairs are not stored yet.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The connection with its newest pair that is not stored yet.
    pub(crate) fn newest(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        if self.count() == 0 {
            return None;
        }
        let pending = lock(&self.pending);
        let of_it = pending.range((id.get(), i64::MIN)..=(id.get(), i64::MAX));
        of_it
            .filter_map(|(_, one)| one.connection.clone())
            .next_back()
    }

    /// [`PendingWrites::newest`] by key, for a row that cannot be read.
    pub(crate) fn newest_of(&self, key: &ConnectionKey) -> Option<Arc<Connection>> {
        if self.count() == 0 {
            return None;
        }
        let pending = lock(&self.pending);
        let connections = pending.values().filter_map(|one| one.connection.clone());
        let of_it = connections.filter(|held| ConnectionKey::from(&**held) == *key);
        of_it.max_by_key(|held| held.lease.generation)
    }

    /// Whether a pair is pending that replaces the refresh token of this generation or of a later
    /// one: that token is spent, whichever process received the pair.
    pub(crate) fn has_replaced(&self, id: ConnectionId, generation: i64) -> bool {
        if self.count() == 0 {
            return false;
        }
        let pending = lock(&self.pending);
        let mut of_it = pending.range((id.get(), i64::MIN)..=(id.get(), i64::MAX));
        of_it.any(|(_, one)| one.record.generation >= generation)
    }

    /// Keeps a journal in `folder`, and writes the pairs that an earlier process left there.
    ///
    /// # Errors
    ///
    /// An I/O error if the folder cannot be written.
    pub(crate) fn open_journal(
        self: &Arc<Self>,
        folder: &Path,
        replica: &str,
    ) -> std::io::Result<()> {
        let (journal, inherited) = Journal::open(folder, replica)?;
        if self.journal.set(Arc::new(journal)).is_err() {
            return Ok(());
        }
        if !inherited.is_empty() {
            let pairs = inherited.len();
            tracing::warn!(
                pairs,
                "storing refreshed tokens that an earlier process left behind"
            );
        }
        for record in inherited {
            self.insert(Arc::new(record), None);
        }
        self.start_retrying();
        Ok(())
    }

    /// Keeps a pair that the database did not accept, and retries the write in the background.
    pub(crate) async fn add(
        self: &Arc<Self>,
        call: &Call,
        leased: &Leased,
        new: &RefreshedGrant<'_>,
    ) -> Arc<Connection> {
        let record = Arc::new(Record::new(leased, new));
        let connection = Arc::new(leased.held.with_pending_write(&leased.ticket, new));
        self.with_journal(&record, Journal::add).await;
        let journaled = self.journal.get().is_some();
        let outcome = Outcome::WritePending {
            connection: &leased.held,
            journaled,
        };
        self.parts.recorder.record(call, &outcome);
        self.insert(record, Some(Arc::clone(&connection)));
        self.start_retrying();
        connection
    }

    fn insert(&self, record: Arc<Record>, connection: Option<Arc<Connection>>) {
        let mut pending = lock(&self.pending);
        pending.insert(record.key(), Pending { record, connection });
        self.count.store(pending.len(), Ordering::SeqCst);
    }

    fn remove(&self, record: &Record) {
        let mut pending = lock(&self.pending);
        pending.remove(&record.key());
        self.count.store(pending.len(), Ordering::SeqCst);
    }

    /// Runs a journal operation, if there is a journal, on a thread that may block.
    async fn with_journal(
        &self,
        record: &Arc<Record>,
        operation: impl FnOnce(&Journal, &Record) -> std::io::Result<()> + Send + 'static,
    ) {
        let Some(journal) = self.journal.get().cloned() else {
            return;
        };
        let record = Arc::clone(record);
        let done = tokio::task::spawn_blocking(move || operation(&journal, &record)).await;
        if !matches!(done, Ok(Ok(()))) {
            tracing::error!("failed to write the refresh journal; check the free disk space");
        }
    }

    /// Retries until no pair is pending, in one task at a time.
    fn start_retrying(self: &Arc<Self>) {
        let component = Arc::clone(self);
        self.parts.tasks.spawn(async move {
            // A pair that was added while the last round ended found the lock held, hence the loop.
            while component.count() > 0 {
                let Ok(_guard) = component.retrying.try_lock() else {
                    return;
                };
                if component.retry_until_stored().await.is_break() {
                    return;
                }
            }
        });
    }

    /// Breaks off during shutdown.
    async fn retry_until_stored(&self) -> ControlFlow<()> {
        let mut retries_left = SHUTDOWN_RETRIES;
        while self.count() > 0 {
            self.retry_all().await;
            let shutting_down = self.parts.tasks.is_shutting_down();
            if shutting_down && (self.journal.get().is_some() || retries_left == 0) {
                return ControlFlow::Break(());
            }
            retries_left -= u32::from(shutting_down);
            tokio::time::sleep(RETRY_EVERY).await;
        }
        ControlFlow::Continue(())
    }

    /// Retries each pair once. A failure of one pair, such as a locked row, does not delay others.
    async fn retry_all(&self) {
        let pending = lock(&self.pending)
            .values()
            .map(|one| Arc::clone(&one.record))
            .collect();
        let pending: Vec<Arc<Record>> = pending;
        for record in pending {
            match self.write(&record).await {
                Ok(()) => {
                    self.with_journal(&record, Journal::settle).await;
                    self.remove(&record);
                }
                Err(error) => {
                    self.parts.database.observe(&error);
                    tracing::debug!(
                        connection.id = record.connection,
                        error = &error as &dyn std::error::Error,
                        "failed to store refreshed tokens; retrying"
                    );
                    if error.is_outage() || error.is_refused_write() {
                        return;
                    }
                }
            }
        }
    }

    /// Stores a pair, unless a newer one is stored or the connection was deleted.
    async fn write(&self, record: &Record) -> Result<(), StoreError> {
        let connection_id = record.connection;
        let Ok(correlation_id) = record.correlation_id() else {
            tracing::error!(
                connection.id = connection_id,
                "malformed entry in the journal"
            );
            return Ok(());
        };
        let Some(held) = self.parts.connections.by_id(record.connection_id()).await? else {
            return self.revoke_orphan(record, &correlation_id).await;
        };
        if !record.belongs_to(&held) {
            let id = connection_id;
            tracing::error!(
                connection.id = id,
                "the journal entry belongs to another database"
            );
            return Ok(());
        }
        if held.is_external {
            let id = connection_id;
            tracing::info!(
                connection.id = id,
                "another program has stored newer tokens"
            );
            return Ok(());
        }
        let key = ConnectionKey::from(&held);
        let leased = Leased {
            held,
            ticket: record.ticket(),
        };
        let grant = record.grant(&correlation_id, self.parts.clock.now());
        let stored = self.parts.refreshes.store(&leased, &grant).await?.is_some();
        self.parts.caches.invalidate(&key).await;
        let (actor, at) = (Actor::Scheduler, self.parts.clock.now());
        let call = Call {
            actor,
            correlation_id,
            at,
        };
        let outcome = Outcome::PendingWriteStored {
            connection: &leased.held,
            stored,
        };
        self.parts.recorder.record(&call, &outcome);
        Ok(())
    }

    /// The connection was deleted meanwhile, so the grant must be revoked. The queue's job calls
    /// the platform: other pairs wait behind this one.
    async fn revoke_orphan(
        &self,
        record: &Record,
        correlation_id: &CorrelationId,
    ) -> Result<(), StoreError> {
        let Ok(platform) = self.parts.providers.get(&record.provider) else {
            return Ok(());
        };
        let facts = serde_json::Value::Null;
        match self
            .parts
            .revocations
            .plan(platform.spec(), &facts, correlation_id)
        {
            Some(plan) => self.parts.revocations.enqueue(&plan, &record.tokens).await,
            None => Ok(()),
        }
    }
}
