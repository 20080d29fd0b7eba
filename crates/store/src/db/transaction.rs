//! Writing transactions of both databases.

use sqlx::SqlitePool;
use tokio::sync::watch;

use crate::StoreError;
use crate::db::postgres::PooledConnection;
use crate::db::sqlite_writer::Writer;
use crate::db::value::{Record, Value, bound};

/// A writing transaction, rolled back unless it is committed.
pub(crate) struct Transaction {
    backend: Backend,
    /// Whether the transaction has written an event.
    has_events: bool,
    /// Whether the transaction is marked for the triggers on the shared tables.
    pub(crate) is_own_write: bool,
    changes: watch::Sender<u64>,
}

enum Backend {
    Sqlite(Writer),
    Postgres(PooledConnection),
}

impl Transaction {
    pub(crate) async fn on_sqlite(
        writer: &SqlitePool,
        changes: watch::Sender<u64>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            backend: Backend::Sqlite(Writer::begin(writer).await?),
            has_events: false,
            is_own_write: false,
            changes,
        })
    }

    /// Returns the transaction that was begun on this session.
    pub(crate) fn on_postgres(connection: PooledConnection, changes: watch::Sender<u64>) -> Self {
        Self {
            backend: Backend::Postgres(connection),
            has_events: false,
            is_own_write: false,
            changes,
        }
    }

    /// Executes a statement. Returns the number of rows affected.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        Ok(match &mut self.backend {
            Backend::Sqlite(writer) => bound!(sql, params)
                .execute(writer.connection()?)
                .await?
                .rows_affected(),
            Backend::Postgres(connection) => {
                let query = bound!(sql, params).persistent(connection.keeps_statements());
                connection
                    .query(async |connection| query.execute(connection).await)
                    .await?
                    .rows_affected()
            }
        })
    }

    /// Executes a statement. Returns the first row.
    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Option<Record>, StoreError> {
        Ok(match &mut self.backend {
            Backend::Sqlite(writer) => bound!(sql, params)
                .fetch_optional(writer.connection()?)
                .await?
                .map(Record::Sqlite),
            Backend::Postgres(connection) => {
                let query = bound!(sql, params).persistent(connection.keeps_statements());
                let row = connection
                    .query(async |connection| query.fetch_optional(connection).await)
                    .await?;
                row.map(Record::Postgres)
            }
        })
    }

    /// Executes a statement. Returns all rows.
    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Record>, StoreError> {
        Ok(match &mut self.backend {
            Backend::Sqlite(writer) => bound!(sql, params)
                .fetch_all(writer.connection()?)
                .await?
                .into_iter()
                .map(Record::Sqlite)
                .collect(),
            Backend::Postgres(connection) => {
                let query = bound!(sql, params).persistent(connection.keeps_statements());
                let rows = connection
                    .query(async |connection| query.fetch_all(connection).await)
                    .await?;
                rows.into_iter().map(Record::Postgres).collect()
            }
        })
    }

    /// Makes [`commit`](Self::commit) signal that events were written.
    pub(crate) fn notify_on_commit(&mut self) {
        self.has_events = true;
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.backend, Backend::Postgres(_))
    }

    /// Selects the SQL text of this database, where one text cannot serve both.
    pub(crate) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.backend {
            Backend::Sqlite(_) => sqlite,
            Backend::Postgres(_) => postgres,
        }
    }

    /// Commits the transaction.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.remove_mark().await?;
        match self.backend {
            Backend::Sqlite(writer) => writer.commit().await?,
            Backend::Postgres(connection) => connection.commit().await?,
        }
        if self.has_events {
            self.changes.send_modify(|count| *count += 1);
        }
        Ok(())
    }
}
