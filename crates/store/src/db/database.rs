//! One interface to both databases.
//!
//! All differences between SQLite and PostgreSQL at run time are in this folder. Repositories use
//! one SQL text for both databases where possible.

use std::time::Duration;

use sqlx::SqlitePool;
use tokio::sync::watch;

use crate::StoreError;
use crate::db::pg_connection::PostgresPool;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, Value, bound};

/// The connection pools. SQLite has two, because a writer and readers do not block each other in
/// WAL mode.
#[derive(Debug)]
pub(crate) enum Pools {
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
    Postgres(PostgresPool),
}

/// The connection pools, and the state that all repositories share.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) pools: Pools,
    /// Counts the commits of this process that wrote an event.
    pub(crate) changes: watch::Sender<u64>,
    /// Offset that a test adds to the database's clock, in milliseconds.
    #[cfg(feature = "testing")]
    pub(crate) clock_shift_ms: std::sync::atomic::AtomicI64,
}

/// Maximum duration of a read. A token request must be answered within a second.
const READ_TIMEOUT: Duration = Duration::from_millis(700);
/// Maximum duration of one statement of a writing transaction.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

impl Database {
    pub(crate) fn new(pools: Pools) -> Self {
        Self {
            pools,
            changes: watch::Sender::new(0),
            #[cfg(feature = "testing")]
            clock_shift_ms: std::sync::atomic::AtomicI64::default(),
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn clock_shift_ms(&self) -> i64 {
        self.clock_shift_ms
            .load(std::sync::atomic::Ordering::SeqCst)
    }

    #[cfg(not(feature = "testing"))]
    #[expect(
        clippy::unused_self,
        reason = "has the same signature with the testing feature"
    )]
    pub(crate) fn clock_shift_ms(&self) -> i64 {
        0
    }

    /// Executes a read. Returns all rows.
    pub(crate) async fn rows(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Record>, StoreError> {
        match &self.pools {
            Pools::Sqlite { reader, .. } => Ok(bound!(sql, params)
                .fetch_all(reader)
                .await?
                .into_iter()
                .map(Record::Sqlite)
                .collect()),
            Pools::Postgres(pool) => match Self::rows_from(pool, sql, params).await {
                // Reads are idempotent, so a read on a broken connection is repeated on another.
                Err(error) if error.is_lost_connection() => {
                    Self::rows_from(pool, sql, params).await
                }
                rows => rows,
            },
        }
    }

    async fn rows_from(
        pool: &PostgresPool,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Record>, StoreError> {
        let mut connection = pool.acquire(READ_TIMEOUT).await?;
        let rows = connection
            .query(async |connection| bound!(sql, params).fetch_all(connection).await)
            .await?;
        Ok(rows.into_iter().map(Record::Postgres).collect())
    }

    /// Returns the first row of a read.
    pub(crate) async fn row(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Option<Record>, StoreError> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// Selects the SQL text of this database, where one text cannot serve both.
    pub(crate) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.pools {
            Pools::Sqlite { .. } => sqlite,
            Pools::Postgres(_) => postgres,
        }
    }

    /// Begins a writing transaction whose statements have the timeout of a write.
    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        self.begin_within(WRITE_TIMEOUT).await
    }

    /// Begins a writing transaction whose statements have the shorter timeout of a read, for
    /// requests that would rather fail than wait.
    pub(crate) async fn begin_with_read_timeout(&self) -> Result<Transaction, StoreError> {
        self.begin_within(READ_TIMEOUT).await
    }

    async fn begin_within(&self, timeout: Duration) -> Result<Transaction, StoreError> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => {
                Transaction::on_sqlite(writer, self.changes.clone()).await
            }
            Pools::Postgres(pool) => {
                Transaction::on_postgres(pool, timeout, self.changes.clone()).await
            }
        }
    }

    /// Executes one writing statement in its own transaction. Returns the number of rows affected.
    pub(crate) async fn execute(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite { writer, .. } => {
                bound!(sql, params).execute(writer).await?.rows_affected()
            }
            Pools::Postgres(pool) => {
                let mut connection = pool.acquire(WRITE_TIMEOUT).await?;
                connection
                    .query(async |connection| bound!(sql, params).execute(connection).await)
                    .await?
                    .rows_affected()
            }
        })
    }

    /// Executes one writing statement with RETURNING in its own transaction. Returns the first row.
    pub(crate) async fn returning(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Option<Record>, StoreError> {
        Ok(self.all_returning(sql, params).await?.into_iter().next())
    }

    /// Executes one writing statement with RETURNING in its own transaction. Returns all rows.
    pub(crate) async fn all_returning(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Record>, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite { writer, .. } => bound!(sql, params)
                .fetch_all(writer)
                .await?
                .into_iter()
                .map(Record::Sqlite)
                .collect(),
            Pools::Postgres(pool) => {
                let mut connection = pool.acquire(WRITE_TIMEOUT).await?;
                let rows = connection
                    .query(async |connection| bound!(sql, params).fetch_all(connection).await)
                    .await?;
                rows.into_iter().map(Record::Postgres).collect()
            }
        })
    }
}
