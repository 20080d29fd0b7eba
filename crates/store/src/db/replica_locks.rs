//! Locks that show whether the process that took a lease is alive: a file on SQLite, an advisory
//! lock on PostgreSQL.

use evergrant_resilience::refresh::lease::Holder;

use crate::StoreError;
use crate::db::database::{Database, Pools};
use crate::db::value::Record;

impl Database {
    /// Returns the id under which the lock of this replica can be looked up; `None` if it cannot be
    /// acquired. On PostgreSQL the session for notifications holds it, and the server must be asked
    /// whether it does.
    pub(crate) fn lock_of<'a>(&self, replica: &'a str) -> Option<&'a str> {
        match &self.pools {
            Pools::Sqlite { replicas, .. } => Some(replica).filter(|id| replicas.hold(id)),
            Pools::Postgres(_) => Some(replica),
        }
    }

    /// Returns what is known about the process that took the lease of this row, which has the
    /// columns `lease_lock` and, on PostgreSQL, `lock_is_free`. A process does not take over its
    /// own leases.
    pub(crate) fn holder(&self, row: &Record, requester: &str) -> Result<Holder, StoreError> {
        let lock = row.optional_text("lease_lock")?;
        let Some(replica) = lock.filter(|replica| replica != requester) else {
            return Ok(Holder::Unknown);
        };
        Ok(match &self.pools {
            Pools::Sqlite { replicas, .. } if replicas.has_ended(&replica) => Holder::ProcessEnded,
            Pools::Postgres(_) if row.boolean("lock_is_free")? => Holder::SessionEnded,
            _ => Holder::Unknown,
        })
    }
}
