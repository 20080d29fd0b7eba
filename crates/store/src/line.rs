//! A connection to PostgreSQL that is hung up on when it stays silent.
//!
//! A server that hangs, or a network that swallows everything, leaves queries waiting for ever, and a pool full of such
//! connections leaves everybody waiting. So each answer has a time-out, and a connection that missed one is closed
//! rather than given back: the pool opens a fresh one, which finds the server that has taken over.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, PgPool, Postgres};
use tokio::time::timeout;

use crate::StoreError;

/// One connection of the pool, for as long as it answers in time.
pub(crate) struct Line {
    connection: Option<PoolConnection<Postgres>>,
    patience: Duration,
    /// Whether a transaction was begun and not ended.
    is_open: bool,
}

impl Line {
    pub(crate) async fn open(pool: &PgPool, patience: Duration) -> Result<Self, StoreError> {
        let connection = timeout(patience, pool.acquire()).await.map_err(|_| StoreError::Silent)??;
        Ok(Self { connection: Some(connection), patience, is_open: false })
    }

    /// Asks one question.
    pub(crate) async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.as_mut().ok_or(StoreError::Silent)?;
        if let Ok(answer) = timeout(self.patience, question(connection)).await {
            return Ok(answer?);
        }
        self.hang_up();
        Err(StoreError::Silent)
    }

    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        self.ask(async |connection| connection.execute("BEGIN").await).await?;
        self.is_open = true;
        Ok(())
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        // Whatever the answer is, there is nothing left to roll back.
        self.is_open = false;
        self.ask(async |connection| connection.execute("COMMIT").await).await.map(drop)
    }

    /// The pool gets its place back, the server an end of file.
    fn hang_up(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(|_| self.is_open) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return drop(connection.detach()) };
        let patience = self.patience;
        runtime.spawn(async move {
            let rolled_back = timeout(patience, connection.execute("ROLLBACK")).await;
            if !matches!(rolled_back, Ok(Ok(_))) {
                drop(connection.detach());
            }
        });
    }
}
