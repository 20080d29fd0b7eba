//! Connections to PostgreSQL with a timeout for each query.
//!
//! If the server hangs or the network drops all packets, a query without a timeout waits forever,
//! and a pool full of such connections blocks every caller. A connection whose query timed out is
//! closed instead of being returned to the pool. The pool then opens a new one, which after a
//! failover reaches the new primary.
//!
//! A timeout does not prove that the server is down: the query may be waiting for a lock, or be
//! expensive. If the server recently completed other queries, the timeout is reported as
//! [`StoreError::Busy`], otherwise as [`StoreError::Unresponsive`].

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, PgPool, Postgres};
use tokio::time::{Instant, timeout};

use crate::StoreError;

/// A server that completed any query within this time counts as available. `serve` sends a query
/// every second.
const AVAILABILITY_WINDOW: Duration = Duration::from_millis(1_500);

/// A connection pool that records when the server last responded.
#[derive(Clone, Debug)]
pub(crate) struct PostgresPool {
    pub(crate) pool: PgPool,
    history: Arc<PoolHistory>,
}

/// The times of the last response and of the last broken connection.
#[derive(Debug)]
pub(crate) struct PoolHistory {
    created_at: Instant,
    /// Time of the last completed query, in milliseconds since `created_at`.
    responded_at_ms: AtomicU64,
    /// Time at which a connection was last found broken, in milliseconds since `created_at`.
    broken_at_ms: AtomicU64,
}

impl Default for PoolHistory {
    fn default() -> Self {
        Self {
            created_at: Instant::now(),
            responded_at_ms: AtomicU64::new(0),
            broken_at_ms: AtomicU64::new(0),
        }
    }
}

impl PoolHistory {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.created_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns whether a connection that was idle for `idle_for` may be broken because another
    /// connection broke meanwhile: a restart or failover of the server breaks all connections of
    /// the pool.
    pub(crate) fn is_suspect(&self, idle_for: Duration) -> bool {
        let idle_ms = u64::try_from(idle_for.as_millis()).unwrap_or(u64::MAX);
        self.now_ms().saturating_sub(idle_ms) <= self.broken_at_ms.load(Ordering::Relaxed)
    }
}

impl PostgresPool {
    pub(crate) fn new(pool: PgPool, history: Arc<PoolHistory>) -> Self {
        Self { pool, history }
    }

    fn is_responding(&self) -> bool {
        let elapsed_ms = self
            .history
            .now_ms()
            .saturating_sub(self.history.responded_at_ms.load(Ordering::Relaxed));
        Duration::from_millis(elapsed_ms) < AVAILABILITY_WINDOW
    }

    /// Returns the error for a query that timed out.
    fn timeout_error(&self) -> StoreError {
        if self.is_responding() {
            StoreError::Busy
        } else {
            StoreError::Unresponsive
        }
    }

    /// Acquires a connection. While the server completes other queries, the caller waits in the
    /// pool's queue until the pool's own timeout.
    pub(crate) async fn acquire(
        &self,
        timeout_after: Duration,
    ) -> Result<PooledConnection, StoreError> {
        let mut acquired = pin!(self.pool.acquire());
        let connection = loop {
            match timeout(timeout_after, &mut acquired).await {
                Ok(Err(sqlx::Error::PoolTimedOut)) => return Err(self.timeout_error()),
                Ok(acquired) => break acquired?,
                Err(_) if self.is_responding() => {}
                Err(_) => return Err(StoreError::Unresponsive),
            }
        };
        Ok(PooledConnection {
            pool: self.clone(),
            connection: Some(connection),
            timeout_after,
            is_open: false,
        })
    }

    /// Acquires a connection and begins a transaction on it.
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
            begin => begin?,
        }
        Ok(connection)
    }
}

/// A pooled connection. Returned to the pool if its queries complete in time, closed otherwise.
pub(crate) struct PooledConnection {
    pool: PostgresPool,
    connection: Option<PoolConnection<Postgres>>,
    timeout_after: Duration,
    /// Whether a transaction is open.
    is_open: bool,
}

impl PooledConnection {
    /// Runs one query. Closes the connection if the query times out or the connection breaks.
    pub(crate) async fn query<T>(
        &mut self,
        query: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let mut in_flight = InFlight(self.connection.take());
        let connection = in_flight.0.as_mut().ok_or(StoreError::Unresponsive)?;
        let Ok(result) = timeout(self.timeout_after, query(connection)).await else {
            return Err(self.pool.timeout_error());
        };
        let history = &self.pool.history;
        let result = result.map_err(StoreError::from);
        if matches!(&result, Err(error) if error.is_lost_connection()) {
            history
                .broken_at_ms
                .fetch_max(history.now_ms(), Ordering::Relaxed);
        } else {
            history
                .responded_at_ms
                .fetch_max(history.now_ms(), Ordering::Relaxed);
            self.connection = in_flight.0.take();
        }
        result
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.query(async |connection| connection.execute("BEGIN").await)
            .await?;
        self.is_open = true;
        Ok(())
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        // COMMIT ends the transaction even if it fails, so there is nothing to roll back.
        self.is_open = false;
        self.query(async |connection| connection.execute("COMMIT").await)
            .await
            .map(drop)
    }
}

/// A connection with a query in flight. If the caller is cancelled, the state of the connection is
/// unknown, and a transaction may be open. The connection is then closed, and the pool may open
/// another one.
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

    const TIMEOUT: Duration = Duration::from_secs(30);

    async fn process_id(pool: &PostgresPool) -> i32 {
        let mut connection = pool.acquire(TIMEOUT).await.unwrap();
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
    async fn cancelled_query_does_not_return_connection_to_pool() {
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
            "an idle connection is reused"
        );
        let lock = database.begin("SELECT pg_advisory_xact_lock(1)").await;
        let mut connection = pool.acquire(TIMEOUT).await.unwrap();
        {
            let sql = "BEGIN; SELECT pg_advisory_xact_lock(1)";
            let mut query =
                pin!(connection.query(async |connection| connection.execute(sql).await));
            let is_pending =
                poll_fn(|context| Poll::Ready(query.as_mut().poll(context).is_pending())).await;
            assert!(is_pending, "the query waits for the lock");
        }
        drop(connection);
        assert_ne!(
            process_id(&pool).await,
            before,
            "the connection, which may have an open transaction, is closed"
        );
        lock.commit().await;
    }
}
