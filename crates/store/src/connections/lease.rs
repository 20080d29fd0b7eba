//! Refresh leases: rows of `evergrant_connections`, changed by the functions of
//! `evergrant_resilience::refresh::lease`.
//!
//! A transaction locks the row, applies a function of that module, and writes the result. No rule
//! of the refresh protocol is in SQL, so the simulation that runs the functions through a million
//! schedules tests what runs here. Leases use the database's clock, which all replicas share.

use evergrant_model::{ConnectionId, SignedDuration, Timestamp};
use evergrant_resilience::refresh::AllRules;
use evergrant_resilience::refresh::lease::{self, LeaseDecision, LeaseRequest, LeaseRow, Ticket};

use crate::StoreError;
use crate::connections::row::{Connection, columns, read_lease, select};
use crate::db::postgres::replica_lock::replica_lock_is_free;
use crate::db::postgres::server_time::server_now;
use crate::db::repository::repository;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, params};

/// A connection whose refresh lease the caller holds.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The connection, read when the lease was taken.
    pub connection: Connection,
    /// The proof of the lease, required to store the result.
    pub ticket: Ticket,
}

/// The answer to a request for a lease.
#[derive(Debug)]
pub enum LeaseAnswer {
    /// The caller holds the lease.
    Leased(Box<Leased>),
    /// Another process holds the lease.
    Busy {
        /// Time until it may be requested again, at least a millisecond.
        wait: SignedDuration,
    },
    /// The stored token set is newer than the one that the caller knows, or the grant is dead.
    /// Contains the stored connection.
    Outdated(Box<Connection>),
    /// Another program has written the tokens, and they are not imported yet. Contains the stored
    /// connection.
    External(Box<Connection>),
    /// The connection does not exist.
    Gone,
}

/// What a request for a lease needs beside the row: the database's time, and what is known about
/// the process that took the lease.
macro_rules! sqlite_context {
    () => {
        "CAST(unixepoch('subsec') * 1000 AS INTEGER) AS database_now, c.lease_lock"
    };
}
macro_rules! postgres_context {
    () => {
        concat!(
            server_now!(),
            " AS database_now, c.lease_lock, ",
            replica_lock_is_free!("c.lease_lock"),
            " AS lock_is_free"
        )
    };
}
/// Selects a connection with the context of its lease.
macro_rules! locked {
    ($context:ident, $lock:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", ",
            $context!(),
            " FROM oauth_accounts a JOIN users u ON u.id = a.user_id
            JOIN evergrant_connections c ON c.oauth_account_id = a.id WHERE a.id = $1",
            $lock
        )
    };
}
pub(crate) const LOCKED_SQLITE: &str = locked!(sqlite_context, "");
pub(crate) const LOCKED_POSTGRES: &str = locked!(postgres_context, " FOR UPDATE OF a, c");
/// Selects a lease with its context.
macro_rules! lease {
    ($context:ident) => {
        concat!(
            "SELECT c.generation, c.attempt, c.lease_expires_at, c.in_doubt_since,
                c.source_generation, c.source_attempt, c.status, ",
            $context!(),
            " FROM evergrant_connections c WHERE c.oauth_account_id = $1"
        )
    };
}
const LEASE_SQLITE: &str = lease!(sqlite_context);
const LEASE_POSTGRES: &str = lease!(postgres_context);
macro_rules! take {
    ($lock:expr) => {
        concat!(
            "UPDATE evergrant_connections SET attempt = $2, lease_expires_at = $3,
                in_doubt_since = $4, lease_owner = $5, next_refresh_at = $6, lease_lock = ",
            $lock,
            " WHERE oauth_account_id = $1"
        )
    };
}
const TAKE_SQLITE: &str = take!("$7");
/// Asks the server for the lock, because this process may not know that its session has ended.
const TAKE_POSTGRES: &str = take!(concat!(
    "CASE WHEN ",
    replica_lock_is_free!("$7"),
    " THEN NULL ELSE $7 END"
));
const NOT_LOCKED: &str = select!("WHERE a.id = $1");

/// Converts milliseconds since 1970 to a timestamp.
pub(crate) fn timestamp(milliseconds: Option<i64>) -> Option<Timestamp> {
    milliseconds.map(Timestamp::from_unix_ms)
}

repository! {
    /// Refresh leases, due connections, and the outcomes of refreshes and checks.
    RefreshRepository
}

impl RefreshRepository {
    /// Requests the refresh lease on a connection. `due` is the time at which the scheduler retries
    /// the connection if the holder records no outcome.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails. The caller then does not hold the lease; if the commit was
    /// executed but not acknowledged, it blocks other requests until it expires.
    pub async fn take_lease(
        &self,
        id: ConnectionId,
        request: LeaseRequest,
        owner: &str,
        due: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        let mut tx = self.database.begin_with_read_timeout().await?;
        let locked = tx.dialect(LOCKED_SQLITE, LOCKED_POSTGRES);
        let Some(row) = tx.row(locked, params![id.get()]).await? else {
            return not_locked(&mut tx, id).await;
        };
        let (connection, now_ms) = (Connection::read(&row)?, self.now_ms(&row)?);
        if connection.has_external_tokens {
            return Ok(LeaseAnswer::External(Box::new(connection)));
        }
        let holder = self.database.holder(&row, owner)?;
        let decision = lease::take(&AllRules, &connection.lease, request, holder, now_ms);
        let (lease, ticket) = match decision {
            LeaseDecision::Granted(row, ticket) => (row, ticket),
            LeaseDecision::Busy { for_ms } => {
                let wait = SignedDuration::from_millis(for_ms);
                return Ok(LeaseAnswer::Busy { wait });
            }
            LeaseDecision::Outdated | LeaseDecision::Dead => {
                return Ok(LeaseAnswer::Outdated(Box::new(connection)));
            }
        };
        self.write_lease(&mut tx, id, &lease, owner, due).await?;
        tx.commit().await?;
        let connection = Connection {
            lease,
            ..connection
        };
        Ok(LeaseAnswer::Leased(Box::new(Leased { connection, ticket })))
    }

    async fn write_lease(
        &self,
        tx: &mut Transaction,
        id: ConnectionId,
        lease: &LeaseRow,
        owner: &str,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        let (until, since) = (
            timestamp(lease.lease_expires_at_ms),
            timestamp(lease.in_doubt_since_ms),
        );
        let lock = self.database.lock_of(owner);
        let take = tx.dialect(TAKE_SQLITE, TAKE_POSTGRES);
        let values = params![id.get(), lease.attempt, until, since, owner, due, lock];
        tx.execute(take, values).await.map(drop)
    }

    /// Returns the lease of a connection; `None` if the connection does not exist or is not
    /// imported.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn lease(&self, id: ConnectionId) -> Result<Option<LeaseRow>, StoreError> {
        let row = self.lease_with_context(id).await?;
        row.as_ref().map(read_lease).transpose()
    }

    /// Returns whether another process's lease has ended, so that a request for it would not be
    /// answered with [`LeaseAnswer::Busy`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn is_lease_over(
        &self,
        id: ConnectionId,
        request: LeaseRequest,
        owner: &str,
    ) -> Result<bool, StoreError> {
        let Some(row) = self.lease_with_context(id).await? else {
            return Ok(true);
        };
        let (lease, holder, now_ms) = (
            read_lease(&row)?,
            self.database.holder(&row, owner)?,
            self.now_ms(&row)?,
        );
        let decision = lease::take(&AllRules, &lease, request, holder, now_ms);
        Ok(!matches!(decision, LeaseDecision::Busy { .. }))
    }

    async fn lease_with_context(&self, id: ConnectionId) -> Result<Option<Record>, StoreError> {
        let lease = self.database.dialect(LEASE_SQLITE, LEASE_POSTGRES);
        self.database.row(lease, params![id.get()]).await
    }

    /// Returns the database's time in milliseconds.
    fn now_ms(&self, row: &Record) -> Result<i64, StoreError> {
        Ok(row.time("database_now")?.unix_ms() + self.database.clock_shift_ms())
    }
}

/// Returns the answer for a connection that is not imported or does not exist.
async fn not_locked(tx: &mut Transaction, id: ConnectionId) -> Result<LeaseAnswer, StoreError> {
    let row = tx.row(NOT_LOCKED, params![id.get()]).await?;
    let connection = row.as_ref().map(Connection::read).transpose()?;
    Ok(connection.map_or(LeaseAnswer::Gone, |row| {
        LeaseAnswer::External(Box::new(row))
    }))
}
