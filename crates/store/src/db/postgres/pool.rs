//! The sessions of this process on a PostgreSQL server.

use std::sync::Arc;
use std::time::Duration;

use crate::StoreError;
use crate::db::postgres::control::Control;
use crate::db::postgres::history::History;
use crate::db::postgres::lane::{Lane, LaneName, Server};
use crate::db::postgres::limits;
use crate::db::postgres::pooled::PooledConnection;
use crate::db::postgres::route::Route;
use crate::db::postgres::server_time::ServerTime;

/// All sessions of this process: 16 for callers, one each for the change feed, for health checks
/// and for control, and the one of [`NotifyListener`](super::listener::NotifyListener).
#[derive(Clone, Debug)]
pub(crate) struct PostgresPool {
    server: Arc<Server>,
    callers: Arc<Lane>,
    feed: Arc<Lane>,
    health: Arc<Lane>,
}

impl PostgresPool {
    /// Creates a pool without sessions. They are opened when they are needed.
    ///
    /// `direct` is the way to the server past the pooler on `route`.
    pub(crate) fn new(route: Route, direct: Option<Route>) -> Self {
        Self::with_sessions(route, direct, limits::CALLER_SESSIONS)
    }

    pub(super) fn with_sessions(route: Route, direct: Option<Route>, callers: usize) -> Self {
        let server = Arc::new(Server {
            control: Control::new(&route, direct.as_ref()),
            route,
            direct,
            history: History::default(),
            time: ServerTime::default(),
            reported_full_at: std::sync::Mutex::default(),
        });
        Self {
            callers: Lane::new(&server, callers),
            feed: Lane::new(&server, 1),
            health: Lane::new(&server, 1),
            server,
        }
    }

    /// Returns the way on which a session keeps its state; `None` if there is only a pooler.
    pub(crate) fn direct_route(&self) -> Option<&Route> {
        let route = Some(&self.server.route).filter(|route| !route.is_pooled());
        self.server.direct.as_ref().or(route)
    }

    /// Returns the way that migrations use.
    pub(crate) fn migration_route(&self) -> &Route {
        self.server.direct.as_ref().unwrap_or(&self.server.route)
    }

    /// Returns the clock that readings of the server's clock correct.
    pub(crate) fn time(&self) -> &ServerTime {
        &self.server.time
    }

    fn lane(&self, name: LaneName) -> &Arc<Lane> {
        match name {
            LaneName::Callers => &self.callers,
            LaneName::Feed => &self.feed,
            LaneName::Health => &self.health,
        }
    }

    /// Acquires a session. Its queries are given up after `time_limit`.
    pub(crate) async fn acquire(
        &self,
        lane: LaneName,
        time_limit: Duration,
    ) -> Result<PooledConnection, StoreError> {
        let lane = self.lane(lane);
        let held = lane.acquire(time_limit).await?;
        Ok(PooledConnection::new(Arc::clone(lane), held, time_limit))
    }

    /// Acquires a session and begins a transaction on it.
    pub(crate) async fn begin(
        &self,
        lane: LaneName,
        time_limit: Duration,
    ) -> Result<PooledConnection, StoreError> {
        let mut connection = self.acquire(lane, time_limit).await?;
        match connection.begin().await {
            Err(error) if error.is_lost_connection() => {
                connection = self.acquire(lane, time_limit).await?;
                connection.begin().await?;
            }
            begin => begin?,
        }
        Ok(connection)
    }

    /// Returns whether a caller recently waited in vain for a session.
    pub(crate) fn is_starved(&self) -> bool {
        self.callers.is_starved()
    }

    /// Waits for running queries and closes all sessions.
    pub(crate) async fn close(&self) {
        for lane in [&self.callers, &self.feed, &self.health] {
            lane.close().await;
        }
        self.server.control.close().await;
    }
}
