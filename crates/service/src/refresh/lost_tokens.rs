//! Tokens that the database has lost after it had accepted them: a standby without the last commits
//! became the primary, or an older copy was restored. The refresh tokens in such a database are
//! spent, and the process that has refreshed them still has the newer ones.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, ConnectionId};
use evergrant_resilience::lock;
use evergrant_store::{Connection, Event, RefreshRepository, StoreError};
use tokio::sync::Notify;

use crate::ServiceError;
use crate::cache::{Caches, ConnectionKey};
use crate::database::DatabaseMonitor;
use crate::events::subscriber::FeedSubscriber;
use crate::jobs::job::{Job, JobName, Progress, log_failed};
use crate::jobs::runner::EVERY_SECOND;
use crate::outcome::{Outcome, Recorder};
use crate::refresh::kept_tokens::KeptTokens;
use crate::tokens::encryption::TokenEncryption;

/// The number of connections that one run compares with the database.
const BATCH: usize = 500;

/// Keeps refreshed tokens after they were stored, and stores those again that the database has
/// lost.
pub(crate) struct LostTokens {
    refreshes: RefreshRepository,
    encryption: TokenEncryption,
    caches: Arc<Caches>,
    database: Arc<DatabaseMonitor>,
    recorder: Arc<dyn Recorder>,
    kept: KeptTokens,
    /// The kept tokens that are not compared with the database yet, since it has gone back.
    unchecked: Mutex<Vec<Arc<Connection>>>,
    found: Notify,
}

impl LostTokens {
    pub(crate) fn new(
        refreshes: RefreshRepository,
        encryption: TokenEncryption,
        caches: Arc<Caches>,
        database: Arc<DatabaseMonitor>,
        recorder: Arc<dyn Recorder>,
    ) -> Self {
        Self {
            refreshes,
            encryption,
            caches,
            database,
            recorder,
            kept: KeptTokens::default(),
            unchecked: Mutex::default(),
            found: Notify::new(),
        }
    }

    /// Keeps the tokens of a connection that the database has stored now.
    pub(crate) fn keep(&self, stored: &Connection) {
        self.kept.keep(stored);
    }

    /// Returns the connection, after newer tokens of this process were stored again if its row has
    /// lost them; `None` if it has not.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR` if the tokens cannot be stored.
    pub(crate) async fn restore(
        &self,
        call: &Call,
        row: &Connection,
    ) -> Result<Option<Connection>, ServiceError> {
        let Some(lost) = self.kept.newer_than(row.id, row.lease.generation) else {
            return Ok(None);
        };
        let stored = self.store_again(call, &lost).await;
        stored.map_err(|error| {
            self.database.observe(&error);
            error.into()
        })
    }

    async fn store_again(
        &self,
        call: &Call,
        lost: &Connection,
    ) -> Result<Option<Connection>, StoreError> {
        let (digests, correlation_id) = (&self.encryption, &call.correlation_id);
        let stored = self.refreshes.store_again(lost, digests, correlation_id);
        let Some(connection) = stored.await? else {
            return Ok(None);
        };
        self.caches
            .invalidate(&ConnectionKey::from(&connection))
            .await;
        let outcome = Outcome::TokensStoredAgain {
            connection: &connection,
        };
        self.recorder.record(call, &outcome);
        Ok(Some(connection))
    }

    /// Takes the next tokens that are not compared yet.
    fn next_unchecked(&self) -> Vec<Arc<Connection>> {
        let mut unchecked = lock(&self.unchecked);
        let rest = unchecked.len().saturating_sub(BATCH);
        unchecked.split_off(rest)
    }

    /// Stores those of the tokens again that the database has lost. Returns their number.
    async fn restore_all(
        &self,
        call: &Call,
        kept: &[Arc<Connection>],
    ) -> Result<usize, StoreError> {
        let ids: Vec<ConnectionId> = kept.iter().map(|kept| kept.id).collect();
        let generations = self.refreshes.generations(&ids).await?;
        let is_lost = |kept: &&Arc<Connection>| {
            let stored = generations.get(&kept.id);
            stored.is_some_and(|stored| *stored < kept.lease.generation)
        };
        let mut restored = 0;
        for lost in kept.iter().filter(is_lost) {
            match self.store_again(call, lost).await {
                Ok(stored) => restored += usize::from(stored.is_some()),
                Err(error) if error.is_outage() || error.is_refused_write() => return Err(error),
                Err(error) => {
                    // The next refresh of the connection tries again.
                    log_failed(lost, &error.into(), "failed to store lost tokens again");
                }
            }
        }
        Ok(restored)
    }
}

#[async_trait]
impl FeedSubscriber for LostTokens {
    async fn receive(&self, event: &Arc<Event>) {
        self.kept.observe(event);
    }

    async fn reset(&self) {
        *lock(&self.unchecked) = self.kept.all();
        self.found.notify_one();
    }
}

#[async_trait]
impl Job for LostTokens {
    fn name(&self) -> JobName {
        JobName::RestoreLostTokens
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    fn wake(&self) -> Option<&Notify> {
        Some(&self.found)
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let kept = self.next_unchecked();
        if kept.is_empty() {
            return Ok(Progress::done(0));
        }
        match self.restore_all(call, &kept).await {
            Ok(items) => Ok(Progress {
                items,
                more: kept.len() == BATCH,
            }),
            Err(error) => {
                lock(&self.unchecked).extend(kept);
                self.database.observe(&error);
                Err(error.into())
            }
        }
    }
}
