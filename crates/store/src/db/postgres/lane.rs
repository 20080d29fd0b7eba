//! A lane: a fixed number of sessions for one purpose, so that one purpose cannot starve another.
//!
//! A permit stands for one session, and is held together with it. It is released only when the
//! session is idle again or known to have ended. Sessions are opened only while none is idle, so a
//! lane never has more sessions than permits.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergrant_resilience::lock;
use sqlx::{Connection, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use crate::StoreError;
use crate::db::postgres::control::Control;
use crate::db::postgres::history::{History, LastTime};
use crate::db::postgres::limits;
use crate::db::postgres::route::Route;
use crate::db::postgres::server_time::ServerTime;
use crate::db::postgres::session::Session;

/// The interval at which a session is requested from a server that has no room for one.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How long the permit of a session stays taken that the server did not open in time.
const FAILED_OPEN_PAUSE: Duration = Duration::from_secs(1);
/// The interval at which it is logged that the server has no room.
const REPORT_FULL_EVERY: Duration = Duration::from_mins(1);
/// Maximum time to close an unused session.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The purposes that have sessions of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneName {
    /// Requests and jobs.
    Callers,
    /// The change feed.
    Feed,
    /// The heartbeat and the health checks.
    Health,
}

/// What all lanes of a pool share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) route: Route,
    /// The way past a pooler.
    pub(super) direct: Option<Route>,
    pub(super) control: Control,
    pub(super) history: History,
    pub(super) time: ServerTime,
    /// When it was last logged that the server opens no more sessions.
    pub(super) reported_full_at: Mutex<Option<Instant>>,
}

impl Server {
    /// Logs that the server opens no more sessions, at most once a minute: requests only see that
    /// the database is busy.
    fn report_full(&self, error: &StoreError) {
        let mut reported_at = lock(&self.reported_full_at);
        if reported_at.is_none_or(|at| at.elapsed() >= REPORT_FULL_EVERY) {
            *reported_at = Some(Instant::now());
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "the database server opens no further session; requests wait for one"
            );
        }
    }
}

/// A session in use, and the permit that it occupies.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) session: Session,
    pub(super) permit: OwnedSemaphorePermit,
}

/// A fixed number of sessions.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) server: Arc<Server>,
    size: usize,
    permits: Arc<Semaphore>,
    /// The session that was used last is at the end.
    idle: Mutex<Vec<Session>>,
    /// When a query of this lane was last given up.
    obstructed_at: LastTime,
    /// When a caller last waited in vain for a session.
    starved_at: LastTime,
}

impl Lane {
    pub(super) fn new(server: &Arc<Server>, size: usize) -> Arc<Self> {
        Arc::new(Self {
            server: Arc::clone(server),
            size,
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::default(),
            obstructed_at: LastTime::default(),
            starved_at: LastTime::default(),
        })
    }

    /// Returns a session. A caller waits for at most `time_limit`; longer only while all queries of
    /// the lane complete in time.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        time_limit: Duration,
    ) -> Result<Held, StoreError> {
        loop {
            let permit = self.permit(time_limit).await?;
            let Some(mut session) = self.idle_session().await else {
                return self.open(permit, time_limit).await;
            };
            let is_suspect = self.server.history.is_suspect(session.idle_for());
            if !is_suspect || session.responds(time_limit).await {
                return Ok(Held { session, permit });
            }
            self.give_up_broken(Held { session, permit });
        }
    }

    async fn permit(&self, time_limit: Duration) -> Result<OwnedSemaphorePermit, StoreError> {
        let mut permit = pin!(Arc::clone(&self.permits).acquire_owned());
        let waiting_since = Instant::now();
        loop {
            match timeout(time_limit, &mut permit).await {
                Ok(permit) => return permit.map_err(|_closed| Error::PoolClosed.into()),
                Err(_elapsed)
                    if self.makes_progress()
                        && waiting_since.elapsed() < limits::MAX_QUEUE_TIME => {}
                Err(_elapsed) => {
                    self.server.history.record(&self.starved_at);
                    return Err(self.timeout_error());
                }
            }
        }
    }

    /// Returns whether the server responds and no query of this lane was given up recently.
    fn makes_progress(&self) -> bool {
        let history = &self.server.history;
        history.is_responding() && !history.is_recent(&self.obstructed_at)
    }

    /// Returns whether a caller recently waited in vain for a session.
    pub(super) fn is_starved(&self) -> bool {
        self.server.history.is_recent(&self.starved_at)
    }

    /// Returns the error for a query or a wait that timed out.
    pub(super) fn timeout_error(&self) -> StoreError {
        if self.server.history.is_responding() {
            StoreError::Busy
        } else {
            StoreError::Unresponsive
        }
    }

    pub(super) fn record_obstruction(&self) {
        self.server.history.record(&self.obstructed_at);
    }

    async fn idle_session(&self) -> Option<Session> {
        loop {
            let session = lock(&self.idle).pop()?;
            if !session.is_outdated() {
                return Some(session);
            }
            close(session).await;
        }
    }

    /// Opens a session. While the server is starting or has no room, tries again.
    async fn open(
        &self,
        permit: OwnedSemaphorePermit,
        time_limit: Duration,
    ) -> Result<Held, StoreError> {
        let (started, mut refusal) = (Instant::now(), None);
        loop {
            let time_left = time_limit.saturating_sub(started.elapsed());
            match Session::open(&self.server.route, &self.server.time, time_left).await {
                Ok(session) => {
                    self.server.history.record_response();
                    return Ok(Held { session, permit });
                }
                Err(error) if error.is_full_server() && started.elapsed() < time_limit => {
                    self.server.report_full(&error);
                    refusal = Some(error);
                    sleep(OPEN_AGAIN_AFTER).await;
                }
                Err(StoreError::Unresponsive) => {
                    // The server may still be opening the session.
                    release_later(permit);
                    let error = self.timeout_error();
                    let cause = refusal.filter(|_| matches!(error, StoreError::Unresponsive));
                    return Err(cause.unwrap_or(error));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes a session available again.
    pub(super) fn put_back(&self, mut held: Held) {
        held.session.mark_used();
        if self.server.route.is_pooled() {
            held.session.leave_process();
        }
        let mut idle = lock(&self.idle);
        idle.push(held.session);
        let oldest = idle.first().is_some_and(Session::is_outdated);
        let unused = oldest.then(|| idle.remove(0));
        drop(idle);
        if let (Some(session), Ok(runtime)) = (unused, tokio::runtime::Handle::try_current()) {
            runtime.spawn(close(session));
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    /// Waits for sessions in use, for at most 5 seconds, and closes all.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        let _ = timeout(limits::MAX_QUEUE_TIME, self.permits.acquire_many(all)).await;
        self.permits.close();
        let sessions = std::mem::take(&mut *lock(&self.idle));
        for session in sessions {
            close(session).await;
        }
    }
}

async fn close(session: Session) {
    let _ = timeout(CLOSE_TIMEOUT, session.connection.close()).await;
}

fn release_later(permit: OwnedSemaphorePermit) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            sleep(FAILED_OPEN_PAUSE).await;
            drop(permit);
        });
    }
}
