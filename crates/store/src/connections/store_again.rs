//! Storing tokens again that the database has lost: a standby without the last commits became the
//! primary, or an older copy of the database was restored.

use std::collections::BTreeMap;

use evergrant_model::{ConnectionId, CorrelationId, EventKind, Timestamp};
use evergrant_resilience::refresh::lease;

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::lease::RefreshRepository;
use crate::connections::lock::lock_owned;
use crate::connections::row::{Connection, ConnectionKey};
use crate::connections::store_refresh::{RefreshedGrant, write_state, write_tokens};
use crate::connections::token_copies::TokenDigests;
use crate::db::value::{Record, int_array, params};

/// The number of the attempt has gone back too, and must not be assigned again.
const WRITE_ATTEMPT: &str =
    "UPDATE evergrant_connections SET attempt = $2 WHERE oauth_account_id = $1";
const GENERATIONS_POSTGRES: &str = "SELECT oauth_account_id AS id, generation
    FROM evergrant_connections WHERE oauth_account_id = ANY(CAST($1 AS integer[]))";
const GENERATIONS_SQLITE: &str = "SELECT oauth_account_id AS id, generation
    FROM evergrant_connections
    WHERE oauth_account_id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))";

impl RefreshRepository {
    /// Returns the generation of each of these connections, without those that do not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn generations(
        &self,
        ids: &[ConnectionId],
    ) -> Result<BTreeMap<ConnectionId, i64>, StoreError> {
        let list = int_array(ids.iter().map(|id| id.get()));
        let query = self
            .database
            .dialect(GENERATIONS_SQLITE, GENERATIONS_POSTGRES);
        let rows = self.database.rows(query, params![list.as_str()]).await?;
        let generation =
            |row: &Record| Ok((ConnectionId::new(row.int("id")?), row.big("generation")?));
        rows.iter().map(generation).collect()
    }

    /// Stores the tokens of a connection again, as an earlier commit had stored them, if the row
    /// has gone back to an earlier generation. Writes the event. Returns the stored connection;
    /// `None` if the row has not gone back, if the connection does not exist or was replaced by
    /// another one, or if newer tokens are stored. Then nothing is written.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails.
    pub async fn store_again(
        &self,
        lost: &Connection,
        digests: &dyn TokenDigests,
        correlation_id: &CorrelationId,
    ) -> Result<Option<Connection>, StoreError> {
        let mut tx = self.database.begin_own_write().await?;
        let Some((version, row)) = lock_owned(&mut tx, lost.id).await? else {
            return Ok(None);
        };
        let restored = lease::restore_tokens(&row.lease, &lost.lease);
        let Some(lease) = restored.filter(|_| is_earlier(&row, lost)) else {
            return Ok(None);
        };
        let grant = RefreshedGrant {
            tokens: &lost.tokens,
            next_status_at: lost.next_status_at,
            status: lost.status,
            reason: lost.reason,
            next_refresh_at: lost.next_refresh_at,
            at: issued_at(lost),
            correlation_id,
            digests,
        };
        write_tokens(&mut tx, lost.id, &grant).await?;
        write_state(&mut tx, lost.id, &lease, &grant).await?;
        tx.execute(WRITE_ATTEMPT, params![lost.id.get(), lease.attempt])
            .await?;
        let stored = row.refreshed(lease, &grant);
        let digest = digests.digest_of(&stored.tokens);
        tx.keep_copy(lost.id, digest.as_ref()).await?;
        let (kind, at) = (EventKind::Refreshed, grant.at);
        tx.write_event(&event(&stored, version, kind, correlation_id, at))
            .await?;
        tx.commit().await?;
        Ok(Some(stored))
    }
}

/// Returns whether the row is an earlier state of the same connection. Ids may be used again after
/// a loss, and the app or the user may have stored another grant since.
fn is_earlier(row: &Connection, lost: &Connection) -> bool {
    let is_same =
        ConnectionKey::from(row) == ConnectionKey::from(lost) && row.created_at == lost.created_at;
    let stored_at = row.tokens.issued_at.unwrap_or(row.updated_at);
    is_same && !row.is_external && stored_at < issued_at(lost)
}

fn issued_at(connection: &Connection) -> Timestamp {
    connection.tokens.issued_at.unwrap_or(connection.updated_at)
}
