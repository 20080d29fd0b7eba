//! Repairing rows that another program wrote back with spent tokens.

use std::collections::BTreeMap;

use evergrant_model::{ConnectionId, CorrelationId, EventKind, StatusReason, Timestamp};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::deleted_copies::{imported, is_detached};
use crate::connections::external::ExternalRowRepository;
use crate::connections::import::{ExternalRow, given, given_postgres, given_sqlite};
use crate::connections::lock::lock;
use crate::connections::row::{Connection, observed_tokens, select};
use crate::connections::token_copies::TokenCopy;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, int_array, params};

/// What is known about the token of a row that another program wrote.
#[derive(Debug, Clone)]
pub struct TokenHistory {
    /// The copy of the row's tokens, or of those of the deleted row that it replaces; `None` if
    /// there is none.
    pub copy: Option<TokenCopy>,
    /// Whether Evergrant has replaced the token at another connection of the same provider.
    pub is_spent_elsewhere: bool,
}

macro_rules! copies {
    ($filter:literal) => {
        concat!(
            "SELECT oauth_account_id AS id, access_token, refresh_token, digest, spent_1, spent_2,
                spent_3
            FROM evergrant_token_copies WHERE oauth_account_id ",
            $filter
        )
    };
}
const COPIES_POSTGRES: &str = copies!("= ANY(CAST($1 AS integer[]))");
const COPIES_SQLITE: &str =
    copies!("IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))");
/// Looks up the tokens of the given rows. A row that has no copy is given the detached one of its
/// user and account.
macro_rules! known {
    ($given:literal) => {
        concat!(
            "SELECT given.id, kept.id AS copy, kept.access_token, kept.refresh_token, kept.digest,
                kept.spent_1, kept.spent_2, kept.spent_3, EXISTS (
                    SELECT 1 FROM evergrant_token_copies other
                    WHERE (other.spent_1 = given.digest OR other.spent_2 = given.digest
                            OR other.spent_3 = given.digest)
                        AND other.provider = given.provider
                        AND other.digest IS DISTINCT FROM given.digest) AS is_spent_elsewhere
            FROM (",
            $given,
            ") AS given LEFT JOIN evergrant_token_copies kept ON kept.id = COALESCE(
                (SELECT own.id FROM evergrant_token_copies own
                    WHERE own.oauth_account_id = given.id),
                (SELECT MAX(c.id) FROM evergrant_token_copies c
                    WHERE c.user_id = given.user_id AND c.provider = given.provider
                        AND c.provider_account_id = given.account AND ",
            is_detached!(),
            "))"
        )
    };
}
pub(crate) const KNOWN_POSTGRES: &str = given_postgres!(known);
pub(crate) const KNOWN_SQLITE: &str = given_sqlite!(known);
const ANY_SQLITE: &str = select!("WHERE a.id = $1");
const ANY_POSTGRES: &str = select!("WHERE a.id = $1 FOR UPDATE OF a");
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
    pub async fn token_copies(
        &self,
        ids: &[ConnectionId],
    ) -> Result<BTreeMap<ConnectionId, TokenCopy>, StoreError> {
        let list = int_array(ids.iter().map(|id| id.get()));
        let query = self.database.dialect(COPIES_SQLITE, COPIES_POSTGRES);
        let rows = self.database.rows(query, params![list.as_str()]).await?;
        let copy = |row: &Record| Ok((ConnectionId::new(row.int("id")?), TokenCopy::read(row)?));
        rows.iter().map(copy).collect()
    }

    /// Returns what is known about the tokens of these rows.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn token_histories(
        &self,
        rows: &[ExternalRow<'_>],
    ) -> Result<BTreeMap<ConnectionId, TokenHistory>, StoreError> {
        let given = given(&rows.iter().collect::<Vec<_>>());
        let query = self.database.dialect(KNOWN_SQLITE, KNOWN_POSTGRES);
        let rows = self.database.rows(query, params![&given]).await?;
        let known = |row: &Record| {
            let copy = row.optional_big("copy")?.map(|_| TokenCopy::read(row));
            let known = TokenHistory {
                copy: copy.transpose()?,
                is_spent_elsewhere: row.boolean("is_spent_elsewhere")?,
            };
            Ok((ConnectionId::new(row.int("id")?), known))
        };
        rows.iter().map(known).collect()
    }

    /// Replaces the tokens of a row by their copy, or by that of the deleted row that it replaces.
    /// Writes the event of an imported connection, whose generation and lease do not change.
    /// Returns the repaired row; `None` if it no longer holds the tokens of `read`, or there is no
    /// copy.
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
        tx.adopt_copies(&[&imported(&row, None)]).await?;
        if !tx.restore(row.id, at).await? {
            return Ok(None);
        }
        let Some((is_imported, repaired)) = lock_any(&mut tx, row.id).await? else {
            return Ok(None);
        };
        if is_imported {
            let kind = EventKind::Refreshed;
            tx.write_event(&event(&repaired, version, kind, correlation_id, at))
                .await?;
        }
        tx.commit().await?;
        Ok(Some(repaired))
    }

    /// Marks a connection as expired for this reason, because the tokens that another program wrote
    /// are spent, and there is no readable copy of newer ones. Writes the event. Returns `false` if
    /// the row no longer holds the tokens of `read`.
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
        // Without a copy of its tokens, which are spent.
        tx.insert_states(&[&imported(&row, None)], correlation_id)
            .await?;
        let abandoned = params![read.id.get(), reason.as_str(), correlation_id.as_str()];
        tx.execute(ABANDON, abandoned).await?;
        let kind = EventKind::Expired;
        tx.write_event(&event(&row, version, kind, correlation_id, at))
            .await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Locks the row and increments its owner's version, if it still holds the tokens of `read`, which
/// another program wrote.
async fn lock_unchanged(
    tx: &mut Transaction,
    read: &Connection,
) -> Result<Option<(i64, Connection)>, StoreError> {
    let Some(version) = tx.increment_version_if_user_exists(read.user).await? else {
        return Ok(None);
    };
    let locked = lock_any(tx, read.id).await?.map(|(_, row)| row);
    let unchanged = locked.filter(|row| {
        row.user == read.user
            && row.has_external_tokens
            && row.tokens.access_text() == read.tokens.access_text()
            && row.tokens.refresh_text() == read.tokens.refresh_text()
    });
    Ok(unchanged.map(|row| (version, row)))
}

/// Locks a row, and returns it with whether it is imported.
async fn lock_any(
    tx: &mut Transaction,
    id: ConnectionId,
) -> Result<Option<(bool, Connection)>, StoreError> {
    if let Some(row) = lock(tx, id).await? {
        return Ok(Some((true, row)));
    }
    let any = tx.dialect(ANY_SQLITE, ANY_POSTGRES);
    let row = tx.row(any, params![id.get()]).await?;
    let row = row.as_ref().map(Connection::read).transpose()?;
    Ok(row.map(|row| (false, row)))
}
