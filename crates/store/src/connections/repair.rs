//! Repairing rows that another program wrote back with spent tokens.

use evergrant_model::{ConnectionId, CorrelationId, EventKind, StatusReason, Timestamp};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::external::ExternalRowRepository;
use crate::connections::lock::lock_owned;
use crate::connections::row::{Connection, observed_tokens};
use crate::connections::token_copies::{TokenCopy, copies};
use crate::db::transaction::Transaction;
use crate::db::value::{int_array, params};

const COPIES_POSTGRES: &str = copies!("= ANY(CAST($1 AS integer[]))");
const COPIES_SQLITE: &str =
    copies!("IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))");
/// The row is imported as it is, but its grant has ended.
const ABANDON: &str = concat!(
    "UPDATE evergrant_connections SET generation = generation + 1, lease_expires_at = NULL,
        lease_owner = NULL, in_doubt_since = NULL, source_generation = NULL, source_attempt = NULL,
        status = 'expired', status_reason = $2, next_refresh_at = NULL, next_status_at = NULL,
        correlation_id = $3, observed_tokens = (SELECT ",
    observed_tokens!(),
    " FROM oauth_accounts a WHERE a.id = $1)
    WHERE oauth_account_id = $1"
);

impl ExternalRowRepository {
    /// Returns the copies of the tokens of these connections.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn token_copies(&self, ids: &[ConnectionId]) -> Result<Vec<TokenCopy>, StoreError> {
        let list = int_array(ids.iter().map(|id| id.get()));
        let query = self.database.dialect(COPIES_SQLITE, COPIES_POSTGRES);
        let rows = self.database.rows(query, params![list.as_str()]).await?;
        rows.iter().map(TokenCopy::read).collect()
    }

    /// Replaces the tokens of a connection by their copy, and writes the event. Neither the
    /// generation nor the lease changes. Returns the repaired connection; `None` if it no longer
    /// holds the tokens of `read`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails.
    pub async fn repair(
        &self,
        read: &Connection,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Option<Connection>, StoreError> {
        let mut tx = self.database.begin_own_write().await?;
        let Some((version, row)) = lock_unchanged(&mut tx, read).await? else {
            return Ok(None);
        };
        let Some(repaired) = tx.restore(&row, at).await? else {
            return Ok(None);
        };
        let kind = EventKind::Refreshed;
        tx.write_event(&event(&repaired, version, kind, correlation_id, at))
            .await?;
        tx.commit().await?;
        Ok(Some(repaired))
    }

    /// Marks a connection as expired for this reason, because the tokens that another program wrote
    /// are spent and their copy is unreadable. Writes the event. Returns `false` if the connection
    /// no longer holds the tokens of `read`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails.
    pub async fn abandon(
        &self,
        read: &Connection,
        reason: StatusReason,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.begin().await?;
        let Some((version, row)) = lock_unchanged(&mut tx, read).await? else {
            return Ok(false);
        };
        let abandoned = params![read.id.get(), reason.as_str(), correlation_id.as_str()];
        tx.execute(ABANDON, abandoned).await?;
        let kind = EventKind::Expired;
        tx.write_event(&event(&row, version, kind, correlation_id, at))
            .await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Locks the connection and increments its owner's version, if it still holds the tokens of `read`,
/// which another program wrote.
async fn lock_unchanged(
    tx: &mut Transaction,
    read: &Connection,
) -> Result<Option<(i64, Connection)>, StoreError> {
    let locked = lock_owned(tx, read.id).await?;
    Ok(locked.filter(|(_, row)| {
        row.has_external_tokens
            && row.tokens.access_text() == read.tokens.access_text()
            && row.tokens.refresh_text() == read.tokens.refresh_text()
    }))
}
