//! A transaction of SQLite's one writer, begun and ended by our own hand.
//!
//! SQLite itself rolls a transaction back when the disk is full, and sqlx goes on believing in it:
//! no other can be begun on that connection, ever. Nothing here believes anything: who has not
//! committed rolls back, whatever comes of that.

use sqlx::pool::PoolConnection;
use sqlx::{Executor, Sqlite, SqliteConnection, SqlitePool};

use crate::StoreError;

/// The writer, in a transaction.
pub(crate) struct Writer(Option<PoolConnection<Sqlite>>);

impl Writer {
    /// Takes the write lock at once: a read that later turns into a write fails with "database is
    /// locked" without waiting, whatever the busy time-out says.
    pub(crate) async fn begin(pool: &SqlitePool) -> Result<Self, StoreError> {
        let mut writer = Self(Some(pool.acquire().await?));
        writer.connection()?.execute("BEGIN IMMEDIATE").await?;
        Ok(writer)
    }

    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.0.as_deref_mut().ok_or(StoreError::Silent)
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.connection()?.execute("COMMIT").await?;
        // Given back as it is.
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
            // Fails where SQLite has rolled back itself.
            let _ = connection.execute("ROLLBACK").await;
        });
    }
}
