//! One session: a connection, and the server process that serves it.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::time::{Instant, timeout};

use crate::StoreError;
use crate::db::postgres::limits;

/// Identifies a server process. The server reuses process ids, so its start time belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    pub(super) process_id: i32,
    /// Seconds since 1970, in the server's own notation.
    pub(super) started_at: String,
}

const IDENTIFY: &str = "SELECT pid, extract(epoch from backend_start)::text AS started_at
    FROM pg_stat_get_activity(pg_backend_pid())";

/// A session that a [`Lane`](super::lane::Lane) counts.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: PgConnection,
    pub(super) backend: Backend,
    opened_at: Instant,
    used_at: Instant,
}

impl Session {
    /// Opens a session within `time_limit`.
    pub(super) async fn open(
        options: &PgConnectOptions,
        time_limit: Duration,
    ) -> Result<Self, StoreError> {
        timeout(time_limit, Self::connect(options))
            .await
            .unwrap_or(Err(StoreError::Unresponsive))
    }

    async fn connect(options: &PgConnectOptions) -> Result<Self, StoreError> {
        let mut connection = PgConnection::connect_with(options).await?;
        let row = connection.fetch_one(IDENTIFY).await?;
        let backend = Backend {
            process_id: row.try_get("pid")?,
            started_at: row.try_get("started_at")?,
        };
        match connection.execute(limits::CHECK_CLIENT).await {
            // Older servers and some platforms do not have this setting.
            Ok(_) | Err(sqlx::Error::Database(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let now = Instant::now();
        Ok(Self {
            connection,
            backend,
            opened_at: now,
            used_at: now,
        })
    }

    /// Records the end of a use.
    pub(super) fn mark_used(&mut self) {
        self.used_at = Instant::now();
    }

    pub(super) fn idle_for(&self) -> Duration {
        self.used_at.elapsed()
    }

    /// Returns whether the session should be replaced.
    pub(super) fn is_outdated(&self) -> bool {
        self.opened_at.elapsed() > limits::MAX_AGE || self.idle_for() > limits::MAX_IDLE_TIME
    }

    /// Returns whether the server still answers on this session.
    pub(super) async fn responds(&mut self, time_limit: Duration) -> bool {
        matches!(
            timeout(time_limit, self.connection.ping()).await,
            Ok(Ok(()))
        )
    }
}
