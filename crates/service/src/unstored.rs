//! Renewed pairs that the database did not take. They exist nowhere else, so they are offered to it until it does, are
//! kept in the journal meanwhile, and readers are served from them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use evergrant_encryption::EncryptedToken;
use evergrant_model::{ConnectionId, ConnectionStatus, CorrelationId, StatusReason, Timestamp};
use evergrant_resilience::renewal::lease::Ticket;
use evergrant_store::{Connection, Leased, RefreshedGrant, StoreError};
use serde::{Deserialize, Serialize};

use crate::cache::ConnectionKey;
use crate::journal::Journal;
use crate::service::{Inner, IntegrationsService};
use crate::vault::SealedTokens;

/// How soon a pair is offered again: far sooner than anybody else may begin a renewal after an outage.
const OFFER_EVERY: Duration = Duration::from_millis(250);
/// At the end of the program, how long pairs are offered that no journal keeps.
const LAST_OFFERS: u32 = 40;

/// A renewed pair with all that storing it takes, as the journal keeps it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) connection: i32,
    pub(crate) provider: String,
    pub(crate) account: String,
    pub(crate) generation: i64,
    pub(crate) attempt: i64,
    pub(crate) taken_at_ms: i64,
    /// Encrypted.
    access: String,
    /// Encrypted.
    refresh: Option<String>,
    expires_at: Option<Timestamp>,
    grant_expires_at: Option<Timestamp>,
    #[serde(rename = "turnsAt")]
    next_status_at: Option<Timestamp>,
    token_type: Option<String>,
    scope: Option<String>,
    status: String,
    reason: Option<String>,
    next_refresh_at: Option<Timestamp>,
    issued_at: Timestamp,
    correlation_id: String,
}

impl Record {
    pub(crate) fn new(leased: &Leased, new: &RefreshedGrant<'_>) -> Self {
        let text = |token: &EncryptedToken| token.as_str().to_owned();
        Self {
            connection: leased.held.id.get(),
            provider: leased.held.provider.as_str().to_owned(),
            account: leased.held.account.as_str().to_owned(),
            generation: leased.ticket.generation,
            attempt: leased.ticket.attempt,
            taken_at_ms: leased.ticket.taken_at_ms,
            access: text(new.access_token),
            refresh: new.refresh_token.map(text),
            expires_at: new.expires_at,
            grant_expires_at: new.grant_expires_at,
            next_status_at: new.next_status_at,
            token_type: new.token_type.map(str::to_owned),
            scope: new.scope.map(str::to_owned),
            status: new.status.as_str().to_owned(),
            reason: new.reason.map(|reason| reason.as_str().to_owned()),
            next_refresh_at: new.next_refresh_at,
            issued_at: new.issued_at,
            correlation_id: new.correlation_id.as_str().to_owned(),
        }
    }

    fn ticket(&self) -> Ticket {
        let (generation, attempt, taken_at_ms) = (self.generation, self.attempt, self.taken_at_ms);
        Ticket { generation, attempt, taken_at_ms, doubt_age_ms: None }
    }

    fn sealed(&self) -> SealedTokens {
        let token = |text: &String| EncryptedToken::from_stored(text.clone());
        SealedTokens { access: token(&self.access), refresh: self.refresh.as_ref().map(token) }
    }

    fn grant<'a>(&'a self, sealed: &'a SealedTokens, correlation_id: &'a CorrelationId) -> RefreshedGrant<'a> {
        RefreshedGrant {
            access_token: &sealed.access,
            refresh_token: sealed.refresh.as_ref(),
            expires_at: self.expires_at,
            grant_expires_at: self.grant_expires_at,
            next_status_at: self.next_status_at,
            token_type: self.token_type.as_deref(),
            scope: self.scope.as_deref(),
            status: ConnectionStatus::parse(&self.status).unwrap_or(ConnectionStatus::Connected),
            reason: self.reason.as_deref().and_then(StatusReason::parse),
            next_refresh_at: self.next_refresh_at,
            issued_at: self.issued_at,
            correlation_id,
        }
    }
}

/// A pair that waits.
#[derive(Clone)]
struct Waiting {
    record: Arc<Record>,
    /// What readers are served; `None` for what another process left.
    connection: Option<Arc<Connection>>,
}

/// See the module's text.
#[derive(Default)]
pub(crate) struct Unstored {
    waiting: Mutex<BTreeMap<(i32, i64), Waiting>>,
    /// How many wait, so that readers need no lock while none does.
    count: AtomicUsize,
    journal: OnceLock<Arc<Journal>>,
}

impl Unstored {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<(i32, i64), Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The newest pair of this connection that waits.
    pub(crate) fn newest(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        if self.count() == 0 {
            return None;
        }
        let waiting = self.waiting();
        let of_it = waiting.range((id.get(), i64::MIN)..=(id.get(), i64::MAX));
        of_it.filter_map(|(_, one)| one.connection.clone()).next_back()
    }

    /// The newest pair that waits of the connection that this key names: what is known where the row cannot be read.
    pub(crate) fn newest_of(&self, key: &ConnectionKey) -> Option<Arc<Connection>> {
        if self.count() == 0 {
            return None;
        }
        let waiting = self.waiting();
        let of_it = waiting.values().filter_map(|one| one.connection.clone());
        of_it.filter(|held| ConnectionKey::from(&**held) == *key).max_by_key(|held| held.lease.generation)
    }

    /// Whether a pair waits that this generation's refresh token has bought, or one that came after it: the token is
    /// spent then, whoever left the pair behind.
    pub(crate) fn has_replaced(&self, id: ConnectionId, generation: i64) -> bool {
        if self.count() == 0 {
            return false;
        }
        let waiting = self.waiting();
        let mut of_it = waiting.range((id.get(), i64::MIN)..=(id.get(), i64::MAX));
        of_it.any(|(_, one)| one.record.generation >= generation)
    }

    fn insert(&self, record: Arc<Record>, connection: Option<Arc<Connection>>) {
        let mut waiting = self.waiting();
        waiting.insert((record.connection, record.attempt), Waiting { record, connection });
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    fn remove(&self, record: &Record) {
        let mut waiting = self.waiting();
        waiting.remove(&(record.connection, record.attempt));
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    fn all(&self) -> Vec<Arc<Record>> {
        self.waiting().values().map(|one| Arc::clone(&one.record)).collect()
    }

    /// Does something with the journal, if there is one, where waiting for a disk holds nobody up.
    async fn with_journal(
        &self,
        record: &Arc<Record>,
        act: impl FnOnce(&Journal, &Record) -> std::io::Result<()> + Send + 'static,
    ) {
        let Some(journal) = self.journal.get().cloned() else { return };
        let record = Arc::clone(record);
        let acted = tokio::task::spawn_blocking(move || act(&journal, &record)).await;
        if !matches!(acted, Ok(Ok(()))) {
            tracing::error!("the journal of renewals cannot be written: is its disk full?");
        }
    }
}

impl IntegrationsService {
    /// Keeps a journal of renewed pairs in `folder`, and offers what an earlier process has left there.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be written.
    pub fn keep_journal(&self, folder: &std::path::Path) -> std::io::Result<()> {
        let (journal, inherited) = Journal::open(folder, &self.owner)?;
        if self.unstored.journal.set(Arc::new(journal)).is_err() {
            return Ok(());
        }
        if !inherited.is_empty() {
            tracing::warn!(pairs = inherited.len(), "renewed pairs of an earlier process are stored now");
        }
        for record in inherited {
            self.unstored.insert(Arc::new(record), None);
        }
        self.offer_unstored();
        Ok(())
    }

    /// Keeps a pair that the database did not take, and goes on offering it.
    pub(crate) async fn keep_unstored(&self, leased: &Leased, new: &RefreshedGrant<'_>) -> Arc<Connection> {
        let record = Arc::new(Record::new(leased, new));
        let connection = Arc::new(leased.held.with_pending_write(&leased.ticket, new));
        self.unstored.with_journal(&record, Journal::add).await;
        tracing::error!(
            connection.id = record.connection,
            correlation_id = record.correlation_id,
            journal = self.unstored.journal.get().is_some(),
            "a renewed pair waits for the database"
        );
        self.unstored.insert(record, Some(Arc::clone(&connection)));
        self.offer_unstored();
        connection
    }

    /// Offers what waits until nothing does, in a task of its own; one at a time.
    fn offer_unstored(&self) {
        let service = self.clone();
        self.tasks.spawn(async move {
            // A pair that came while the last round ended found the place taken, so there is one more look.
            while service.unstored.count() > 0 {
                let Ok(_alone) = service.offering.try_lock() else { return };
                if service.offer_until_stored().await.is_break() {
                    return;
                }
            }
        });
    }

    /// Breaks off at the end of the program.
    async fn offer_until_stored(&self) -> ControlFlow<()> {
        let mut last_offers = LAST_OFFERS;
        while self.unstored.count() > 0 {
            self.offer_all().await;
            let kept = self.unstored.journal.get().is_some();
            if self.is_closing() && (kept || last_offers == 0) {
                return ControlFlow::Break(());
            }
            last_offers -= u32::from(self.is_closing());
            tokio::time::sleep(OFFER_EVERY).await;
        }
        ControlFlow::Continue(())
    }

    /// Offers each once: what keeps one of them, such as a row that somebody has locked, is no matter of the others.
    async fn offer_all(&self) {
        for record in self.unstored.all() {
            match self.offer(&record).await {
                Ok(()) => {
                    self.unstored.with_journal(&record, Journal::settle).await;
                    self.unstored.remove(&record);
                }
                Err(error) => {
                    self.note_trouble(&error);
                    tracing::debug!(
                        connection.id = record.connection,
                        error = &error as &dyn std::error::Error,
                        "a renewed pair still waits"
                    );
                    if error.is_outage() || error.is_refused_write() {
                        return;
                    }
                }
            }
        }
    }
}

impl Inner {
    /// Stores a pair that waited, unless a newer one has been stored or the connection is gone.
    async fn offer(&self, record: &Record) -> Result<(), StoreError> {
        let sealed = record.sealed();
        let Ok(correlation_id) = CorrelationId::new(record.correlation_id.clone()) else {
            tracing::error!(connection.id = record.connection, "a pair in the journal is not as we write them");
            return Ok(());
        };
        let Some(held) = self.store.connections().by_id(ConnectionId::new(record.connection)).await? else {
            return self.give_up_unstored(record, &sealed, &correlation_id).await;
        };
        if held.provider.as_str() != record.provider || held.account.as_str() != record.account {
            // A number is given once, so this is another database.
            tracing::error!(connection.id = record.connection, "a pair in the journal belongs to another database");
            return Ok(());
        }
        if held.is_external {
            tracing::info!(connection.id = record.connection, "another program has stored a pair of its own meanwhile");
            return Ok(());
        }
        let key = ConnectionKey::from(&held);
        let leased = Leased { held, ticket: record.ticket() };
        let stored = self.store.refreshes().store(&leased, &record.grant(&sealed, &correlation_id)).await?.is_some();
        self.caches.forget(&key).await;
        tracing::info!(connection.id = record.connection, correlation_id = %correlation_id, stored,
            "a renewed pair waits no more");
        Ok(())
    }

    /// Disconnected meanwhile: what the platform has issued must not outlive the connection. The platform is asked by
    /// whoever works off the queue, since other pairs wait behind this one.
    async fn give_up_unstored(
        &self,
        record: &Record,
        sealed: &SealedTokens,
        correlation_id: &CorrelationId,
    ) -> Result<(), StoreError> {
        let Ok(platform) = self.platform(&record.provider) else { return Ok(()) };
        match self.plan_revocation(platform.spec(), &serde_json::Value::Null, correlation_id) {
            Some(plan) => self.store.revocations().queue(&plan, &sealed.access, sealed.refresh.as_ref()).await,
            None => Ok(()),
        }
    }
}
