//! One session: a connection, and the server process that serves it.

use std::time::Duration;

use evergrant_model::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::time::{Instant, timeout};

use crate::StoreError;
use crate::db::address::place_of;
use crate::db::connect_error::{ConnectError, ConnectFailure, ConnectFault};
use crate::db::postgres::limits;
use crate::db::postgres::route::Route;
use crate::db::postgres::server_time::ServerTime;
use crate::db::postgres::servers::Servers;

/// Identifies the process of the server that works for a session. The server reuses process ids,
/// and a pooler uses a process for many sessions, so a start time belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    pub(super) process_id: i32,
    /// When the process started; through a pooler, when the transaction did. Seconds since 1970, in
    /// the server's own notation.
    pub(super) started_at: String,
}

impl Backend {
    /// Reads the columns `pid` and `started_at`.
    pub(super) fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            process_id: row.try_get("pid")?,
            started_at: row.try_get("started_at")?,
        })
    }
}

/// The simple query protocol returns text, so the server's time is in milliseconds since 1970.
const IDENTIFY: &str = "SELECT pid, extract(epoch from backend_start)::text AS started_at,
        trunc(extract(epoch from clock_timestamp()) * 1000)::text AS server_now_ms
    FROM pg_stat_get_activity(pg_backend_pid())";

/// A session that a [`Lane`](super::lane::Lane) counts.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: PgConnection,
    /// `None` through a pooler while no transaction is open.
    pub(super) backend: Option<Backend>,
    servers: Servers,
    /// The number of changes of the used server before the session was opened.
    server_changes: u64,
    opened_at: Instant,
    used_at: Instant,
}

impl Session {
    /// Opens a session within `time_limit`, and reads the server's clock. If the server cannot be
    /// used, another one of the address is looked for.
    pub(super) async fn open(
        route: &Route,
        time: &ServerTime,
        time_limit: Duration,
    ) -> Result<Self, StoreError> {
        let session = timeout(time_limit, Self::connect(route, time))
            .await
            .unwrap_or(Err(StoreError::Unresponsive));
        session.inspect_err(|error| {
            if !error.is_full_server() {
                route.servers().search();
            }
        })
    }

    async fn connect(route: &Route, time: &ServerTime) -> Result<Self, StoreError> {
        let servers = route.servers().clone();
        let server_changes = servers.changes();
        let options = route.session_options();
        let connection = PgConnection::connect_with(&options).await;
        let mut connection = connection.map_err(|error| refusal(error, &options))?;
        if !servers.fits(&mut connection).await? {
            connection.close().await?;
            return Err(StoreError::Unresponsive);
        }
        let backend = if route.is_pooled() {
            None
        } else {
            Some(prepare(&mut connection, time).await?)
        };
        let now = Instant::now();
        Ok(Self {
            connection,
            backend,
            servers,
            server_changes,
            opened_at: now,
            used_at: now,
        })
    }

    /// Forgets the process that a pooler has given to another session.
    pub(super) fn leave_process(&mut self) {
        self.backend = None;
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
        self.opened_at.elapsed() > limits::MAX_AGE
            || self.idle_for() > limits::MAX_IDLE_TIME
            || self.server_changes != self.servers.changes()
    }

    /// Returns whether the server still answers on this session.
    pub(super) async fn responds(&mut self, time_limit: Duration) -> bool {
        matches!(
            timeout(time_limit, self.connection.ping()).await,
            Ok(Ok(()))
        )
    }
}

/// Returns why the server refuses a session; any other error, such as a broken connection, as it
/// is.
fn refusal(error: sqlx::Error, options: &PgConnectOptions) -> StoreError {
    if error.as_database_error().is_none() {
        return error.into();
    }
    let (place, fault) = (place_of(options), ConnectFault::of(&error, options));
    StoreError::Connect(ConnectError {
        failures: vec![ConnectFailure { place, fault }],
    })
}

/// Identifies the process of a direct session, reads the server's clock, and lets the process check
/// for a lost client.
async fn prepare(connection: &mut PgConnection, time: &ServerTime) -> Result<Backend, sqlx::Error> {
    let requested = time.request();
    let row = connection.fetch_one(IDENTIFY).await?;
    if let Ok(now_ms) = row.try_get::<String, _>("server_now_ms")?.parse() {
        time.receive(&requested, Timestamp::from_unix_ms(now_ms));
    }
    let backend = Backend::read(&row)?;
    match connection.execute(limits::CHECK_CLIENT).await {
        // Older servers and some platforms do not have this setting.
        Ok(_) | Err(sqlx::Error::Database(_)) => Ok(backend),
        Err(error) => Err(error),
    }
}
