//! Ending what a session does on the server before its permit is released.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, Executor};
use tokio::time::{sleep, timeout};

use crate::db::postgres::control::Request;
use crate::db::postgres::lane::{Held, Lane};
use crate::db::postgres::session::Session;

/// The interval at which the server is asked to end a session.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How long a session may take to become usable after its statement was cancelled.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of errors that a session reports for the statements that were in flight.
const MAX_PENDING_ERRORS: usize = 4;

impl Lane {
    /// Takes back a session whose query was given up. Its statement is cancelled, and its
    /// transaction rolled back. If that fails, the session is terminated.
    pub(super) fn give_up(self: &Arc<Self>, held: Held, in_transaction: bool) {
        self.record_obstruction();
        let lane = Arc::clone(self);
        spawn(async move {
            if let Some(held) = lane.recover(held, in_transaction).await {
                lane.put_back(held);
            }
        });
    }

    /// Takes back a session with an open transaction and no query in flight.
    pub(super) fn roll_back(self: &Arc<Self>, mut held: Held) {
        let lane = Arc::clone(self);
        spawn(async move {
            if held.session.becomes_ready(true).await {
                lane.put_back(held);
            } else {
                lane.terminate(held).await;
            }
        });
    }

    /// Takes back a session whose connection broke. The server may not have noticed: its process
    /// is terminated.
    pub(super) fn give_up_broken(self: &Arc<Self>, held: Held) {
        self.server.history.record_break();
        let lane = Arc::clone(self);
        spawn(async move { lane.terminate(held).await });
    }

    /// Cancels the statement of a session. Returns the session if it can be used again.
    async fn recover(&self, mut held: Held, in_transaction: bool) -> Option<Held> {
        // Without a process, the pooler has not begun the transaction: closing is enough.
        let backend = held.session.backend.clone()?;
        let control = &self.server.control;
        let cancelled = control.send(Request::Cancel, &backend).await;
        if matches!(cancelled, Ok(true)) && held.session.becomes_ready(in_transaction).await {
            return Some(held);
        }
        self.terminate(held).await;
        None
    }

    /// Ends a session, and releases its permit once the server confirms that the process is gone.
    /// While the server cannot be reached, no other session could be opened either.
    async fn terminate(&self, held: Held) {
        let Held { session, permit } = held;
        let backend = session.backend.clone();
        drop(session);
        let control = &self.server.control;
        while let Some(backend) = backend.as_ref().filter(|_| !self.is_closed()) {
            if matches!(control.send(Request::Terminate, backend).await, Ok(false)) {
                break;
            }
            sleep(ASK_EVERY).await;
        }
        drop(permit);
    }
}

impl Session {
    /// Waits until the statements in flight have ended, and rolls back the transaction. Returns
    /// `false` if the session cannot be used again.
    async fn becomes_ready(&mut self, in_transaction: bool) -> bool {
        let ready = async {
            for _ in 0..MAX_PENDING_ERRORS {
                match self.connection.ping().await {
                    // The error of the cancelled statement.
                    Err(sqlx::Error::Database(_)) => {}
                    Err(_) => return false,
                    Ok(()) if in_transaction => {
                        return self.connection.execute("ROLLBACK").await.is_ok();
                    }
                    Ok(()) => return true,
                }
            }
            false
        };
        timeout(RECOVERY_TIMEOUT, ready).await.unwrap_or(false)
    }
}

fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    // Without a runtime the process is ending.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}
