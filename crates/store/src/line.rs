//! A connection to PostgreSQL that is hung up on when it stays silent.
//!
//! A server that hangs, or a network that swallows everything, leaves queries waiting for ever, and a pool full of such
//! connections leaves everybody waiting. So each answer has a time-out, and a connection that missed one is closed
//! rather than given back: the pool opens a fresh one, which finds the server that has taken over.
//!
//! Not every answer that is missed means that: somebody may hold a lock, or we may ask too much at once. As long as the
//! server answers others, the question was the matter.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, PgPool, Postgres};
use tokio::time::{Instant, timeout};

use crate::StoreError;

/// All connections to the server, and when it last answered on any of them.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) pool: PgPool,
    began: Instant,
    answered_ms: Arc<AtomicU64>,
}

impl Exchange {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, began: Instant::now(), answered_ms: Arc::default() }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note_answer(&self) {
        self.answered_ms.fetch_max(self.now_ms(), Ordering::Relaxed);
    }

    /// Whether the server has answered anybody within this time.
    fn is_answering(&self, patience: Duration) -> bool {
        let since_ms = self.now_ms().saturating_sub(self.answered_ms.load(Ordering::Relaxed));
        Duration::from_millis(since_ms) < patience
    }

    /// What it means to have waited for so long in vain.
    fn in_vain(&self, patience: Duration) -> StoreError {
        if self.is_answering(patience) { StoreError::Busy } else { StoreError::Silent }
    }

    /// A connection. Those who wait for one while the server answers others keep their place in the queue for as long as
    /// the pool lets them.
    pub(crate) async fn line(&self, patience: Duration) -> Result<Line, StoreError> {
        let mut acquired = pin!(self.pool.acquire());
        let connection = loop {
            match timeout(patience, &mut acquired).await {
                Ok(Err(sqlx::Error::PoolTimedOut)) => return Err(self.in_vain(patience)),
                Ok(acquired) => break acquired?,
                Err(_) if self.is_answering(patience) => {}
                Err(_) => return Err(StoreError::Silent),
            }
        };
        Ok(Line { exchange: self.clone(), connection: Some(connection), patience, is_open: false })
    }
}

/// One connection of the pool, for as long as it answers in time.
pub(crate) struct Line {
    exchange: Exchange,
    connection: Option<PoolConnection<Postgres>>,
    patience: Duration,
    /// Whether a transaction was begun and not ended.
    is_open: bool,
}

impl Line {
    /// Asks one question.
    pub(crate) async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.as_mut().ok_or(StoreError::Silent)?;
        if let Ok(answer) = timeout(self.patience, question(connection)).await {
            self.exchange.note_answer();
            return Ok(answer?);
        }
        self.hang_up();
        Err(self.exchange.in_vain(self.patience))
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
