//! The control session, which ends the work of other sessions of this process.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::StoreError;
use crate::db::postgres::session::Backend;

/// Maximum time of one request, including the time to open the session.
const TIME_LIMIT: Duration = Duration::from_secs(1);

const CANCEL: &str = "SELECT pg_cancel_backend(pid) FROM pg_stat_get_activity($1)
    WHERE extract(epoch from backend_start)::text = $2";
const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity($1)
    WHERE extract(epoch from backend_start)::text = $2";

/// What a request asks of a server process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// End the running statement, and keep the session.
    Cancel,
    /// End the session.
    Terminate,
}

/// One session, opened at the first request.
#[derive(Debug)]
pub(super) struct Control {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl Control {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            connection: Mutex::new(None),
        }
    }

    /// Sends a request to a server process. Returns `false` if that process has ended.
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
            None => PgConnection::connect_with(&self.options).await?,
        };
        let sql = match request {
            Request::Cancel => CANCEL,
            Request::Terminate => TERMINATE,
        };
        let row = sqlx::query(sql)
            .bind(backend.process_id)
            .bind(&backend.started_at)
            .fetch_optional(&mut connection)
            .await?;
        *slot = Some(connection);
        row.map_or(Ok(false), |row| {
            row.try_get::<bool, _>(0)?;
            Ok(true)
        })
    }

    /// Closes the session.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            let _ = timeout(TIME_LIMIT, connection.close()).await;
        }
    }
}
