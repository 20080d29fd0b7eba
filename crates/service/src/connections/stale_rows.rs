//! Rows that another program has written back as it read them earlier, for example with an object
//! that its ORM kept: they hold a refresh token that Evergrant has already replaced. The program
//! may have deleted the row in between, or written the tokens of one row into another.

use std::collections::BTreeMap;

use evergrant_model::{Call, ConnectionId, ProviderSlug, StatusReason};
use evergrant_store::{Connection, ExternalRow, StoreError, TokenCopy, TokenHistory};

use crate::connections::external_rows::ExternalRows;
use crate::outcome::Outcome;
use crate::refresh::context::refresh_policy;

impl ExternalRows {
    /// Restores the newer tokens of the rows whose tokens are spent, and returns the repaired rows.
    /// The user must reconnect if there are no newer tokens, or no key decrypts them.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails.
    pub(crate) async fn repair_stale(
        &self,
        call: &Call,
        rows: &[Connection],
    ) -> Result<BTreeMap<ConnectionId, Connection>, StoreError> {
        let external = rows.iter().filter(|row| row.has_external_tokens);
        let external = external.map(|row| self.prepare(row));
        let read: Vec<_> = external.filter(|row| row.digest.is_some()).collect();
        let mut repaired = BTreeMap::new();
        if read.is_empty() {
            return Ok(repaired);
        }
        let known = self.rows.token_histories(&read).await?;
        for row in &read {
            let known = known.get(&row.connection.id);
            let Some(known) = known.filter(|known| self.is_spent(row, known)) else {
                continue;
            };
            let copy = known.copy.as_ref();
            if let Some(row) = self.repair(call, row.connection, copy).await? {
                repaired.insert(row.id, row);
            }
        }
        Ok(repaired)
    }

    fn is_spent(&self, row: &ExternalRow<'_>, known: &TokenHistory) -> bool {
        let Some(digest) = &row.digest else {
            return false;
        };
        let (tokens, lease) = (&row.connection.tokens, &row.connection.lease);
        match &known.copy {
            // The refresh in flight is about to replace them.
            Some(copy) if copy.lost_refresh_in(tokens) => lease.lease_expires_at_ms.is_some(),
            Some(copy) if copy.is_current(digest) => false,
            Some(copy) if copy.is_spent(digest) => true,
            _ => known.is_spent_elsewhere && self.rotates(&row.connection.provider),
        }
    }

    /// Returns whether the provider may reject a token that it has replaced. Several connections
    /// may share a token of one that does not.
    fn rotates(&self, provider: &ProviderSlug) -> bool {
        let provider = self.providers.by_slug(provider);
        provider.is_none_or(|provider| refresh_policy(provider.spec()).rotates)
    }

    /// Restores the copied tokens of one row and returns it; `None` if it has changed since it was
    /// read, or if there is no readable copy.
    async fn repair(
        &self,
        call: &Call,
        read: &Connection,
        copy: Option<&TokenCopy>,
    ) -> Result<Option<Connection>, StoreError> {
        let (correlation_id, now) = (&call.correlation_id, self.clock.now());
        let (mut repaired, mut abandoned) = (None, false);
        if copy.is_some_and(|copy| self.is_readable(copy)) {
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

    fn is_readable(&self, copy: &TokenCopy) -> bool {
        let (access, refresh) = (copy.access.as_ref(), copy.refresh.as_ref());
        (access.is_some() || refresh.is_some()) && self.encryption.decrypt(access, refresh).is_ok()
    }
}
