//! Import of rows that another program wrote into the shared tables.
//!
//! A read of such a row imports it at once. Each import writes an event to the outbox, which
//! informs all replicas.

use std::collections::BTreeSet;
use std::sync::Arc;

use evergrant_model::{Call, Clock, ConnectionId, UserId};
use evergrant_resilience::SingleFlight;
use evergrant_store::{
    Connection, ExternalRow, ExternalRowRepository, LockedRows, StoreError, TokenDigests,
};

use crate::ServiceError;
use crate::cache::Caches;
use crate::connections::expiry::TimedStatus;
use crate::database::DatabaseMonitor;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::refresh::outcome::RefreshFailure;
use crate::tokens::encryption::TokenEncryption;
use crate::tokens::refresh_time::{RefreshTiming, is_refreshable};

/// The maximum number of rows per transaction.
const BATCH: usize = 1_000;

/// Imports rows written by another program. Clones share the same dependencies.
#[derive(Clone)]
pub(crate) struct ExternalRows {
    pub(crate) rows: ExternalRowRepository,
    pub(crate) encryption: TokenEncryption,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) providers: Providers,
    pub(crate) timing: RefreshTiming,
    pub(crate) caches: Arc<Caches>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) in_flight: Arc<SingleFlight<ConnectionId, Result<(), RefreshFailure>>>,
}

/// What an import of several rows has done.
#[derive(Debug, Default)]
pub(crate) struct Import {
    /// The number of rows that this process imported; other replicas may have imported others.
    pub(crate) imported: usize,
    /// The lowest id of a row that another session locks and that must be imported later; `None` if
    /// there is none.
    pub(crate) first_locked: Option<ConnectionId>,
}

impl ExternalRows {
    /// Imports these rows. A row that another session locks is left out, and one that cannot be
    /// imported is logged and skipped.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR` or `OVERLOADED` if the database fails, so that further rows would fail too.
    pub(crate) async fn import(
        &self,
        call: &Call,
        rows: &[Connection],
    ) -> Result<Import, ServiceError> {
        let mut import = Import::default();
        let mut unlocked = Vec::with_capacity(rows.len());
        for batch in rows.chunks(BATCH) {
            let locked = self.database.query(self.locked(batch, &[])).await?;
            for row in batch {
                if is_locked(row, &locked) {
                    let first = import.first_locked.unwrap_or(row.id);
                    import.first_locked = Some(first.min(row.id));
                } else {
                    unlocked.push(row.clone());
                }
            }
        }
        import.imported = self.import_unlocked(call, &unlocked).await?;
        Ok(import)
    }

    /// Returns those of the rows, their former and current owners, and `users`, that another
    /// session locks: work on them would wait, and all other work of its transaction with it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub(crate) async fn locked(
        &self,
        rows: &[Connection],
        users: &[UserId],
    ) -> Result<LockedRows, StoreError> {
        let connections: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
        let owners = rows.iter().map(|row| row.user);
        let former = rows.iter().filter_map(|row| row.moved_from.as_ref());
        let owners = owners.chain(former.map(|key| key.user));
        let users = owners.chain(users.iter().copied()).collect();
        self.rows.locked(&connections, &users).await
    }

    /// Imports these rows and returns how many this process imported.
    async fn import_unlocked(
        &self,
        call: &Call,
        rows: &[Connection],
    ) -> Result<usize, ServiceError> {
        let mut imported = 0;
        let mut batches: Vec<_> = rows.chunks(BATCH).rev().collect();
        while let Some(batch) = batches.pop() {
            match self.import_batch(call, batch).await {
                Ok(stored) => imported += stored,
                Err(error) if is_database_failure(&error) => return Err(error.into()),
                Err(error) if batch.len() == 1 => log_skipped(batch, &error),
                // Bisects the batch to isolate the faulty row in a logarithmic number of attempts.
                Err(_) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    batches.extend([second, first]);
                }
            }
        }
        Ok(imported)
    }

    /// Imports these rows in one transaction and returns how many this process imported.
    async fn import_batch(&self, call: &Call, batch: &[Connection]) -> Result<usize, StoreError> {
        let repaired = self.repair_stale(call, batch).await;
        let repaired = repaired.inspect_err(|error| self.database.observe(error))?;
        let current = batch.iter().map(|row| repaired.get(&row.id).unwrap_or(row));
        let rows: Vec<_> = current.map(|row| self.prepare(row)).collect();
        let stored = self
            .rows
            .import_batch(&rows, &call.correlation_id, self.clock.now())
            .await;
        let stored = stored
            .inspect_err(|error| self.database.observe(error))?
            .len();
        if stored > 0 {
            self.recorder
                .record(call, &Outcome::RowsImported { rows: stored });
        }
        for row in batch {
            self.caches.invalidate(&row.into()).await;
        }
        Ok(stored)
    }

    /// Imports one row. Concurrent calls for the same row in this process share one import.
    pub(crate) async fn import_once(
        &self,
        call: &Call,
        row: Connection,
    ) -> Result<(), ServiceError> {
        let (component, call, id) = (self.clone(), call.clone(), row.id);
        let import = self.in_flight.run(id, move || async move {
            let imported = component.import_batch(&call, &[row]).await;
            imported
                .map(drop)
                .map_err(|error| RefreshFailure::of(&error.into()))
        });
        match import.await {
            Ok(outcome) => outcome.map_err(|failure| failure.into_error("The database")),
            Err(aborted) => Err(ServiceError::database_unavailable().caused_by(aborted)),
        }
    }

    /// Computes when an imported row is due for a refresh and for a change of status. The time at
    /// which its token was issued is unknown, so the lifetime is measured from now.
    pub(crate) fn prepare<'a>(&self, connection: &'a Connection) -> ExternalRow<'a> {
        let (id, expires_at) = (connection.id.get(), connection.tokens.expires_at);
        let provider = self.providers.by_slug(&connection.provider);
        let spec = provider.as_ref().map(|provider| provider.spec());
        let spec = spec.filter(|spec| spec.is_configured());
        let now = self.clock.now();
        let timed = TimedStatus::of(now, connection, spec);
        let overdue = expires_at.unwrap_or(now).min(now);
        let overdue = (timed.status != connection.status).then_some(overdue);
        let refreshable = spec.filter(|spec| is_refreshable(connection, spec));
        ExternalRow {
            connection,
            next_refresh_at: refreshable.map(|spec| self.timing.due(spec, now, expires_at, id)),
            next_status_at: timed.next_status_at.or(overdue),
            digest: self.encryption.digest_of(&connection.tokens),
        }
    }
}

/// Returns whether another session locks a row on which the import of this one depends.
pub(crate) fn is_locked(row: &Connection, locked: &LockedRows) -> bool {
    let former = row.moved_from.as_ref().map(|key| key.user);
    locked.connections.contains(&row.id)
        || locked.users.contains(&row.user)
        || former.is_some_and(|user| locked.users.contains(&user))
}

/// Returns whether the failure concerns the database as a whole, so that further rows would fail
/// too.
pub(crate) fn is_database_failure(error: &StoreError) -> bool {
    error.is_outage() || error.is_refused_write() || matches!(error, StoreError::Busy)
}

fn log_skipped(rows: &[Connection], error: &StoreError) {
    for row in rows {
        tracing::warn!(
            provider = %row.provider,
            user.id = row.user.get(),
            connection.id = row.id.get(),
            error = error as &dyn std::error::Error,
            "failed to import connection written by another program; skipping it"
        );
    }
}
