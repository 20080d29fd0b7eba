//! Rows that another program wrote into the shared tables: found by comparing, since it knows nothing of our events.
//!
//! Each of our own writes leaves the beginning of the access token's ciphertext beside the row: the random IV, which no
//! two encryptions share. A row whose token begins otherwise is another program's.

use std::collections::BTreeMap;

use evergrant_model::{CorrelationId, EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId};
use evergrant_resilience::renewal::lease;

use crate::connections::{Connection, columns, readable};
use crate::database::params;
use crate::events::{About, NewEvent};
use crate::grants::{event, next_version};
use crate::leases::{LOCKED_POSTGRES, LOCKED_SQLITE};
use crate::{Store, StoreError};

/// Whose pair is not the one that we stored.
macro_rules! foreign {
    ($joined:literal, $which:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM oauth_accounts a LEFT JOIN evergrant_connections c ON c.oauth_account_id = a.id ",
            $joined,
            " WHERE (c.oauth_account_id IS NULL OR substr(a.access_token, 1, 32) IS DISTINCT FROM c.known_token) AND ",
            $which
        )
    };
}
/// The range stands twice, so that neither table is read beyond it.
pub(crate) const IN_RANGE: &str =
    foreign!("AND c.oauth_account_id > $1 AND c.oauth_account_id <= $2", "a.id > $1 AND a.id <= $2 ORDER BY a.id");
const OF_USERS_POSTGRES: &str = foreign!("", "a.user_id = ANY(CAST($1 AS integer[]))");
const OF_USERS_SQLITE: &str = foreign!("", "a.user_id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))");
const COUNTS_POSTGRES: &str = "SELECT user_id, COUNT(*) AS held FROM oauth_accounts
    WHERE user_id = ANY(CAST($1 AS integer[])) GROUP BY user_id";
const COUNTS_SQLITE: &str = "SELECT user_id, COUNT(*) AS held FROM oauth_accounts
    WHERE user_id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']')) GROUP BY user_id";
const ADOPT: &str = "UPDATE evergrant_connections SET provider = $2, generation = $3, held_until = NULL,
        lease_owner = NULL, doubt_since = NULL, bought_with = NULL, bought_attempt = NULL, status = 'connected',
        status_reason = NULL, issued_at = NULL, next_refresh_at = $4, turns_at = $5, failures = 0, last_outcome = NULL,
        refused_at = NULL, correlation_id = $6,
        known_token = (SELECT substr(access_token, 1, 32) FROM oauth_accounts WHERE id = $1)
    WHERE oauth_account_id = $1";
const RAISE_IF_AT: &str = "UPDATE evergrant_versions SET version = version + 1 WHERE user_id = $1 AND version = $2
    RETURNING version";

/// A list as PostgreSQL writes arrays.
pub(crate) fn array(numbers: impl Iterator<Item = i32>) -> String {
    format!("{{{}}}", numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(","))
}

impl Store {
    /// The highest number of a connection; 0 where there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn newest_connection(&self) -> Result<i32, StoreError> {
        let row = self.database.row("SELECT COALESCE(MAX(id), 0) AS newest FROM oauth_accounts", params![]).await?;
        row.map_or(Ok(0), |row| row.int("newest"))
    }

    /// The connections with numbers above `after` up to `last` whose pair another program wrote.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn foreign_connections(&self, after: i32, last: i32) -> Result<Vec<Connection>, StoreError> {
        readable(&self.database.rows(IN_RANGE, params![after, last]).await?)
    }

    /// The connections of these users whose pair another program wrote.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn foreign_connections_of(&self, users: &[UserId]) -> Result<Vec<Connection>, StoreError> {
        let list = array(users.iter().map(|user| user.get()));
        let query = self.database.dialect(OF_USERS_SQLITE, OF_USERS_POSTGRES);
        readable(&self.database.rows(query, params![list.as_str()]).await?)
    }

    /// How many connections each of these users has, those without any left out.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn connection_counts(&self, users: &[UserId]) -> Result<BTreeMap<UserId, i64>, StoreError> {
        let list = array(users.iter().map(|user| user.get()));
        let query = self.database.dialect(COUNTS_SQLITE, COUNTS_POSTGRES);
        let mut counts = BTreeMap::new();
        for row in self.database.rows(query, params![list.as_str()]).await? {
            if let Ok(user) = UserId::try_from(i64::from(row.int("user_id")?)) {
                counts.insert(user, row.big("held")?);
            }
        }
        Ok(counts)
    }

    /// Takes a foreign pair for what it is: a new one, renewed next at `next`, and announced. `false` where somebody
    /// else has done so already.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn adopt(
        &self,
        held: &Connection,
        next: Option<Timestamp>,
        turns_at: Option<Timestamp>,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(version) = next_version(&mut work, held).await? else { return Ok(false) };
        let is_new = work.ensure_state(held.id).await?;
        let locked = work.dialect(LOCKED_SQLITE, LOCKED_POSTGRES);
        let Some(row) = work.row(locked, params![held.id.get()]).await? else { return Ok(false) };
        let found = Connection::read(&row)?;
        if !is_new && !found.is_foreign {
            return Ok(false);
        }
        let lease = lease::replace_pair(&found.lease);
        let (id, provider) = (held.id.get(), held.provider.as_str());
        let state = params![id, provider, lease.generation, next, turns_at, correlation_id.as_str()];
        work.execute(ADOPT, state).await?;
        let kind = if is_new { EventKind::Connected } else { EventKind::Refreshed };
        work.announce(&event(held, version, kind, correlation_id, at)).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Announces that another program has removed an account, on behalf of somebody who saw the user's connections at
    /// version `seen`; `false` where that is not the newest, so that only one who noticed announces it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn announce_removal(
        &self,
        user: UserId,
        seen: i64,
        (provider, account): (&ProviderSlug, &ProviderAccountId),
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(raised) = work.row(RAISE_IF_AT, params![user.get(), seen]).await? else { return Ok(false) };
        let (version, about) = (raised.big("version")?, About::Account(provider, account));
        let kind = EventKind::Disconnected;
        work.announce(&NewEvent { user, version, kind, about, correlation_id, at }).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Notes that the tokens of these connections were handed out.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn touch_connections(&self, ids: &[i32], at: Timestamp) -> Result<(), StoreError> {
        const POSTGRES: &str = "UPDATE evergrant_connections SET last_used_at = $2
            WHERE oauth_account_id = ANY(CAST($1 AS integer[]))";
        const SQLITE: &str = "UPDATE evergrant_connections SET last_used_at = $2
            WHERE oauth_account_id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']'))";
        let (list, touch) = (array(ids.iter().copied()), self.database.dialect(SQLITE, POSTGRES));
        self.database.execute(touch, params![list.as_str(), at]).await.map(drop)
    }
}
