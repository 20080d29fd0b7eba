//! Queries on connections.

use evergrant_model::{ConnectionId, ProviderAccountId, ProviderSlug, Timestamp, UserId};

use crate::StoreError;
use crate::connections::row::{Connection, UserConnections, columns, decode, select};
use crate::db::decode::Page;
use crate::db::repository::repository;
use crate::db::value::{Value, int_array, params};

pub(crate) const OWNED: &str =
    select!("WHERE a.user_id = $1 AND a.provider = $2 AND a.provider_account_id = $3");
pub(crate) const BY_ACCOUNT: &str = select!("WHERE a.provider = $1 AND a.provider_account_id = $2");
const BY_ID: &str = select!("WHERE a.id = $1");
const READABLE: &str = select!("ORDER BY a.id LIMIT 1");
const PAGE: &str = select!("WHERE a.id > $1 ORDER BY a.id LIMIT $2");
pub(crate) const OF_USER: &str = concat!(
    "SELECT v.version, ",
    columns!(),
    " FROM users u
    LEFT JOIN evergrant_versions v ON v.user_id = u.id
    LEFT JOIN oauth_accounts a ON a.user_id = u.id
    LEFT JOIN evergrant_connections c ON c.oauth_account_id = a.id
    WHERE u.id = $1 ORDER BY a.id"
);

const OF_PROVIDER_USER: &str = "SELECT id FROM oauth_accounts
    WHERE provider = $1 AND metadata ->> CAST($2 AS text) = $3 LIMIT 1";

repository! {
    /// Reads, stores and deletes connections.
    ConnectionRepository
}

impl ConnectionRepository {
    /// Checks that connections can be read, as a request reads them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] if another session locks a table; other variants if the query fails.
    pub async fn check_readable(&self) -> Result<(), StoreError> {
        self.database.row(READABLE, params![]).await.map(drop)
    }

    /// Returns whether any connection of any user at this provider has the value `provider_user_id`
    /// under `key` in its metadata.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn exists_for_provider_user(
        &self,
        provider: &ProviderSlug,
        key: &str,
        provider_user_id: &str,
    ) -> Result<bool, StoreError> {
        let found = self
            .database
            .row(
                OF_PROVIDER_USER,
                params![provider.as_str(), key, provider_user_id],
            )
            .await?;
        Ok(found.is_some())
    }

    /// Returns this user's connection to this account; `None` if it does not exist or belongs to
    /// another user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn owned(
        &self,
        user: UserId,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Option<Connection>, StoreError> {
        let row = self
            .database
            .row(
                OWNED,
                params![user.get(), provider.as_str(), account.as_str()],
            )
            .await?;
        row.as_ref().map(Connection::read).transpose()
    }

    /// Returns the connection to this account, of any user. For operators and internal use, never
    /// for a user's request.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_account(
        &self,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Option<Connection>, StoreError> {
        let row = self
            .database
            .row(BY_ACCOUNT, params![provider.as_str(), account.as_str()])
            .await?;
        row.as_ref().map(Connection::read).transpose()
    }

    /// Returns the connection with this id, of any user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        let row = self.database.row(BY_ID, params![id.get()]).await?;
        row.as_ref().map(Connection::read).transpose()
    }

    /// Returns up to `limit` connections of all users with ids above `after`, ordered by id; fewer
    /// only at the end of the table.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn page(&self, after: i32, limit: i64) -> Result<Vec<Connection>, StoreError> {
        let page = Page {
            sql: PAGE,
            fixed: params![],
            after: |after| vec![Value::from(*after)],
            cursor: |row| row.int("id"),
        };
        self.database.page(page, after, limit, decode).await
    }

    /// Returns the user's connections and their version; `None` if the user does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn of_user(&self, user: UserId) -> Result<Option<UserConnections>, StoreError> {
        let rows = self.database.rows(OF_USER, params![user.get()]).await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let version = first.optional_big("version")?.unwrap_or(0);
        // A user without connections yields one row whose account columns are NULL.
        let connections = if first.optional_int("id")?.is_some() {
            decode(rows)?
        } else {
            Vec::new()
        };
        Ok(Some(UserConnections {
            version,
            connections,
        }))
    }

    /// Records that the access tokens of these connections were issued to the host application at
    /// `at`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_use(&self, ids: &[i32], at: Timestamp) -> Result<(), StoreError> {
        // Locks the rows in ascending order of ids, like every statement that locks several
        // connections.
        const POSTGRES: &str = "UPDATE evergrant_connections SET last_used_at = $2
            WHERE oauth_account_id = ANY(ARRAY(SELECT oauth_account_id FROM evergrant_connections
                WHERE oauth_account_id = ANY(CAST($1 AS integer[]))
                ORDER BY oauth_account_id FOR UPDATE))";
        const SQLITE: &str = "UPDATE evergrant_connections SET last_used_at = $2
            WHERE oauth_account_id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))";
        let (list, update) = (
            int_array(ids.iter().copied()),
            self.database.dialect(SQLITE, POSTGRES),
        );
        self.database
            .execute(update, params![list.as_str(), at])
            .await
            .map(drop)
    }
}
