//! Changes of the shared tables by other programs, as triggers record them.
//!
//! Every replica reads the recorded changes with each poll of the change feed and invalidates the
//! cache entries that they concern. A job on each replica turns them into events of the outbox; a
//! change is reported by one replica. Both are idempotent, so a change may be seen several times.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, ProviderAccountId, ProviderSlug, UserId};
use evergrant_store::{
    ChangedRow, Connection, Reported, RowChange, RowChangeRepository, Store, StoreError,
};
use tokio::sync::Notify;

use crate::ServiceError;
use crate::cache::Caches;
use crate::connections::external_rows::{ExternalRows, is_database_failure, is_locked};
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;
use crate::outcome::{Outcome, Recorder};

/// The maximum number of changes per transaction.
const BATCH: i64 = 1_000;

/// Whether triggers record changes of the shared tables.
const UNKNOWN: u8 = 0;
const RECORDED: u8 = 1;
const NOT_RECORDED: u8 = 2;

/// Invalidates caches for recorded changes, and reports the changes.
pub(crate) struct RowChanges {
    store: Store,
    changes: RowChangeRepository,
    /// The same, over the connection of the change feed.
    polled: RowChangeRepository,
    rows: Arc<ExternalRows>,
    caches: Arc<Caches>,
    clock: Arc<dyn Clock>,
    recorder: Arc<dyn Recorder>,
    /// Wakes the job when changes were found.
    found: Notify,
    /// The id of the change after which the next run of the job starts.
    reported_to: AtomicI64,
    recording: AtomicU8,
}

impl RowChanges {
    pub(crate) fn new(
        store: Store,
        rows: Arc<ExternalRows>,
        caches: Arc<Caches>,
        clock: Arc<dyn Clock>,
        recorder: Arc<dyn Recorder>,
    ) -> Self {
        Self {
            changes: store.row_changes(),
            polled: store.for_change_feed().row_changes(),
            store,
            rows,
            caches,
            clock,
            recorder,
            found: Notify::new(),
            reported_to: AtomicI64::new(0),
            recording: AtomicU8::new(UNKNOWN),
        }
    }

    /// Invalidates the cache entries that the pending changes concern, and wakes the job that
    /// reports the changes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub(crate) async fn invalidate_pending(&self) -> Result<(), StoreError> {
        let pending = self.polled.pending(0, BATCH).await?;
        if pending.len() >= usize::try_from(BATCH).unwrap_or(0) {
            self.caches.clear_shared_rows();
        }
        for change in &pending {
            match &change.subject {
                ChangedRow::Any => self.caches.clear_shared_rows(),
                ChangedRow::User(user) => self.caches.invalidate_user(*user).await,
                ChangedRow::Account { key, .. } => self.caches.invalidate(key).await,
                ChangedRow::Other => {}
            }
        }
        if !pending.is_empty() {
            self.found.notify_one();
        }
        Ok(())
    }

    /// Returns whether triggers record changes, as far as this process knows.
    pub(crate) fn are_recorded(&self) -> bool {
        self.recording.load(Ordering::Relaxed) != NOT_RECORDED
    }

    /// Checks whether triggers record changes, and logs the result when it differs from the last
    /// one.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR` if the query fails.
    pub(crate) async fn check_recording(&self) -> Result<(), ServiceError> {
        let are_recorded = self.store.records_row_changes().await?;
        let now = if are_recorded { RECORDED } else { NOT_RECORDED };
        if self.recording.swap(now, Ordering::Relaxed) == now {
            return Ok(());
        }
        if are_recorded {
            tracing::info!("triggers report changes of `users` and `oauth_accounts` at once");
        } else {
            tracing::warn!(
                "no triggers on `users` and `oauth_accounts`: changes by other programs take effect \
                 within 30 seconds, new rows within 2; `evergrant migrate` creates the triggers if \
                 its database user may create them"
            );
        }
        Ok(())
    }

    /// Reports these changes. A change that cannot be reported is skipped and stays pending.
    ///
    /// # Errors
    ///
    /// The error of the last skipped change, or of the database.
    async fn report(&self, call: &Call, changes: &[RowChange]) -> Result<usize, ServiceError> {
        let (mut batches, mut reported, mut skipped) = (vec![changes], 0, None);
        while let Some(batch) = batches.pop() {
            match self.report_batch(call, batch).await {
                Ok(count) => reported += count,
                Err(error) if is_database_failure(&error) => return Err(error.into()),
                Err(error) if batch.len() == 1 => skipped = Some(error),
                // Bisects the batch to isolate the faulty change in few attempts.
                Err(_) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    batches.extend([second, first]);
                }
            }
        }
        skipped.map_or(Ok(reported), |error| Err(error.into()))
    }

    /// Returns the changes without those of rows that another session locks, and the current rows
    /// of the changed accounts.
    async fn unlocked(
        &self,
        changes: &[RowChange],
    ) -> Result<(Vec<RowChange>, Vec<Connection>), StoreError> {
        let accounts = changes.iter().filter_map(account).collect();
        let current = self.changes.current(&accounts).await?;
        let users: Vec<_> = changes.iter().filter_map(owner).collect();
        let locked = self.rows.locked(&current, &users).await?;
        let (locked_rows, current): (Vec<_>, Vec<_>) =
            current.into_iter().partition(|row| is_locked(row, &locked));
        let locked_accounts: BTreeSet<_> = locked_rows
            .iter()
            .map(|row| (&row.provider, &row.account))
            .collect();
        let is_unlocked = |change: &&RowChange| {
            account(change).is_none_or(|account| !locked_accounts.contains(&account))
                && owner(change).is_none_or(|user| !locked.users.contains(&user))
        };
        let changes = changes.iter().filter(is_unlocked).cloned().collect();
        Ok((changes, current))
    }

    /// Reports these changes in one transaction, without those of rows that another session locks.
    /// Returns how many this process has reported.
    async fn report_batch(&self, call: &Call, changes: &[RowChange]) -> Result<usize, StoreError> {
        let (changes, current) = self.unlocked(changes).await?;
        let repaired = self.rows.repair_stale(call, &current).await?;
        let current = current
            .iter()
            .map(|row| repaired.get(&row.id).unwrap_or(row));
        let rows: Vec<_> = current.map(|row| self.rows.prepare(row)).collect();
        let (correlation_id, now) = (&call.correlation_id, self.clock.now());
        let reported = self.changes.report(&changes, &rows, correlation_id, now);
        let Reported {
            changes,
            imported,
            removed,
        } = reported.await?;
        if !imported.is_empty() {
            let rows = imported.len();
            self.recorder.record(call, &Outcome::RowsImported { rows });
        }
        for connection in &removed {
            self.recorder
                .record(call, &Outcome::RowRemoved { connection });
        }
        Ok(changes)
    }
}

#[async_trait]
impl Job for RowChanges {
    fn name(&self) -> JobName {
        JobName::ReportRowChanges
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    fn wake(&self) -> Option<&Notify> {
        Some(&self.found)
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let after = self.reported_to.load(Ordering::Relaxed);
        let pending = self.changes.pending(after, BATCH).await?;
        let more = pending.len() >= usize::try_from(BATCH).unwrap_or(0);
        // Changes that cannot be reported now stay pending and do not delay later ones.
        let last = pending.last().filter(|_| more);
        self.reported_to
            .store(last.map_or(0, |change| change.id), Ordering::Relaxed);
        if pending.is_empty() {
            return Ok(Progress::done(0));
        }
        let items = self.report(call, &pending).await?;
        Ok(Progress { items, more })
    }
}

/// Returns the user whom the change concerns, before or after it.
fn owner(change: &RowChange) -> Option<UserId> {
    match &change.subject {
        ChangedRow::User(user) => Some(*user),
        ChangedRow::Account { key, .. } => Some(key.user),
        ChangedRow::Any | ChangedRow::Other => None,
    }
}

/// Returns the account that the change concerns.
fn account(change: &RowChange) -> Option<(&ProviderSlug, &ProviderAccountId)> {
    match &change.subject {
        ChangedRow::Account { key, .. } => Some((&key.provider, &key.account)),
        ChangedRow::Any | ChangedRow::User(_) | ChangedRow::Other => None,
    }
}
