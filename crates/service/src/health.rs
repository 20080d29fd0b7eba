//! The health of this process, for the readiness endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evergrant_model::Clock;
use evergrant_store::{Store, StoreError};

use crate::database::DatabaseMonitor;
use crate::refresh::pending_writes::PendingWrites;

/// The database must respond to a read within this time.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The result of a read of the connections' table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseReads {
    /// The read succeeded.
    Working,
    /// The read timed out while the database answered others: another session locks the table.
    Blocked,
    /// The read failed.
    Failing,
}

/// The stage of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The process serves.
    Serving,
    /// The process shuts down, or will after a delay.
    ShuttingDown,
}

/// The state of the journal of refreshed tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// It contains all pending writes, or is not configured.
    Ok,
    /// It does not accept some pending writes, so they are only in memory.
    Failing,
}

/// The state of the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// It agrees with the time that all replicas share.
    Right,
    /// It differs. This process still serves and refreshes tokens, so it is ready.
    Wrong,
}

/// The place of the SQLite file that this process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseFile {
    /// It is at the path of `DATABASE_URL`, or the database is PostgreSQL.
    InPlace,
    /// It was removed or replaced; what is written to it is lost.
    Gone,
}

/// The health of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The stage of the process.
    pub stage: Stage,
    /// Whether connections can be read from the database.
    pub reads: DatabaseReads,
    /// Where the SQLite file is that this process uses.
    pub file: DatabaseFile,
    /// Whether the database accepted the last heartbeat, which each replica writes once a second.
    pub accepts_writes: bool,
    /// Whether requests have recently waited in vain for a connection to the database.
    pub is_starved: bool,
    /// Whether the change feed is live; `true` in a process that does not follow it.
    pub feed_is_live: bool,
    /// The number of refreshed token sets that the database has not accepted yet. They are kept in
    /// memory, and in the journal if there is one.
    pub pending_writes: usize,
    /// The number of pending writes that the database refuses one by one while it accepts others,
    /// for example because of a trigger of the app. They do not make this process unready.
    pub refused_writes: usize,
    /// The number of pending writes whose first commit takes long and has not failed. They do not
    /// make this process unready.
    pub slow_writes: usize,
    /// The state of the journal.
    pub journal: JournalState,
    /// The state of the machine's clock.
    pub clock: ClockState,
    /// The number of polls of the change feed since the process started.
    pub polls: u64,
}

impl Health {
    /// Returns whether this process can serve requests.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.problems().is_empty()
    }

    /// Returns the state of the database in one phrase; `ok` if it works.
    #[must_use]
    pub fn database(&self) -> &'static str {
        if self.file == DatabaseFile::Gone {
            return "file gone";
        }
        match (self.reads, self.accepts_writes, self.is_starved) {
            (DatabaseReads::Failing, ..) => "not answering",
            (DatabaseReads::Blocked, ..) => "locked",
            (_, false, _) => "taking no writes",
            (.., true) => "overloaded",
            _ => "ok",
        }
    }

    /// Returns what this process cannot do, each in one sentence for the operator.
    #[must_use]
    pub fn problems(&self) -> Vec<&'static str> {
        let is_ending = self.stage == Stage::ShuttingDown;
        let problems = std::iter::once((is_ending, "this process is shutting down"))
            .chain(self.database_problems())
            .chain(self.other_problems());
        let present = problems.filter(|(is_present, _)| *is_present);
        present.map(|(_, problem)| problem).collect()
    }

    fn database_problems(&self) -> [(bool, &'static str); 5] {
        [
            (
                self.file == DatabaseFile::Gone,
                "the file of DATABASE_URL was removed or replaced while this process uses it, and \
                 nothing is written any more; restore it and restart this process",
            ),
            (
                self.reads == DatabaseReads::Failing,
                "the database does not answer; fresh tokens are served from memory for 30 seconds",
            ),
            (
                self.reads == DatabaseReads::Blocked,
                "another session locks users, oauth_accounts or evergrant_connections; only tokens in \
                 memory are served",
            ),
            (
                !self.accepts_writes,
                "the database does not accept writes; no token is refreshed",
            ),
            (
                self.is_starved,
                "all database connections are busy; requests are rejected",
            ),
        ]
    }

    fn other_problems(&self) -> [(bool, &'static str); 3] {
        [
            (
                !self.feed_is_live,
                "the change feed cannot be read; changes of other replicas are not seen",
            ),
            (
                self.pending_writes > self.refused_writes + self.slow_writes,
                "refreshed tokens are not stored yet",
            ),
            (
                self.journal == JournalState::Failing,
                "the journal in EVERGRANT_DATA_DIR cannot be written; tokens that are not stored yet \
                 are lost if this process ends",
            ),
        ]
    }
}

impl Health {
    /// Returns what this process leaves to the others while it serves requests, each in one
    /// sentence for the operator.
    #[must_use]
    pub fn restrictions(&self) -> Vec<&'static str> {
        const WRONG_CLOCK: &str = "the clock of this machine is wrong; this process changes no status, deletes nothing \
             that has expired and blocks no provider";
        match self.clock {
            ClockState::Right => Vec::new(),
            ClockState::Wrong => vec![WRONG_CLOCK],
        }
    }
}

/// Checks the health of this process.
pub(crate) struct HealthCheck {
    pub(crate) store: Store,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) pending: Arc<PendingWrites>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown_announced: AtomicBool,
}

impl HealthCheck {
    /// Reports from now on that this process shuts down.
    pub(crate) fn announce_shutdown(&self) {
        self.shutdown_announced.store(true, Ordering::SeqCst);
    }

    fn stage(&self) -> Stage {
        if self.shutdown_announced.load(Ordering::SeqCst) {
            Stage::ShuttingDown
        } else {
            Stage::Serving
        }
    }

    fn file(&self) -> DatabaseFile {
        match self.store.check_file() {
            Ok(()) => DatabaseFile::InPlace,
            Err(_) => DatabaseFile::Gone,
        }
    }

    fn journal(&self) -> JournalState {
        if self.pending.is_journal_failing() {
            JournalState::Failing
        } else {
            JournalState::Ok
        }
    }

    fn clock_state(&self) -> ClockState {
        if self.clock.is_reliable() {
            ClockState::Right
        } else {
            ClockState::Wrong
        }
    }

    /// Reads from the table of connections and returns the health of this process.
    pub(crate) async fn run(&self) -> Health {
        let database = &self.database;
        Health {
            stage: self.stage(),
            reads: self.try_read().await,
            file: self.file(),
            accepts_writes: database.accepts_writes(),
            is_starved: self.store.is_starved(),
            feed_is_live: database.is_feed_live() || !database.follows_feed(),
            pending_writes: self.pending.count(),
            refused_writes: self.pending.refused(),
            slow_writes: self.pending.committing(),
            journal: self.journal(),
            clock: self.clock_state(),
            polls: database.polls(),
        }
    }

    async fn try_read(&self) -> DatabaseReads {
        let connections = self.store.connections();
        let read = tokio::time::timeout(PROBE_TIMEOUT, connections.check_readable()).await;
        let error = match read.unwrap_or(Err(StoreError::Unresponsive)) {
            Ok(()) => return DatabaseReads::Working,
            Err(error) => error,
        };
        let cause = &error as &dyn std::error::Error;
        tracing::error!(
            error = cause,
            "not ready: cannot read users, oauth_accounts and evergrant_connections"
        );
        match error {
            StoreError::Busy => DatabaseReads::Blocked,
            _ => DatabaseReads::Failing,
        }
    }
}
