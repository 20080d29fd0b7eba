//! Connections to PostgreSQL with a deadline for each query.
//!
//! A hanging server, or a network that drops every packet, leaves queries waiting for ever, and a
//! pool full of such connections blocks every caller. Each query therefore has a time-out, and a
//! connection whose query timed out is closed instead of being returned to the pool: the pool opens
//! a new one, which reaches the server that has taken over.
//!
//! A time-out does not always mean that the server is gone: the query may wait for a lock or may be
//! too expensive. While the server answers other queries, the time-out is reported as
//! [`StoreError::Busy`].

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, PgPool, Postgres};
use tokio::time::{Instant, timeout};

use crate::StoreError;

/// A server that has answered any query within this time is available. `serve` sends a query every
/// second.
const RECENTLY: Duration = Duration::from_millis(1_500);

/// The pool of connections to the server.
#[derive(Clone, Debug)]
pub(crate) struct PostgresPool {
    pub(crate) pool: PgPool,
    history: Arc<PoolHistory>,
}

/// When the server last answered and when a connection last broke.
#[derive(Debug)]
pub(crate) struct PoolHistory {
    began: Instant,
    /// When the server last answered, in milliseconds since `began`.
    answered_ms: AtomicU64,
    /// When a connection was last found broken, in milliseconds since `began`.
    broken_ms: AtomicU64,
}

impl Default for PoolHistory {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            answered_ms: AtomicU64::new(0),
            broken_ms: AtomicU64::new(0),
        }
    }
}

impl PoolHistory {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether a connection that has lain idle for so long may have broken together with another
    /// one: a server that was restarted or has failed over leaves a pool full of them.
    pub(crate) fn is_suspect(&self, idle_for: Duration) -> bool {
        let idle_ms = u64::try_from(idle_for.as_millis()).unwrap_or(u64::MAX);
        self.now_ms().saturating_sub(idle_ms) <= self.broken_ms.load(Ordering::Relaxed)
    }
}

impl PostgresPool {
    pub(crate) fn new(pool: PgPool, history: Arc<PoolHistory>) -> Self {
        Self { pool, history }
    }

    fn is_answering(&self) -> bool {
        let since_ms = self
            .history
            .now_ms()
            .saturating_sub(self.history.answered_ms.load(Ordering::Relaxed));
        Duration::from_millis(since_ms) < RECENTLY
    }

    /// The error of a query that timed out.
    fn timeout_error(&self) -> StoreError {
        if self.is_answering() {
            StoreError::Busy
        } else {
            StoreError::Silent
        }
    }

    /// Acquires a connection. While the server answers other queries, the caller stays in the
    /// pool's queue until the pool's own time-out.
    pub(crate) async fn acquire(
        &self,
        timeout_after: Duration,
    ) -> Result<PooledConnection, StoreError> {
        let mut acquired = pin!(self.pool.acquire());
        let connection = loop {
            match timeout(timeout_after, &mut acquired).await {
                Ok(Err(sqlx::Error::PoolTimedOut)) => return Err(self.timeout_error()),
                Ok(acquired) => break acquired?,
                Err(_) if self.is_answering() => {}
                Err(_) => return Err(StoreError::Silent),
            }
        };
        Ok(PooledConnection {
            pool: self.clone(),
            connection: Some(connection),
            timeout_after,
            is_open: false,
        })
    }

    /// A transaction.
    pub(crate) async fn begin(
        &self,
        timeout_after: Duration,
    ) -> Result<PooledConnection, StoreError> {
        let mut connection = self.acquire(timeout_after).await?;
        match connection.begin().await {
            Err(error) if error.is_lost_connection() => {
                connection = self.acquire(timeout_after).await?;
                connection.begin().await?;
            }
            begun => begun?,
        }
        Ok(connection)
    }
}

/// One connection of the pool, for as long as it answers in time.
pub(crate) struct PooledConnection {
    pool: PostgresPool,
    connection: Option<PoolConnection<Postgres>>,
    timeout_after: Duration,
    /// Whether a transaction was begun and not ended.
    is_open: bool,
}

impl PooledConnection {
    /// Runs one query. A connection that does not answer in time is closed.
    pub(crate) async fn query<T>(
        &mut self,
        query: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let mut in_flight = InFlight(self.connection.take());
        let connection = in_flight.0.as_mut().ok_or(StoreError::Silent)?;
        let Ok(answer) = timeout(self.timeout_after, query(connection)).await else {
            return Err(self.pool.timeout_error());
        };
        let history = &self.pool.history;
        let answer = answer.map_err(StoreError::from);
        if matches!(&answer, Err(error) if error.is_lost_connection()) {
            history
                .broken_ms
                .fetch_max(history.now_ms(), Ordering::Relaxed);
        } else {
            history
                .answered_ms
                .fetch_max(history.now_ms(), Ordering::Relaxed);
            self.connection = in_flight.0.take();
        }
        answer
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.query(async |connection| connection.execute("BEGIN").await)
            .await?;
        self.is_open = true;
        Ok(())
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        // COMMIT ends the transaction whether it succeeds or not: nothing is left to roll back.
        self.is_open = false;
        self.query(async |connection| connection.execute("COMMIT").await)
            .await
            .map(drop)
    }
}

/// A connection with a query in flight. When the caller is cancelled, the state of the connection
/// is unknown, perhaps inside a transaction: it is closed, and the pool may open another one.
struct InFlight(Option<PoolConnection<Postgres>>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(|_| self.is_open) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return drop(connection.detach());
        };
        let timeout_after = self.timeout_after;
        runtime.spawn(async move {
            let rolled_back = timeout(timeout_after, connection.execute("ROLLBACK")).await;
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

    async fn process_id(pool: &PostgresPool) -> i32 {
        let mut connection = pool.acquire(PATIENCE).await.unwrap();
        connection
            .query(async |connection| {
                sqlx::query_scalar("SELECT pg_backend_pid()")
                    .fetch_one(connection)
                    .await
            })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn cancelled_query_does_not_return_its_connection_to_the_pool() {
        let database = TestDatabase::postgres().await;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect(&database.url)
            .await
            .unwrap();
        let pool = PostgresPool::new(pool, Arc::default());
        let before = process_id(&pool).await;
        assert_eq!(
            process_id(&pool).await,
            before,
            "a connection that has answered is used again"
        );
        let lock = database.begin("SELECT pg_advisory_xact_lock(1)").await;
        let mut connection = pool.acquire(PATIENCE).await.unwrap();
        {
            let question = "BEGIN; SELECT pg_advisory_xact_lock(1)";
            let mut asked =
                pin!(connection.query(async |connection| connection.execute(question).await));
            let waits =
                poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending())).await;
            assert!(waits, "nobody answers before the lock is free");
        }
        drop(connection);
        assert_ne!(
            process_id(&pool).await,
            before,
            "nobody meets the transaction that may have begun"
        );
        lock.commit().await;
    }
}
