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

/// A server that has answered anybody within this time is there. A program that serves asks it something every second.
const LATELY: Duration = Duration::from_millis(1_500);

/// All connections to the server, and when it last answered on any of them.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) pool: PgPool,
    history: Arc<History>,
}

/// What has become of the connections lately.
#[derive(Debug)]
pub(crate) struct History {
    began: Instant,
    /// When the server last answered, in milliseconds since then,
    answered_ms: AtomicU64,
    /// and when a connection was last found broken.
    broken_ms: AtomicU64,
}

impl Default for History {
    fn default() -> Self {
        Self { began: Instant::now(), answered_ms: AtomicU64::new(0), broken_ms: AtomicU64::new(0) }
    }
}

impl History {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether a connection that has lain idle for so long may have broken together with another one: a server that was
    /// restarted or has failed over leaves a pool full of them.
    pub(crate) fn is_suspect(&self, idle_for: Duration) -> bool {
        let idle_ms = u64::try_from(idle_for.as_millis()).unwrap_or(u64::MAX);
        self.now_ms().saturating_sub(idle_ms) <= self.broken_ms.load(Ordering::Relaxed)
    }
}

impl Exchange {
    pub(crate) fn new(pool: PgPool, history: Arc<History>) -> Self {
        Self { pool, history }
    }

    fn is_answering(&self) -> bool {
        let since_ms = self.history.now_ms().saturating_sub(self.history.answered_ms.load(Ordering::Relaxed));
        Duration::from_millis(since_ms) < LATELY
    }

    /// What it means to have waited in vain.
    fn in_vain(&self) -> StoreError {
        if self.is_answering() { StoreError::Busy } else { StoreError::Silent }
    }

    /// A connection. Those who wait for one while the server answers others keep their place in the queue for as long as
    /// the pool lets them.
    pub(crate) async fn line(&self, patience: Duration) -> Result<Line, StoreError> {
        let mut acquired = pin!(self.pool.acquire());
        let connection = loop {
            match timeout(patience, &mut acquired).await {
                Ok(Err(sqlx::Error::PoolTimedOut)) => return Err(self.in_vain()),
                Ok(acquired) => break acquired?,
                Err(_) if self.is_answering() => {}
                Err(_) => return Err(StoreError::Silent),
            }
        };
        Ok(Line { exchange: self.clone(), connection: Some(connection), patience, is_open: false })
    }

    /// A transaction.
    pub(crate) async fn begin(&self, patience: Duration) -> Result<Line, StoreError> {
        let mut line = self.line(patience).await?;
        match line.begin().await {
            Err(error) if error.is_lost_connection() => {
                line = self.line(patience).await?;
                line.begin().await?;
            }
            begun => begun?,
        }
        Ok(line)
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
        let mut call = Call(self.connection.take());
        let connection = call.0.as_mut().ok_or(StoreError::Silent)?;
        let Ok(answer) = timeout(self.patience, question(connection)).await else {
            return Err(self.exchange.in_vain());
        };
        let history = &self.exchange.history;
        let answer = answer.map_err(StoreError::from);
        if matches!(&answer, Err(error) if error.is_lost_connection()) {
            history.broken_ms.fetch_max(history.now_ms(), Ordering::Relaxed);
        } else {
            history.answered_ms.fetch_max(history.now_ms(), Ordering::Relaxed);
            self.connection = call.0.take();
        }
        answer
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.ask(async |connection| connection.execute("BEGIN").await).await?;
        self.is_open = true;
        Ok(())
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        // Whatever the answer is, there is nothing left to roll back.
        self.is_open = false;
        self.ask(async |connection| connection.execute("COMMIT").await).await.map(drop)
    }
}

/// A connection that owes an answer. Whoever goes away before it came leaves it in a state that nobody knows, in the
/// middle of a transaction perhaps: the pool gets its place back, the server an end of file.
struct Call(Option<PoolConnection<Postgres>>);

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use evergrant_testkit::TestDatabase;
    use sqlx::postgres::PgPoolOptions;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn process_id(exchange: &Exchange) -> i32 {
        let mut line = exchange.line(PATIENCE).await.unwrap();
        line.ask(async |connection| sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn whoever_goes_away_before_the_answer_leaves_nothing_open_behind() {
        let database = TestDatabase::postgres().await;
        let pool = PgPoolOptions::new().max_connections(1).connect(&database.url).await.unwrap();
        let exchange = Exchange::new(pool, Arc::default());
        let before = process_id(&exchange).await;
        assert_eq!(process_id(&exchange).await, before, "a connection that has answered is used again");
        let lock = database.begin("SELECT pg_advisory_xact_lock(1)").await;
        let mut line = exchange.line(PATIENCE).await.unwrap();
        {
            let question = "BEGIN; SELECT pg_advisory_xact_lock(1)";
            let mut asked = pin!(line.ask(async |connection| connection.execute(question).await));
            let waits = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending())).await;
            assert!(waits, "nobody answers before the lock is free");
        }
        drop(line);
        assert_ne!(process_id(&exchange).await, before, "nobody meets the transaction that may have begun");
        lock.commit().await;
    }
}
