//! Detecting rows that another program wrote into the shared tables. Such writes leave no event in
//! the outbox.
//!
//! Each write of this program records the first characters of the access token's ciphertext in
//! `observed_token`. They are the random IV, which is unique to each encryption. If they differ
//! from those of the stored token, another program wrote the row.

use std::collections::BTreeMap;

use evergrant_model::{
    CorrelationId, EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId,
};

use crate::StoreError;
use crate::connections::row::{Connection, columns, decode};
use crate::db::repository::repository;
use crate::db::value::{int_array, params};
use crate::events::new_event::{About, NewEvent};

/// Selects connections whose tokens were not stored by this program.
macro_rules! external {
    ($join_condition:literal, $filter:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM oauth_accounts a
            LEFT JOIN evergrant_connections c ON c.oauth_account_id = a.id ",
            $join_condition,
            " WHERE (c.oauth_account_id IS NULL
                OR substr(a.access_token, 1, 32) IS DISTINCT FROM c.observed_token) AND ",
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
const COUNTS_POSTGRES: &str = "SELECT user_id, COUNT(*) AS connections FROM oauth_accounts
    WHERE user_id = ANY(CAST($1 AS integer[])) GROUP BY user_id";
const COUNTS_SQLITE: &str = "SELECT user_id, COUNT(*) AS connections FROM oauth_accounts
    WHERE user_id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']')) GROUP BY user_id";
const INCREMENT_VERSION_FROM: &str =
    "UPDATE evergrant_versions SET version = version + 1 WHERE user_id = $1 AND version = $2
    RETURNING version";

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

    /// Returns the number of connections of each of these users, without users that have none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn connection_counts(
        &self,
        users: &[UserId],
    ) -> Result<BTreeMap<UserId, i64>, StoreError> {
        let list = int_array(users.iter().map(|user| user.get()));
        let query = self.database.dialect(COUNTS_SQLITE, COUNTS_POSTGRES);
        let mut counts = BTreeMap::new();
        for row in self.database.rows(query, params![list.as_str()]).await? {
            if let Ok(user) = UserId::try_from(i64::from(row.int("user_id")?)) {
                counts.insert(user, row.big("connections")?);
            }
        }
        Ok(counts)
    }

    /// Writes the event that another program deleted an account, for a caller that read the user's
    /// connections at version `known_version`. Returns `false` if that is no longer the version, so
    /// that one of several callers writes the event.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn announce_removal(
        &self,
        user: UserId,
        known_version: i64,
        (provider, account): (&ProviderSlug, &ProviderAccountId),
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.begin().await?;
        let Some(row) = tx
            .row(INCREMENT_VERSION_FROM, params![user.get(), known_version])
            .await?
        else {
            return Ok(false);
        };
        let (version, about) = (row.big("version")?, About::Account(provider, account));
        let kind = EventKind::Disconnected;
        tx.write_event(&NewEvent {
            user,
            version,
            kind,
            about,
            correlation_id,
            at,
        })
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}
