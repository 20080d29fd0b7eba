//! Finding rows that another session locks, so that work on many rows can leave them out. A program
//! may lock a row of the shared tables for any length of time.

use std::collections::BTreeSet;

use evergrant_model::{ConnectionId, UserId};

use crate::StoreError;
use crate::connections::external::ExternalRowRepository;
use crate::db::value::{int_array, params};

/// Locks what an import locks, except rows that another session has locked, and returns those. The
/// locks end with the statement.
const LOCKED_POSTGRES: &str = "WITH accounts AS MATERIALIZED (SELECT id FROM oauth_accounts
        WHERE id = ANY(CAST($1 AS integer[])) FOR KEY SHARE SKIP LOCKED),
    states AS MATERIALIZED (SELECT oauth_account_id FROM evergrant_connections
        WHERE oauth_account_id = ANY(CAST($1 AS integer[])) FOR NO KEY UPDATE SKIP LOCKED),
    owners AS MATERIALIZED (SELECT id FROM users
        WHERE id = ANY(CAST($2 AS integer[])) FOR KEY SHARE SKIP LOCKED),
    current_versions AS MATERIALIZED (SELECT user_id FROM evergrant_versions
        WHERE user_id = ANY(CAST($2 AS integer[])) FOR NO KEY UPDATE SKIP LOCKED)
    SELECT false AS is_user, id FROM oauth_accounts
    WHERE id = ANY(CAST($1 AS integer[])) AND id NOT IN (SELECT id FROM accounts)
    UNION ALL SELECT false, oauth_account_id FROM evergrant_connections
    WHERE oauth_account_id = ANY(CAST($1 AS integer[]))
        AND oauth_account_id NOT IN (SELECT oauth_account_id FROM states)
    UNION ALL SELECT true, id FROM users
    WHERE id = ANY(CAST($2 AS integer[])) AND id NOT IN (SELECT id FROM owners)
    UNION ALL SELECT true, user_id FROM evergrant_versions
    WHERE user_id = ANY(CAST($2 AS integer[]))
        AND user_id NOT IN (SELECT user_id FROM current_versions)";

/// Connections and users with rows that other sessions lock.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct LockedRows {
    /// The connections of which a row is locked.
    pub connections: BTreeSet<ConnectionId>,
    /// The users whose row or version is locked.
    pub users: BTreeSet<UserId>,
}

impl ExternalRowRepository {
    /// Returns those of the connections and users with a row that another session locks, without
    /// waiting for it. On SQLite, where sessions lock only the whole database, there are none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn locked(
        &self,
        connections: &BTreeSet<ConnectionId>,
        users: &BTreeSet<UserId>,
    ) -> Result<LockedRows, StoreError> {
        let mut locked = LockedRows::default();
        if !self.database.locks_rows() {
            return Ok(locked);
        }
        let connections = int_array(connections.iter().map(|id| id.get()));
        let users = int_array(users.iter().map(|user| user.get()));
        let given = params![connections.as_str(), users.as_str()];
        for row in self.database.rows(LOCKED_POSTGRES, given).await? {
            let id = row.int("id")?;
            if !row.boolean("is_user")? {
                locked.connections.insert(ConnectionId::new(id));
            } else if let Ok(user) = UserId::try_from(i64::from(id)) {
                locked.users.insert(user);
            }
        }
        Ok(locked)
    }
}
