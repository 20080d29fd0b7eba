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
use crate::db::repository::repository;
use crate::db::transaction::Transaction;
use crate::db::value::params;

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

/// Selects a connection and the database's time.
macro_rules! with_clock {
    ($clock:literal, $lock:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", ",
            $clock,
            " AS database_now
            FROM oauth_accounts a JOIN users u ON u.id = a.user_id
            JOIN evergrant_connections c ON c.oauth_account_id = a.id WHERE a.id = $1",
            $lock
        )
    };
}
pub(crate) const LOCKED_SQLITE: &str =
    with_clock!("CAST(unixepoch('subsec') * 1000 AS INTEGER)", "");
pub(crate) const LOCKED_POSTGRES: &str = with_clock!(
    "clock_timestamp() AT TIME ZONE 'utc'",
    " FOR UPDATE OF a, c"
);
const LEASE: &str = "SELECT generation, attempt, lease_expires_at, in_doubt_since,
        source_generation, source_attempt, status
    FROM evergrant_connections WHERE oauth_account_id = $1";
const TAKE: &str = "UPDATE evergrant_connections SET attempt = $2, lease_expires_at = $3,
        in_doubt_since = $4, lease_owner = $5, next_refresh_at = $6
    WHERE oauth_account_id = $1";
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
        let Some((connection, now_ms)) = self.locked(&mut tx, id).await? else {
            return not_locked(&mut tx, id).await;
        };
        if connection.has_external_tokens {
            return Ok(LeaseAnswer::External(Box::new(connection)));
        }
        let (lease, ticket) = match lease::take(&AllRules, &connection.lease, request, now_ms) {
            LeaseDecision::Granted(row, ticket) => (row, ticket),
            LeaseDecision::Busy { for_ms } => {
                let wait = SignedDuration::from_millis(for_ms);
                return Ok(LeaseAnswer::Busy { wait });
            }
            LeaseDecision::Outdated | LeaseDecision::Dead => {
                return Ok(LeaseAnswer::Outdated(Box::new(connection)));
            }
        };
        let (until, since) = (
            timestamp(lease.lease_expires_at_ms),
            timestamp(lease.in_doubt_since_ms),
        );
        tx.execute(
            TAKE,
            params![id.get(), lease.attempt, until, since, owner, due],
        )
        .await?;
        tx.commit().await?;
        let connection = Connection {
            lease,
            ..connection
        };
        Ok(LeaseAnswer::Leased(Box::new(Leased { connection, ticket })))
    }

    /// Returns the lease of a connection; `None` if the connection does not exist or is not
    /// imported.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn lease(&self, id: ConnectionId) -> Result<Option<LeaseRow>, StoreError> {
        self.database
            .row(LEASE, params![id.get()])
            .await?
            .as_ref()
            .map(read_lease)
            .transpose()
    }

    /// Locks the row. Returns the connection and the database's time in milliseconds; `None` if
    /// the connection does not exist or is not imported.
    async fn locked(
        &self,
        tx: &mut Transaction,
        id: ConnectionId,
    ) -> Result<Option<(Connection, i64)>, StoreError> {
        let locked = tx.dialect(LOCKED_SQLITE, LOCKED_POSTGRES);
        let Some(row) = tx.row(locked, params![id.get()]).await? else {
            return Ok(None);
        };
        let now_ms = row.time("database_now")?.unix_ms() + self.database.clock_shift_ms();
        Ok(Some((Connection::read(&row)?, now_ms)))
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
