//! Import of rows that another program wrote into the shared tables.
//!
//! A read of such a row imports it at once. Each import writes an event to the outbox, which
//! informs all replicas.

use std::sync::Arc;

use evergrant_model::{Call, Clock, ConnectionId};
use evergrant_resilience::SingleFlight;
use evergrant_store::{Connection, ExternalRow, ExternalRowRepository, StoreError, TokenDigests};

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

impl ExternalRows {
    /// Imports these rows and returns how many this process imported; other replicas may have
    /// imported the rest. A row that cannot be imported is logged and skipped.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR` or `OVERLOADED` if the database fails, so that further rows would fail too.
    pub(crate) async fn import(
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
        let overdue = expires_at.filter(|_| timed.status != connection.status);
        let refreshable = spec.filter(|spec| is_refreshable(connection, spec));
        ExternalRow {
            connection,
            next_refresh_at: refreshable.map(|spec| self.timing.due(spec, now, expires_at, id)),
            next_status_at: timed.next_status_at.or(overdue),
            digest: self.encryption.digest_of(&connection.tokens),
        }
    }
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
