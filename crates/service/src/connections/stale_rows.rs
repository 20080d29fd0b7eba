//! Rows that another program has written back as it read them earlier, for example with an object
//! that its ORM kept: they hold a refresh token that Evergrant has already replaced.

use std::collections::BTreeMap;

use evergrant_model::{Call, ConnectionId, StatusReason};
use evergrant_store::{Connection, StoreError, TokenCopy, TokenDigests};

use crate::connections::external_rows::ExternalRows;
use crate::outcome::Outcome;

impl ExternalRows {
    /// Restores the newer tokens of the rows whose tokens are spent, and returns the repaired rows.
    /// The user must reconnect if the newer tokens cannot be decrypted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails.
    pub(crate) async fn repair_stale(
        &self,
        call: &Call,
        rows: &[Connection],
    ) -> Result<BTreeMap<ConnectionId, Connection>, StoreError> {
        let may_be_stale = |row: &&Connection| row.has_external_tokens && row.lease.generation > 0;
        let read: BTreeMap<_, _> = rows
            .iter()
            .filter(may_be_stale)
            .map(|row| (row.id, row))
            .collect();
        let mut repaired = BTreeMap::new();
        if read.is_empty() {
            return Ok(repaired);
        }
        let ids: Vec<_> = read.keys().copied().collect();
        for copy in self.rows.token_copies(&ids).await? {
            let row = read.get(&copy.id).filter(|row| self.is_stale(row, &copy));
            if let Some(row) = row
                && let Some(row) = self.repair(call, row, &copy).await?
            {
                repaired.insert(row.id, row);
            }
        }
        Ok(repaired)
    }

    fn is_stale(&self, row: &Connection, copy: &TokenCopy) -> bool {
        let digest = self.encryption.digest_of(&row.tokens);
        digest.is_some_and(|digest| copy.is_spent(&digest))
    }

    /// Restores the copied tokens of one row and returns it; `None` if it has changed since it was
    /// read, or if the copy is unreadable.
    async fn repair(
        &self,
        call: &Call,
        read: &Connection,
        copy: &TokenCopy,
    ) -> Result<Option<Connection>, StoreError> {
        let (correlation_id, now) = (&call.correlation_id, self.clock.now());
        let (access, refresh) = (copy.access.as_ref(), copy.refresh.as_ref());
        let (mut repaired, mut abandoned) = (None, false);
        if self.encryption.decrypt(access, refresh).is_ok() {
            repaired = self.rows.repair(read, correlation_id, now).await?;
        } else {
            let reason = StatusReason::LostInFlight;
            let abandon = self.rows.abandon(read, reason, correlation_id, now);
            abandoned = abandon.await?;
        }
        let restored = repaired.is_some();
        if restored || abandoned {
            let outcome = Outcome::StaleRow {
                connection: read,
                restored,
            };
            self.recorder.record(call, &outcome);
        }
        self.caches.invalidate(&read.into()).await;
        Ok(repaired)
    }
}
