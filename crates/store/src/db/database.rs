//! The two databases behind one interface: everything in which SQLite and PostgreSQL differ at run
//! time is in this folder.
//!
//! The queries of the repositories are one SQL text for both databases where that is possible.

use std::time::Duration;

use sqlx::SqlitePool;
use tokio::sync::watch;

use crate::StoreError;
use crate::db::pg_connection::PostgresPool;
use crate::db::value::{Record, Value, bound};
use crate::db::work::Work;

/// A connection pool; on SQLite two, because one writer and many readers never wait for each other.
#[derive(Debug)]
pub(crate) enum Pools {
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
    Postgres(PostgresPool),
}

/// The pools and the state that all repositories share.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) pools: Pools,
    /// Counts the commits of this process that wrote an event.
    pub(crate) changes: watch::Sender<u64>,
    /// What a test adds to the database's clock.
    #[cfg(feature = "testing")]
    pub(crate) clock_shift_ms: std::sync::atomic::AtomicI64,
}

/// Longest duration of a read, because a token request is answered within a second.
const READ_TIMEOUT: Duration = Duration::from_millis(700);
/// Longest duration of one step of a writing transaction.
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
        reason = "the same call as with the testing feature"
    )]
    pub(crate) fn clock_shift_ms(&self) -> i64 {
        0
    }

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
            Pools::Postgres(pool) => match Self::rows_by(pool, sql, params).await {
                // A read changes nothing, so it is repeated when the connection turns out to be
                // broken.
                Err(error) if error.is_lost_connection() => Self::rows_by(pool, sql, params).await,
                answer => answer,
            },
        }
    }

    async fn rows_by(
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

    /// The first row.
    pub(crate) async fn row(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Option<Record>, StoreError> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// The one of two texts that this database understands, where no text serves both.
    pub(crate) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.pools {
            Pools::Sqlite { .. } => sqlite,
            Pools::Postgres(_) => postgres,
        }
    }

    /// A transaction that will write.
    pub(crate) async fn begin(&self) -> Result<Work, StoreError> {
        self.begin_within(WRITE_TIMEOUT).await
    }

    /// The same with the time-out of a read, for callers that wait: no transaction is better than a
    /// late one.
    pub(crate) async fn begin_quickly(&self) -> Result<Work, StoreError> {
        self.begin_within(READ_TIMEOUT).await
    }

    async fn begin_within(&self, timeout: Duration) -> Result<Work, StoreError> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => Work::on_sqlite(writer, self.changes.clone()).await,
            Pools::Postgres(pool) => Work::on_postgres(pool, timeout, self.changes.clone()).await,
        }
    }

    /// One writing statement, which is a transaction of its own; answers how many rows it touched.
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

    /// One writing statement with RETURNING, which is a transaction of its own; answers the first
    /// row that it returns.
    pub(crate) async fn returning(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Option<Record>, StoreError> {
        Ok(self.all_returning(sql, params).await?.into_iter().next())
    }

    /// One writing statement with RETURNING, which is a transaction of its own; answers every row
    /// that it returns.
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
