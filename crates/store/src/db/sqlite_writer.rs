//! Transactions of SQLite's only writing connection, controlled by plain statements instead of
//! sqlx's transaction type.
//!
//! SQLite rolls a transaction back by itself when the disk is full. sqlx still counts that
//! transaction as open, and no further transaction can begin on the connection. A [`Writer`] keeps
//! no such count: unless it was committed, it sends ROLLBACK when it is dropped and ignores the
//! result.

use sqlx::pool::PoolConnection;
use sqlx::{Executor, Sqlite, SqliteConnection, SqlitePool};

use crate::StoreError;

/// The writing connection, in a transaction.
pub(crate) struct Writer(Option<PoolConnection<Sqlite>>);

impl Writer {
    /// Begins a transaction that holds the write lock from the start. If a transaction begins with
    /// a read and then writes, SQLite reports "database is locked" at once, regardless of the busy
    /// timeout.
    pub(crate) async fn begin(pool: &SqlitePool) -> Result<Self, StoreError> {
        let mut writer = Self(Some(pool.acquire().await?));
        writer.connection()?.execute("BEGIN IMMEDIATE").await?;
        Ok(writer)
    }

    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.0.as_deref_mut().ok_or(StoreError::Unresponsive)
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.connection()?.execute("COMMIT").await?;
        // Returns the connection to the pool without a ROLLBACK.
        drop(self.0.take());
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return drop(connection.detach());
        };
        runtime.spawn(async move {
            // Fails if SQLite has already rolled back.
            let _ = connection.execute("ROLLBACK").await;
        });
    }
}
