//! Detecting rows that another program wrote into the shared tables. Such writes leave no event in
//! the outbox.
//!
//! Each write of this program records in `evergrant_connections` what it stored: the owner, the
//! account, and the first characters of each token's ciphertext, which are the random IV of its
//! encryption. If they differ from the row, another program wrote it.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::{ConnectionId, CorrelationId, Timestamp, UserId};

use crate::StoreError;
use crate::connections::import::ExternalRow;
use crate::connections::report::{Changed, MAX_ATTEMPTS, Reported, repeat_if_missing};
use crate::connections::row::{Connection, ConnectionKey, columns, decode, is_external};
use crate::db::repository::repository;
use crate::db::value::{int_array, params};

/// Selects connections whose owner, account or tokens were not stored by this program.
macro_rules! external {
    ($join_condition:literal, $filter:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM oauth_accounts a
            LEFT JOIN evergrant_connections c ON c.oauth_account_id = a.id ",
            $join_condition,
            " WHERE ",
            is_external!(),
            " AND ",
            $filter
        )
    };
}
/// Limits both tables to the range, so that no rows outside it are read.
pub(crate) const IN_RANGE: &str = external!(
    "AND c.oauth_account_id > $1 AND c.oauth_account_id <= $2",
    "a.id > $1 AND a.id <= $2 ORDER BY a.id"
);
const OF_USERS_POSTGRES: &str = external!("", "a.user_id = ANY(CAST($1 AS integer[]))");
const OF_USERS_SQLITE: &str = external!(
    "",
    "a.user_id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))"
);
macro_rules! ids {
    ($filter:literal) => {
        concat!(
            "SELECT u.id AS user_id, a.id FROM users u LEFT JOIN oauth_accounts a ON a.user_id = u.id
            WHERE ",
            $filter
        )
    };
}
const IDS_POSTGRES: &str = ids!("u.id = ANY(CAST($1 AS integer[]))");
const IDS_SQLITE: &str =
    ids!("u.id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))");

repository! {
    /// Rows of `oauth_accounts` that another program writes.
    ExternalRowRepository
}

impl ExternalRowRepository {
    /// Returns the highest id of a connection; 0 if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn newest_id(&self) -> Result<i32, StoreError> {
        let row = self
            .database
            .row(
                "SELECT COALESCE(MAX(id), 0) AS newest FROM oauth_accounts",
                params![],
            )
            .await?;
        row.map_or(Ok(0), |row| row.int("newest"))
    }

    /// Returns the connections with ids above `after` and up to `last` whose tokens another program
    /// wrote.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn in_range(&self, after: i32, last: i32) -> Result<Vec<Connection>, StoreError> {
        decode(self.database.rows(IN_RANGE, params![after, last]).await?)
    }

    /// Returns the connections of these users whose tokens another program wrote.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn of_users(&self, users: &[UserId]) -> Result<Vec<Connection>, StoreError> {
        let list = int_array(users.iter().map(|user| user.get()));
        let query = self.database.dialect(OF_USERS_SQLITE, OF_USERS_POSTGRES);
        decode(self.database.rows(query, params![list.as_str()]).await?)
    }

    /// Returns the ids of the connections of each of these users, without users who do not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn ids_of_users(
        &self,
        users: &[UserId],
    ) -> Result<BTreeMap<UserId, BTreeSet<ConnectionId>>, StoreError> {
        let list = int_array(users.iter().map(|user| user.get()));
        let query = self.database.dialect(IDS_SQLITE, IDS_POSTGRES);
        let mut ids = BTreeMap::<_, BTreeSet<_>>::new();
        for row in self.database.rows(query, params![list.as_str()]).await? {
            if let Ok(user) = UserId::try_from(i64::from(row.int("user_id")?)) {
                let id = row.optional_int("id")?.map(ConnectionId::new);
                ids.entry(user).or_default().extend(id);
            }
        }
        Ok(ids)
    }

    /// Imports rows that another program wrote, in one transaction. Replaced tokens become a new
    /// generation of their connection. Each row gets an event, in the order of `rows`, and its
    /// former owner another one if the account was moved. Returns the imported connections; the
    /// others were imported earlier, have changed since, or no longer exist. The recommended batch
    /// size is 1,000 rows.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails. Nothing is then imported.
    pub async fn import_batch(
        &self,
        rows: &[ExternalRow<'_>],
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let changed = || Changed {
            rows: rows.iter().collect(),
            ..Changed::default()
        };
        let reported = repeat_if_missing!(self.report(changed(), correlation_id, at));
        Ok(reported?.imported)
    }

    /// Writes the events of accounts that their user no longer has, and of users who do not exist.
    /// An account that the user has after all, or whose removal was reported already, gets none.
    /// Returns the others.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails. Nothing is then reported.
    pub async fn report_removals(
        &self,
        accounts: &[ConnectionKey],
        users: &[UserId],
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Vec<ConnectionKey>, StoreError> {
        let changed = || Changed {
            removed: accounts.iter().cloned().collect(),
            users: users.iter().copied().collect(),
            ..Changed::default()
        };
        let reported = repeat_if_missing!(self.report(changed(), correlation_id, at));
        Ok(reported?.removed)
    }

    async fn report(
        &self,
        changed: Changed<'_>,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Reported, StoreError> {
        let mut tx = self.database.begin().await?;
        let reported = tx.report(changed, correlation_id, at).await?;
        tx.commit().await?;
        Ok(reported)
    }
}
