//! Transactions of both databases.

use std::time::Duration;

use sqlx::SqlitePool;
use tokio::sync::watch;

use crate::StoreError;
use crate::db::pg_connection::{PooledConnection, PostgresPool};
use crate::db::sqlite_writer::Writer;
use crate::db::value::{Record, Value, bound, params};

/// A unit of work: all of it is kept by `commit`, none of it otherwise.
pub(crate) struct Work {
    open: Open,
    /// Set once the work has written an event.
    announces: bool,
    changes: watch::Sender<u64>,
}

enum Open {
    Sqlite(Writer),
    Postgres(PooledConnection),
}

impl Work {
    pub(crate) async fn on_sqlite(
        writer: &SqlitePool,
        changes: watch::Sender<u64>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            open: Open::Sqlite(Writer::begin(writer).await?),
            announces: false,
            changes,
        })
    }

    pub(crate) async fn on_postgres(
        pool: &PostgresPool,
        timeout: Duration,
        changes: watch::Sender<u64>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            open: Open::Postgres(pool.begin(timeout).await?),
            announces: false,
            changes,
        })
    }

    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        Ok(match &mut self.open {
            Open::Sqlite(work) => bound!(sql, params)
                .execute(work.connection()?)
                .await?
                .rows_affected(),
            Open::Postgres(connection) => connection
                .query(async |connection| bound!(sql, params).execute(connection).await)
                .await?
                .rows_affected(),
        })
    }

    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Option<Record>, StoreError> {
        Ok(match &mut self.open {
            Open::Sqlite(work) => bound!(sql, params)
                .fetch_optional(work.connection()?)
                .await?
                .map(Record::Sqlite),
            Open::Postgres(connection) => {
                let row = connection
                    .query(async |connection| bound!(sql, params).fetch_optional(connection).await)
                    .await?;
                row.map(Record::Postgres)
            }
        })
    }

    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Record>, StoreError> {
        Ok(match &mut self.open {
            Open::Sqlite(work) => bound!(sql, params)
                .fetch_all(work.connection()?)
                .await?
                .into_iter()
                .map(Record::Sqlite)
                .collect(),
            Open::Postgres(connection) => {
                let rows = connection
                    .query(async |connection| bound!(sql, params).fetch_all(connection).await)
                    .await?;
                rows.into_iter().map(Record::Postgres).collect()
            }
        })
    }

    /// Announces the change to other processes once it is committed.
    pub(crate) fn announce_on_commit(&mut self) {
        self.announces = true;
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.open, Open::Postgres(_))
    }

    /// The one of two texts that this database understands, where no text serves both.
    pub(crate) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.open {
            Open::Sqlite(_) => sqlite,
            Open::Postgres(_) => postgres,
        }
    }

    /// Keeps PostgreSQL's sequence ahead of a user id that the caller chose. SQLite's AUTOINCREMENT
    /// does so by itself.
    ///
    /// The sequence is only ever moved forward, by one caller at a time, and found through its
    /// column: the application that made the table may have named it otherwise.
    pub(crate) async fn keep_user_ids_unused(&mut self, id: i32) -> Result<(), StoreError> {
        const ONE_AT_A_TIME: &str =
            "SELECT pg_advisory_xact_lock(hashtextextended('evergrant user ids', 0))";
        const AHEAD: &str = "SELECT setval(ids.name, $1)
            FROM (SELECT pg_get_serial_sequence('users', 'id')::regclass AS name) ids
            WHERE $1 > COALESCE(pg_sequence_last_value(ids.name), 0)";
        if self.is_postgres() {
            self.row(ONE_AT_A_TIME, params![]).await?;
            self.row(AHEAD, params![i64::from(id)]).await?;
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.open {
            Open::Sqlite(work) => work.commit().await?,
            Open::Postgres(connection) => connection.commit().await?,
        }
        if self.announces {
            self.changes.send_modify(|times| *times += 1);
        }
        Ok(())
    }
}
