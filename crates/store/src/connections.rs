//! `oauth_accounts` read together with `evergrant_connections`: one query answers all that is known of a connection.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    ConnectionId, ConnectionStatus, Lifetime, ProviderAccountId, ProviderSlug, StatusReason, Timestamp, UserId,
};

use evergrant_resilience::renewal::lease::LeaseRow;

use crate::database::{Record, params};
use crate::{Store, StoreError, leases};

/// A stored connection, its tokens still encrypted.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The row's number.
    pub id: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// At which platform.
    pub provider: ProviderSlug,
    /// Which account there.
    pub account: ProviderAccountId,
    /// `None` where nothing has been stored.
    pub access_token: Option<EncryptedToken>,
    /// `None` where the platform gives none.
    pub refresh_token: Option<EncryptedToken>,
    /// When the access token ends; `None` where nobody knows.
    pub expires_at: Option<Timestamp>,
    /// As the platform sent it, such as `bearer`.
    pub token_type: Option<String>,
    /// The granted scopes, divided by spaces.
    pub scope: Option<String>,
    /// What the platform says of the account; an object.
    pub metadata: serde_json::Value,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Who may renew it and what became of the attempts; all zero for rows of another program.
    pub lease: LeaseRow,
    /// As last recorded; time alone may have moved it on since.
    pub status: ConnectionStatus,
    /// Why it stands so.
    pub reason: Option<StatusReason>,
    /// Whether another program has written this pair, and nobody has taken note yet.
    pub is_foreign: bool,
    /// The scopes that were asked for, divided by spaces; `None` for rows of another program.
    pub requested_scope: Option<String>,
    /// When the access token was issued; `None` for rows of another program.
    pub issued_at: Option<Timestamp>,
    /// When the grant ends whatever is renewed; `None` where the platform states no end.
    pub grant_expires_at: Option<Timestamp>,
    /// When the tokens were last renewed.
    pub last_refreshed_at: Option<Timestamp>,
    /// When renewal is next due, or may next be tried after a failure.
    pub next_refresh_at: Option<Timestamp>,
    /// Failed renewals since the last that succeeded.
    pub failures: i32,
    /// How the last failed renewal ended, in the service's own word; `None` after one that succeeded.
    pub last_outcome: Option<String>,
    /// When time alone changes how it stands: a warning of an end that no renewal averts, or that end.
    pub turns_at: Option<Timestamp>,
    /// When its token was last handed out, to the minute; `None` for never.
    pub last_used_at: Option<Timestamp>,
    /// Finds the last change of status in the log.
    pub correlation_id: Option<String>,
}

impl Connection {
    /// The span in which the access token is good.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        Lifetime { issued_at: self.issued_at, expires_at: self.expires_at }
    }

    pub(crate) fn read(row: &Record) -> Result<Self, StoreError> {
        let reason = row.optional_text("status_reason")?;
        let status = row.optional_text("status")?;
        let (access_token, known_token) = (row.optional_text("access_token")?, row.optional_text("known_token")?);
        let is_known = status.is_some() && access_token.as_deref().map(beginning) == known_token.as_deref();
        Ok(Self {
            id: ConnectionId::new(row.int("id")?),
            user: UserId::try_from(i64::from(row.int("user_id")?)).map_err(|_| bad("user_id"))?,
            provider: ProviderSlug::new(row.text("provider")?).map_err(|_| bad("provider"))?,
            account: ProviderAccountId::new(row.text("provider_account_id")?).map_err(|_| bad("account"))?,
            access_token: access_token.map(EncryptedToken::from_stored),
            refresh_token: row.optional_text("refresh_token")?.map(EncryptedToken::from_stored),
            expires_at: row.optional_time("expires_at")?,
            token_type: row.optional_text("token_type")?,
            scope: row.optional_text("scope")?,
            metadata: row.json("metadata")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            lease: leases::read(row)?,
            status: status.as_deref().and_then(ConnectionStatus::parse).unwrap_or(ConnectionStatus::Connected),
            reason: reason.as_deref().and_then(StatusReason::parse),
            is_foreign: !is_known,
            requested_scope: row.optional_text("requested_scope")?,
            issued_at: row.optional_time("issued_at")?,
            grant_expires_at: row.optional_time("refresh_expires_at")?,
            last_refreshed_at: row.optional_time("last_refreshed_at")?,
            next_refresh_at: row.optional_time("next_refresh_at")?,
            failures: row.optional_int("failures")?.unwrap_or(0),
            last_outcome: row.optional_text("last_outcome")?,
            turns_at: row.optional_time("turns_at")?,
            last_used_at: row.optional_time("last_used_at")?,
            correlation_id: row.optional_text("correlation_id")?,
        })
    }
}

/// What `substr(token, 1, 32)` is in SQL.
fn beginning(token: &str) -> &str {
    token.char_indices().nth(32).and_then(|(end, _)| token.get(..end)).unwrap_or(token)
}

fn bad(column: &'static str) -> StoreError {
    StoreError::Inconsistent(column)
}

/// All connections of one user, at one version.
#[derive(Debug, Clone)]
pub struct UserConnections {
    /// Rises with every change of the user's connections.
    pub version: i64,
    /// In the order in which they were made.
    pub connections: Vec<Connection>,
}

/// The columns of a [`Connection`], from `oauth_accounts a` and `evergrant_connections c`.
macro_rules! columns {
    () => {
        "a.id, a.user_id, a.provider, a.provider_account_id, a.access_token, a.refresh_token, a.expires_at, a.token_type,
        a.scope, a.metadata, a.created_at, a.updated_at, c.generation, c.attempt, c.held_until, c.doubt_since,
        c.bought_with, c.bought_attempt, c.status, c.status_reason, c.requested_scope, c.issued_at,
        c.refresh_expires_at, c.last_refreshed_at, c.next_refresh_at, c.failures, c.last_outcome, c.turns_at,
        c.last_used_at, c.known_token, c.correlation_id"
    };
}
pub(crate) use columns;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM oauth_accounts a LEFT JOIN evergrant_connections c ON c.oauth_account_id = a.id ",
            $rest
        )
    };
}

pub(crate) const OWNED: &str = select!("WHERE a.user_id = $1 AND a.provider = $2 AND a.provider_account_id = $3");
pub(crate) const BY_ACCOUNT: &str = select!("WHERE a.provider = $1 AND a.provider_account_id = $2");
const BY_ID: &str = select!("WHERE a.id = $1");
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

const OF_PERSON: &str = "SELECT id FROM oauth_accounts
    WHERE provider = $1 AND metadata ->> CAST($2 AS text) = $3 LIMIT 1";

impl Store {
    /// Whether anybody's connection at this platform belongs to the person whom the metadata names so.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn has_connection_of_person(
        &self,
        provider: &ProviderSlug,
        key: &str,
        person: &str,
    ) -> Result<bool, StoreError> {
        let found = self.database.row(OF_PERSON, params![provider.as_str(), key, person]).await?;
        Ok(found.is_some())
    }

    /// This user's connection to this account. Another user's is `None`, just as one that does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn connection(
        &self,
        user: UserId,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Option<Connection>, StoreError> {
        let row = self.database.row(OWNED, params![user.get(), provider.as_str(), account.as_str()]).await?;
        row.as_ref().map(Connection::read).transpose()
    }

    /// The connection to this account, whoever owns it: for operators and for ourselves, never for a user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn connection_to(
        &self,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Option<Connection>, StoreError> {
        let row = self.database.row(BY_ACCOUNT, params![provider.as_str(), account.as_str()]).await?;
        row.as_ref().map(Connection::read).transpose()
    }

    /// The connection with this number, whoever owns it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn connection_by_id(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        let row = self.database.row(BY_ID, params![id.get()]).await?;
        row.as_ref().map(Connection::read).transpose()
    }

    /// Up to `limit` connections of all users in the order of their numbers, after the number `after`; fewer only where
    /// there are no more.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn connections(&self, after: i32, limit: i64) -> Result<Vec<Connection>, StoreError> {
        let (mut connections, mut after, mut wanted) = (Vec::new(), after, limit);
        while wanted > 0 {
            let rows = self.database.rows(PAGE, params![after, wanted]).await?;
            let Some(last) = rows.last() else { break };
            after = last.int("id")?;
            let readable = readable(&rows)?;
            wanted -= i64::try_from(readable.len()).unwrap_or(wanted);
            connections.extend(readable);
        }
        Ok(connections)
    }

    /// The user's connections and their version; `None` where there is no such user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn user_connections(&self, user: UserId) -> Result<Option<UserConnections>, StoreError> {
        let rows = self.database.rows(OF_USER, params![user.get()]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let version = first.optional_big("version")?.unwrap_or(0);
        // A user without connections is one row without an account.
        let connections = if first.optional_int("id")?.is_some() { readable(&rows)? } else { Vec::new() };
        Ok(Some(UserConnections { version, connections }))
    }
}

/// The connections among the rows. Another program's row about something that is no platform of ours, or with a value
/// that we cannot hold, must not hide the others.
pub(crate) fn readable(rows: &[Record]) -> Result<Vec<Connection>, StoreError> {
    let ours = |row| match Connection::read(row) {
        Err(StoreError::Inconsistent(_)) => None,
        connection => Some(connection),
    };
    rows.iter().filter_map(ours).collect()
}
