//! One interface to both databases.
//!
//! All differences between SQLite and PostgreSQL at run time are in this folder. Repositories use
//! one SQL text for both databases where possible.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Row as _, SqlitePool};
use tokio::sync::watch;

use crate::StoreError;
use crate::db::file_error::FileError;
use crate::db::postgres::{LaneName, PostgresPool};
use crate::db::read_rows::ReadRows;
use crate::db::sqlite_identity::OpenedFile;
use crate::db::sqlite_locks::ReplicaFiles;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, Value, bound};

/// The connection pools. SQLite has two, because a writer and readers do not block each other in
/// WAL mode. Clones share the connections.
#[derive(Clone, Debug)]
pub(crate) enum Pools {
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
        /// The lock of this process, which shows others that it is alive.
        replicas: Arc<ReplicaFiles>,
        /// The file that is open, which may be removed or replaced meanwhile.
        file: Arc<OpenedFile>,
    },
    Postgres(PostgresPool),
}

/// The connection pools, the purpose that they are used for, and the state that all repositories
/// share. Clones share the pools and the state.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) pools: Pools,
    /// The sessions that queries use on PostgreSQL.
    lane: LaneName,
    /// The maximum duration of a read.
    pub(crate) read_timeout: Duration,
    /// Counts the commits of this process that wrote an event.
    pub(crate) changes: watch::Sender<u64>,
    read_rows: ReadRows,
    /// Offset that a test adds to the database's clock, in milliseconds.
    #[cfg(feature = "testing")]
    pub(crate) clock_shift_ms: std::sync::Arc<std::sync::atomic::AtomicI64>,
}

/// Maximum duration of a read. A token request must be answered within a second.
const READ_TIMEOUT: Duration = Duration::from_millis(700);
/// Maximum duration of one statement of a writing transaction.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

impl Database {
    pub(crate) fn new(pools: Pools) -> Self {
        Self {
            pools,
            lane: LaneName::Callers,
            read_timeout: READ_TIMEOUT,
            changes: watch::Sender::new(0),
            read_rows: ReadRows::default(),
            #[cfg(feature = "testing")]
            clock_shift_ms: std::sync::Arc::default(),
        }
    }

    /// Returns the same database with the sessions of another purpose.
    pub(crate) fn on_lane(&self, lane: LaneName) -> Self {
        Self {
            lane,
            ..self.clone()
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn read_rows(&self) -> &ReadRows {
        &self.read_rows
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
        let rows = self.read(sql, params).await?;
        self.read_rows.add(sql, rows.len());
        Ok(rows)
    }

    async fn read(
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
            Pools::Postgres(pool) => match self.rows_from(pool, sql, params).await {
                // Reads are idempotent, so a read on a broken connection is repeated on another.
                Err(error) if error.is_lost_connection() => self.rows_from(pool, sql, params).await,
                Err(error) if error.is_outdated_statement() => {
                    self.rows_with_new_statement(pool, sql, params).await
                }
                rows => rows,
            },
        }
    }

    /// Repeats a read after a change of its table's columns. Each failure clears the outdated
    /// statements of one session, so the read succeeds once all have been cleared.
    async fn rows_with_new_statement(
        &self,
        pool: &PostgresPool,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Record>, StoreError> {
        loop {
            match self.rows_from(pool, sql, params).await {
                Err(error) if error.is_outdated_statement() => {}
                rows => return rows,
            }
        }
    }

    async fn rows_from(
        &self,
        pool: &PostgresPool,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Record>, StoreError> {
        let connection = pool.acquire(self.lane, self.read_timeout).await?;
        let query = bound!(sql, params).persistent(connection.keeps_statements());
        let rows = connection
            .single(async |connection| query.fetch_all(connection).await)
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

    /// Returns whether sessions lock single rows. On SQLite they lock the whole database.
    pub(crate) fn locks_rows(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// Checks that a SQLite file was neither removed nor replaced since it was opened.
    pub(crate) fn check_file(&self) -> Result<(), FileError> {
        match &self.pools {
            Pools::Sqlite { file, .. } => file.check(),
            Pools::Postgres(_) => Ok(()),
        }
    }

    /// Truncates the WAL of a SQLite file if it is large, once no reader needs it. Returns whether
    /// it did.
    pub(crate) async fn truncate_wal(&self) -> Result<bool, StoreError> {
        const CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
        match &self.pools {
            Pools::Sqlite { writer, file, .. } if file.has_large_wal() => {
                let row = sqlx::query(CHECKPOINT).fetch_one(writer).await?;
                let is_blocked: i64 = row.try_get("busy")?;
                Ok(is_blocked == 0)
            }
            _ => Ok(false),
        }
    }

    /// Begins a writing transaction whose statements have the timeout of a write.
    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        self.begin_within(WRITE_TIMEOUT).await
    }

    /// Begins a writing transaction whose statements have the shorter timeout of a read, for
    /// requests that would rather fail than wait.
    pub(crate) async fn begin_with_read_timeout(&self) -> Result<Transaction, StoreError> {
        self.begin_within(self.read_timeout).await
    }

    async fn begin_within(&self, timeout: Duration) -> Result<Transaction, StoreError> {
        match &self.pools {
            Pools::Sqlite { writer, file, .. } => {
                file.check()?;
                Transaction::on_sqlite(writer, self.changes.clone()).await
            }
            Pools::Postgres(pool) => {
                let connection = pool.begin(self.lane, timeout).await?;
                Ok(Transaction::on_postgres(connection, self.changes.clone()))
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
            Pools::Sqlite { writer, file, .. } => {
                file.check()?;
                bound!(sql, params).execute(writer).await?.rows_affected()
            }
            Pools::Postgres(pool) => {
                let connection = pool.acquire(self.lane, WRITE_TIMEOUT).await?;
                let query = bound!(sql, params).persistent(connection.keeps_statements());
                connection
                    .single(async |connection| query.execute(connection).await)
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
            Pools::Sqlite { writer, file, .. } => {
                file.check()?;
                let rows = bound!(sql, params).fetch_all(writer).await?;
                rows.into_iter().map(Record::Sqlite).collect()
            }
            Pools::Postgres(pool) => {
                let connection = pool.acquire(self.lane, WRITE_TIMEOUT).await?;
                let query = bound!(sql, params).persistent(connection.keeps_statements());
                let rows = connection
                    .single(async |connection| query.fetch_all(connection).await)
                    .await?;
                rows.into_iter().map(Record::Postgres).collect()
            }
        })
    }
}
