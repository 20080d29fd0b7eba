//! A session in use, with a time limit for each query.
//!
//! If the server hangs or the network drops all packets, a query without a limit waits forever, and
//! a pool full of such queries blocks every caller.
//!
//! A timeout does not prove that the server is down: the query may be waiting for a lock, or be
//! expensive. If the server recently completed other queries, the timeout is reported as
//! [`StoreError::Busy`], otherwise as [`StoreError::Unresponsive`].

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::timeout;

use crate::StoreError;
use crate::db::postgres::commit::{self, Committed};
use crate::db::postgres::lane::{Held, Lane};
use crate::db::postgres::session::Backend;

/// A session in use. It returns to its lane when it is dropped; a query that was given up is
/// cancelled first, and an open transaction is rolled back.
pub(crate) struct PooledConnection {
    lane: Arc<Lane>,
    held: Option<Held>,
    time_limit: Duration,
    /// Whether a transaction is open.
    is_open: bool,
}

/// Why a query has no result.
enum QueryFailure {
    /// It was given up.
    TimedOut,
    /// It failed.
    Failed(StoreError),
}

impl PooledConnection {
    pub(super) fn new(lane: Arc<Lane>, held: Held, time_limit: Duration) -> Self {
        Self {
            lane,
            held: Some(held),
            time_limit,
            is_open: false,
        }
    }

    /// Runs one query.
    pub(crate) async fn query<T>(
        &mut self,
        query: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.try_query(query)
            .await
            .map_err(|failure| match failure {
                QueryFailure::TimedOut => self.lane.timeout_error(),
                QueryFailure::Failed(error) => error,
            })
    }

    /// Runs one query. If it times out, or the caller is cancelled, it is given up. If the columns
    /// of its table have changed, the prepared statements of the session are closed.
    async fn try_query<T>(
        &mut self,
        query: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, QueryFailure> {
        let mut in_flight = InFlight {
            lane: Arc::clone(&self.lane),
            held: self.held.take(),
            in_transaction: self.is_open,
        };
        let Some(held) = in_flight.held.as_mut() else {
            return Err(QueryFailure::Failed(StoreError::Unresponsive));
        };
        let connection = &mut held.session.connection;
        let query = async {
            let result = query(connection).await.map_err(StoreError::from);
            if matches!(&result, Err(error) if error.is_outdated_statement()) {
                connection.clear_cached_statements().await?;
            }
            result
        };
        let Ok(result) = timeout(self.time_limit, query).await else {
            return Err(QueryFailure::TimedOut);
        };
        let held = in_flight.held.take();
        if matches!(&result, Err(error) if error.is_lost_connection()) {
            self.is_open = false;
            if let Some(held) = held {
                self.lane.give_up_broken(held);
            }
        } else {
            self.lane.server.history.record_response();
            self.held = held;
        }
        result.map_err(QueryFailure::Failed)
    }

    /// Runs one statement that is a transaction of its own.
    pub(crate) async fn single<T>(
        mut self,
        query: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        if self.keeps_statements() {
            return self.query(query).await;
        }
        self.begin().await?;
        let result = self.query(query).await?;
        self.commit().await?;
        Ok(result)
    }

    /// Returns whether the session keeps prepared statements, which a pooler does not.
    pub(crate) fn keeps_statements(&self) -> bool {
        !self.lane.server.route.is_pooled()
    }

    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        // Set first: a BEGIN that is given up may have been executed.
        self.is_open = true;
        let Some(begin) = self.lane.server.route.pooled_begin() else {
            let begun = self.query(async |connection| connection.execute("BEGIN").await);
            return begun.await.map(drop);
        };
        let begin = AssertSqlSafe(begin.to_owned());
        let row = self
            .query(async |connection| sqlx::raw_sql(begin).fetch_one(connection).await)
            .await?;
        let backend = Backend::read(&row)?;
        if let Some(held) = &mut self.held {
            held.session.backend = Some(backend);
        }
        Ok(())
    }

    /// Commits the transaction. If the server may have committed it but did not confirm that it is
    /// durable, the error is [`StoreError::CommitUnknown`].
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let committed = self
            .try_query(async |connection| commit::commit(connection).await)
            .await;
        // COMMIT ends the transaction even if it fails, so there is nothing to roll back.
        self.is_open = false;
        match committed {
            Ok(Committed::Durably) => Ok(()),
            Ok(Committed::WithWarning) => Err(StoreError::CommitUnknown(None)),
            Err(QueryFailure::TimedOut) => {
                let cause = self.lane.timeout_error();
                Err(StoreError::CommitUnknown(Some(Box::new(cause))))
            }
            Err(QueryFailure::Failed(error)) if error.is_lost_connection() => {
                Err(StoreError::CommitUnknown(Some(Box::new(error))))
            }
            Err(QueryFailure::Failed(error)) => Err(error),
        }
    }
}

/// A session with a query in flight. If the caller is cancelled, its state is unknown.
struct InFlight {
    lane: Arc<Lane>,
    held: Option<Held>,
    in_transaction: bool,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.lane.give_up(held, self.in_transaction);
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        match self.held.take() {
            Some(held) if self.is_open => self.lane.roll_back(held),
            Some(held) => self.lane.put_back(held),
            None => {}
        }
    }
}
