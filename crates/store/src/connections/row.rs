//! `oauth_accounts` read together with `evergrant_connections`: one query answers all that is known
//! of a connection.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    ConnectionId, ConnectionStatus, Lifetime, ProviderAccountId, ProviderSlug, StatusReason,
    Timestamp, UserId,
};
use evergrant_resilience::refresh::lease::{LeaseRow, TokenSource};

use crate::StoreError;
use crate::connections::tokens::StoredTokens;
use crate::db::decode::Decoder;
use crate::db::value::Record;
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
    /// Its tokens.
    pub tokens: StoredTokens,
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
    /// Whether another program has written these tokens and they are not imported yet.
    pub is_external: bool,
    /// The scopes that were asked for, divided by spaces; `None` for rows of another program.
    pub requested_scope: Option<String>,
    /// When the tokens were last renewed.
    pub last_refreshed_at: Option<Timestamp>,
    /// When renewal is next due, or may next be tried after a failure.
    pub next_refresh_at: Option<Timestamp>,
    /// Failed refreshes since the last that succeeded.
    pub failures: i32,
    /// How the last failed renewal ended, in the service's own word; `None` after one that
    /// succeeded.
    pub last_outcome: Option<String>,
    /// When time alone next changes the status: a warning of an end that no refresh averts, or that
    /// end.
    pub next_status_at: Option<Timestamp>,
    /// When its token was last handed out, to the minute; `None` for never.
    pub last_used_at: Option<Timestamp>,
    /// Finds the last change of status in the log.
    pub correlation_id: Option<String>,
}

impl Connection {
    /// The span in which the access token is good.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        Lifetime {
            issued_at: self.tokens.issued_at,
            expires_at: self.tokens.expires_at,
        }
    }

    pub(crate) fn read(row: &Record) -> Result<Self, StoreError> {
        let reason = row.optional_text("status_reason")?;
        let status = row.optional_text("status")?;
        let (access_token, known_token) = (
            row.optional_text("access_token")?,
            row.optional_text("known_token")?,
        );
        let is_known =
            status.is_some() && access_token.as_deref().map(beginning) == known_token.as_deref();
        Ok(Self {
            id: ConnectionId::new(row.int("id")?),
            user: UserId::try_from(i64::from(row.int("user_id")?)).map_err(|_| bad("user_id"))?,
            provider: ProviderSlug::new(row.text("provider")?).map_err(|_| bad("provider"))?,
            account: ProviderAccountId::new(row.text("provider_account_id")?)
                .map_err(|_| bad("account"))?,
            tokens: read_tokens(row)?,
            metadata: row.json("metadata")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            lease: read_lease(row)?,
            status: status
                .as_deref()
                .and_then(ConnectionStatus::parse)
                .unwrap_or(ConnectionStatus::Connected),
            reason: reason.as_deref().and_then(StatusReason::parse),
            is_external: !is_known,
            requested_scope: row.optional_text("requested_scope")?,
            last_refreshed_at: row.optional_time("last_refreshed_at")?,
            next_refresh_at: row.optional_time("next_refresh_at")?,
            failures: row.optional_int("failures")?.unwrap_or(0),
            last_outcome: row.optional_text("last_outcome")?,
            next_status_at: row.optional_time("turns_at")?,
            last_used_at: row.optional_time("last_used_at")?,
            correlation_id: row.optional_text("correlation_id")?,
        })
    }
}

fn read_tokens(row: &Record) -> Result<StoredTokens, StoreError> {
    Ok(StoredTokens {
        access: row
            .optional_text("access_token")?
            .map(EncryptedToken::from_stored),
        refresh: row
            .optional_text("refresh_token")?
            .map(EncryptedToken::from_stored),
        expires_at: row.optional_time("expires_at")?,
        grant_expires_at: row.optional_time("refresh_expires_at")?,
        token_type: row.optional_text("token_type")?,
        scope: row.optional_text("scope")?,
        issued_at: row.optional_time("issued_at")?,
    })
}

/// What `substr(token, 1, 32)` is in SQL.
fn beginning(token: &str) -> &str {
    token
        .char_indices()
        .nth(32)
        .and_then(|(end, _)| token.get(..end))
        .unwrap_or(token)
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
            $crate::connections::row::columns!(),
            " FROM oauth_accounts a LEFT JOIN evergrant_connections c ON c.oauth_account_id = a.id ",
            $rest
        )
    };
}
pub(crate) use select;

/// The lease of a row that has the columns of [`columns`].
pub(crate) fn read_lease(row: &Record) -> Result<LeaseRow, StoreError> {
    let milliseconds =
        |column| Ok::<_, StoreError>(row.optional_time(column)?.map(Timestamp::unix_ms));
    let bought = row
        .optional_big("bought_with")?
        .zip(row.optional_big("bought_attempt")?);
    let status = row.optional_text("status")?;
    Ok(LeaseRow {
        generation: row.optional_big("generation")?.unwrap_or(0),
        attempt: row.optional_big("attempt")?.unwrap_or(0),
        lease_expires_at_ms: milliseconds("held_until")?,
        in_doubt_since_ms: milliseconds("doubt_since")?,
        token_source: bought.map(|(source_generation, attempt)| TokenSource {
            source_generation,
            attempt,
        }),
        dead: status.as_deref() == Some(ConnectionStatus::Expired.as_str()),
    })
}

/// How connections are decoded in batch reads.
const CONNECTIONS: Decoder<Connection> = Decoder {
    table: "oauth_accounts",
    key: |row| row.key("id"),
    read: Connection::read,
};

/// The readable connections among the rows. The table is shared: rows of providers that are no
/// [`ProviderSlug`] belong to the host application and are skipped without a report.
pub(crate) fn decode(rows: Vec<Record>) -> Result<Vec<Connection>, StoreError> {
    let is_slug = |row: &Record| {
        row.text("provider")
            .map_or(true, |provider| ProviderSlug::new(provider).is_ok())
    };
    CONNECTIONS.decode(rows.into_iter().filter(is_slug))
}
