//! The lease on a connection: rows of `evergrant_connections` moved by the transitions of
//! `resilience::refresh::lease`.
//!
//! A row is read under its lock, the transition says what becomes of it, and that is written down.
//! No condition of a renewal stands in SQL, so the function that is run through a million schedules
//! is the one that runs here. Leases live by the database's clock, the one that all replicas share.

use evergrant_model::{ConnectionId, Timestamp};
use evergrant_resilience::refresh::AllRules;
use evergrant_resilience::refresh::lease::{self, Lease, LeaseRequest, LeaseRow, Ticket};

use crate::StoreError;
use crate::connections::row::{Connection, columns, read_lease};
use crate::db::repository::repository;
use crate::db::value::params;
use crate::db::work::Work;

/// A connection whose renewal is the asker's alone, as it stands under the lease.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The row.
    pub held: Connection,
    /// What the result is brought back with.
    pub ticket: Ticket,
}

/// The answer to a request for a lease.
#[derive(Debug)]
pub enum LeaseAnswer {
    /// It is the asker's.
    Leased(Box<Leased>),
    /// Somebody else has it for so many milliseconds more.
    Busy {
        /// At least 1.
        for_ms: i64,
    },
    /// There is a newer pair than the asker saw, or the grant has ended: this is how the row
    /// stands.
    Moved(Box<Connection>),
    /// The connection is gone.
    Gone,
}

macro_rules! with_clock {
    ($clock:literal, $lock:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", ",
            $clock,
            " AS database_now FROM oauth_accounts a JOIN evergrant_connections c ON c.oauth_account_id = a.id
            WHERE a.id = $1",
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
const LEASE: &str =
    "SELECT generation, attempt, held_until, doubt_since, bought_with, bought_attempt, status
    FROM evergrant_connections WHERE oauth_account_id = $1";
const TAKE: &str = "UPDATE evergrant_connections SET attempt = $2, held_until = $3, doubt_since = $4, lease_owner = $5,
        next_refresh_at = $6
    WHERE oauth_account_id = $1";
const ENSURE: &str = "INSERT INTO evergrant_connections (oauth_account_id, provider, known_token)
    SELECT id, provider, substr(access_token, 1, 32) FROM oauth_accounts WHERE id = $1
    ON CONFLICT (oauth_account_id) DO NOTHING";

pub(crate) fn moment(milliseconds: Option<i64>) -> Option<Timestamp> {
    milliseconds.map(Timestamp::from_unix_ms)
}

repository! {
    /// Refresh leases, what is due, and the outcomes of refreshes and checks.
    RefreshRepository
}

impl RefreshRepository {
    /// Asks for the refresh lease on a connection. `due` is when the scheduler takes the connection
    /// up again if the holder records no outcome.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails; then the lease is not taken.
    pub async fn take_lease(
        &self,
        id: ConnectionId,
        asker: LeaseRequest,
        owner: &str,
        due: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        let mut work = self.database.begin_quickly().await?;
        let Some((held, now_ms)) = self.locked(&mut work, id).await? else {
            return Ok(LeaseAnswer::Gone);
        };
        let (lease, ticket) = match lease::take(&AllRules, &held.lease, asker, now_ms) {
            Lease::Taken(row, ticket) => (row, ticket),
            Lease::Busy { for_ms } => return Ok(LeaseAnswer::Busy { for_ms }),
            Lease::Moved | Lease::Dead => return Ok(LeaseAnswer::Moved(Box::new(held))),
        };
        let (until, since) = (
            moment(lease.lease_expires_at_ms),
            moment(lease.in_doubt_since_ms),
        );
        work.execute(
            TAKE,
            params![id.get(), lease.attempt, until, since, owner, due],
        )
        .await?;
        work.commit().await?;
        Ok(LeaseAnswer::Leased(Box::new(Leased {
            held: Connection { lease, ..held },
            ticket,
        })))
    }

    /// The current lease of a connection; `None` if the connection is gone.
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

    /// The row under its lock, and the database's time. A row that another program wrote gets its
    /// state first.
    async fn locked(
        &self,
        work: &mut Work,
        id: ConnectionId,
    ) -> Result<Option<(Connection, i64)>, StoreError> {
        let locked = work.dialect(LOCKED_SQLITE, LOCKED_POSTGRES);
        let mut row = work.row(locked, params![id.get()]).await?;
        if row.is_none() && work.execute(ENSURE, params![id.get()]).await? > 0 {
            row = work.row(locked, params![id.get()]).await?;
        }
        let Some(row) = row else { return Ok(None) };
        let now_ms = row.time("database_now")?.unix_ms() + self.database.clock_shift_ms();
        Ok(Some((Connection::read(&row)?, now_ms)))
    }
}

impl Work {
    /// Inserts the state row of a connection that another program wrote; `false` if the connection
    /// is gone or has one.
    pub(crate) async fn ensure_state(&mut self, id: ConnectionId) -> Result<bool, StoreError> {
        Ok(self.execute(ENSURE, params![id.get()]).await? > 0)
    }
}
