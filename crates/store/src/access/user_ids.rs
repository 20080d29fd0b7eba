//! The ids of users: those that the host application chooses, and the generated ones.
//!
//! Generated ids count upwards from a sequence, and skip ids that are taken. A chosen id moves the
//! sequence, so that the id of a deleted user is not generated again. One in the upper half of the
//! range does not: a single such id would leave no ids to generate.

use crate::StoreError;
use crate::db::transaction::Transaction;
use crate::db::value::params;

/// The largest chosen id that moves the sequence.
const MAX_SEQUENTIAL: i32 = 1 << 30;

/// One transaction at a time moves the sequence.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('evergrant user ids', 0))";
/// The sequence is looked up by its column, because the host application may have created the table
/// with another name for the sequence.
const ADVANCE: &str = "SELECT setval(ids.name, $1)
    FROM (SELECT pg_get_serial_sequence('users', 'id')::regclass AS name) ids
    WHERE $1 > COALESCE(pg_sequence_last_value(ids.name), 0)";
const LAST_POSTGRES: &str = "SELECT COALESCE(
    pg_sequence_last_value(pg_get_serial_sequence('users', 'id')::regclass), 0) AS id";
const LAST_SQLITE: &str =
    "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'users'), 0) AS id";
const SET_SQLITE: &str = "UPDATE sqlite_sequence SET seq = $1 WHERE name = 'users'";
/// The smallest id from `$1` that no user has.
const FREE: &str = "SELECT CASE WHEN EXISTS (SELECT 1 FROM users WHERE id = $1)
    THEN (SELECT MIN(CAST(taken.id AS BIGINT)) + 1 FROM users taken WHERE taken.id >= $1
        AND NOT EXISTS (SELECT 1 FROM users next WHERE next.id = CAST(taken.id AS BIGINT) + 1))
    ELSE $1 END AS id";

/// The end of the sequence before an insertion, which SQLite moves to every larger id.
pub(super) struct End(Option<i64>);

impl Transaction {
    /// Returns the next id to generate, and moves PostgreSQL's sequence to it. SQLite moves its
    /// sequence when the user is inserted.
    ///
    /// # Errors
    ///
    /// [`StoreError::Inconsistent`] if all ids are taken.
    pub(super) async fn next_user_id(&mut self) -> Result<i32, StoreError> {
        if self.is_postgres() {
            self.row(LOCK, params![]).await?;
        }
        let last = self
            .id(self.dialect(LAST_SQLITE, LAST_POSTGRES), None)
            .await?;
        let free = self.id(FREE, Some(last.saturating_add(1))).await?;
        let id = i32::try_from(free)
            .map_err(|_| StoreError::Inconsistent("users.id: all ids are taken"))?;
        if self.is_postgres() {
            self.row(ADVANCE, params![free]).await?;
        }
        Ok(id)
    }

    /// Prepares the insertion of a user with a chosen id, and moves PostgreSQL's sequence. The
    /// sequence only moves forward, and one transaction at a time moves it.
    pub(super) async fn prepare_user_id(&mut self, id: i32) -> Result<End, StoreError> {
        let moves = id <= MAX_SEQUENTIAL;
        if self.is_postgres() && moves {
            self.row(LOCK, params![]).await?;
            self.row(ADVANCE, params![i64::from(id)]).await?;
        }
        if self.is_postgres() || moves {
            return Ok(End(None));
        }
        self.id(LAST_SQLITE, None).await.map(|end| End(Some(end)))
    }

    /// Moves SQLite's sequence back after the insertion of an id that must not move it.
    pub(super) async fn restore_user_ids(&mut self, end: End) -> Result<(), StoreError> {
        if let End(Some(end)) = end {
            self.execute(SET_SQLITE, params![end]).await?;
        }
        Ok(())
    }

    async fn id(&mut self, sql: &'static str, from: Option<i64>) -> Result<i64, StoreError> {
        let row = match from {
            Some(from) => self.row(sql, params![from]).await?,
            None => self.row(sql, params![]).await?,
        };
        row.ok_or(StoreError::Missing)?.big("id")
    }
}
