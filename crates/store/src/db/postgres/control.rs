//! The control session, which ends the work of other sessions of this process.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::StoreError;
use crate::db::postgres::route::Route;
use crate::db::postgres::session::Backend;

/// Maximum time of one request, including the time to open the session.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// What a request asks of a server process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// End the running statement, and keep the session.
    Cancel,
    /// End the session.
    Terminate,
}

impl Request {
    /// Returns the query that sends the request and returns a row if `backend` is still there.
    fn query(self, backend: &Backend, start_column: &str) -> String {
        let function = match self {
            Self::Cancel => "pg_cancel_backend",
            Self::Terminate => "pg_terminate_backend",
        };
        format!(
            "SELECT {function}(pid) FROM pg_stat_get_activity({}) WHERE {start_column} = {}",
            backend.process_id, backend.started_at
        )
    }
}

/// One session, opened at the first request.
#[derive(Debug)]
pub(super) struct Control {
    route: Route,
    /// The expression of the start time that identifies the process of a session.
    start_column: &'static str,
    connection: Mutex<Option<PgConnection>>,
}

impl Control {
    /// Creates the control session of sessions on `route`. It uses the direct way if there is one.
    pub(super) fn new(route: &Route, direct: Option<&Route>) -> Self {
        let start_column = if route.is_pooled() {
            "extract(epoch from xact_start)"
        } else {
            "extract(epoch from backend_start)"
        };
        Self {
            route: direct.unwrap_or(route).clone(),
            start_column,
            connection: Mutex::new(None),
        }
    }

    /// Sends a request to a server process. Returns `false` if it has ended; through a pooler, if
    /// the transaction has.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the server does not answer within a second.
    pub(super) async fn send(
        &self,
        request: Request,
        backend: &Backend,
    ) -> Result<bool, StoreError> {
        timeout(TIME_LIMIT, self.exchange(request, backend))
            .await
            .unwrap_or(Err(StoreError::Unresponsive))
    }

    async fn exchange(&self, request: Request, backend: &Backend) -> Result<bool, StoreError> {
        let mut slot = self.connection.lock().await;
        // Taken out, so that a request that fails or is abandoned closes the session.
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.route.session_options()).await?,
        };
        // The simple query protocol works through any pooler.
        let query = AssertSqlSafe(request.query(backend, self.start_column));
        let found = sqlx::raw_sql(query).fetch_optional(&mut connection).await?;
        *slot = Some(connection);
        Ok(found.is_some())
    }

    /// Closes the session.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            let _ = timeout(TIME_LIMIT, connection.close()).await;
        }
    }
}
