//! Reading connections: `oauth_accounts` joined with `evergrant_connections`.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    ConnectionId, ConnectionStatus, EARLIEST_EXPIRY_SECONDS, Lifetime, ProviderAccountId,
    ProviderSlug, StatusReason, Timestamp, UserId, plausible_expiry,
};
use evergrant_resilience::refresh::lease::{LeaseRow, TokenSource};

use crate::StoreError;
use crate::connections::tokens::StoredTokens;
use crate::db::decode::Decoder;
use crate::db::value::Record;

/// An account and the user to whom it belongs, by which callers refer to a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionKey {
    /// The user.
    pub user: UserId,
    /// The provider.
    pub provider: ProviderSlug,
    /// The account's id at the provider.
    pub account: ProviderAccountId,
}

impl From<&Connection> for ConnectionKey {
    fn from(connection: &Connection) -> Self {
        Self {
            user: connection.user,
            provider: connection.provider.clone(),
            account: connection.account.clone(),
        }
    }
}

/// A stored connection. Its tokens are encrypted.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The id, which is that of the row in `oauth_accounts`.
    pub id: ConnectionId,
    /// The user to whom it belongs.
    pub user: UserId,
    /// The provider.
    pub provider: ProviderSlug,
    /// The account's id at the provider.
    pub account: ProviderAccountId,
    /// The token set.
    pub tokens: StoredTokens,
    /// What the provider says about the account; an object. Null for some rows of other programs.
    pub metadata: serde_json::Value,
    /// Time of creation of the row.
    pub created_at: Timestamp,
    /// Time of the last change of the row in `oauth_accounts`.
    pub updated_at: Timestamp,
    /// The refresh lease. All its values are zero for a row of another program that is not imported
    /// yet.
    pub lease: LeaseRow,
    /// The status as last recorded. It may be outdated if [`next_status_at`](Self::next_status_at)
    /// has passed.
    pub status: ConnectionStatus,
    /// The reason for the status; `None` if the status needs no explanation.
    pub reason: Option<StatusReason>,
    /// Whether another program wrote the owner, the account or a token, and the row is not imported
    /// yet.
    pub is_external: bool,
    /// Whether another program wrote a token, and the row is not imported yet.
    pub has_external_tokens: bool,
    /// The owner and the account before another program changed one of them; `None` if neither has
    /// changed since the row was last stored or imported.
    pub moved_from: Option<ConnectionKey>,
    /// The scopes requested at the last consent, separated by spaces; `None` for imported rows.
    pub requested_scope: Option<String>,
    /// Time of the last successful refresh; `None` if there was none.
    pub last_refreshed_at: Option<Timestamp>,
    /// Time at which the next refresh or check is due, or may be retried after a failure; `None`
    /// for never.
    pub next_refresh_at: Option<Timestamp>,
    /// Time from which a failed refresh is repeated for a caller that waits for the token; at most
    /// [`next_refresh_at`](Self::next_refresh_at). `None` for never, or if none has failed.
    pub retry_at: Option<Timestamp>,
    /// Number of failed refreshes since the last successful one.
    pub failures: i32,
    /// How the last failed refresh ended; the service defines the values. `None` after a success.
    pub last_outcome: Option<String>,
    /// Time at which the status changes next without any other cause: a warning before an expiry
    /// that no refresh can prevent, or that expiry. `None` for never.
    pub next_status_at: Option<Timestamp>,
    /// Time at which the access token was last issued to the host application, to the minute;
    /// `None` for never.
    pub last_used_at: Option<Timestamp>,
    /// The correlation id of the operation that last changed the status.
    pub correlation_id: Option<String>,
}

impl Connection {
    /// Returns the period in which the access token is valid.
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
        let tokens = read_tokens(row)?;
        let key = read_key(row)?;
        let moved_from = read_observed_key(row)?.filter(|observed| *observed != key);
        let has_external_tokens = row.optional_text("observed_tokens")? != Some(observed(&tokens));
        Ok(Self {
            id: ConnectionId::new(row.int("id")?),
            user: key.user,
            provider: key.provider,
            account: key.account,
            tokens,
            metadata: row.json("metadata")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            lease: read_lease(row)?,
            status: status
                .as_deref()
                .and_then(ConnectionStatus::parse)
                .unwrap_or(ConnectionStatus::Connected),
            reason: reason.as_deref().and_then(StatusReason::parse),
            is_external: has_external_tokens || moved_from.is_some(),
            has_external_tokens,
            moved_from,
            requested_scope: row.optional_text("requested_scope")?,
            last_refreshed_at: row.optional_time("last_refreshed_at")?,
            next_refresh_at: row.optional_time("next_refresh_at")?,
            retry_at: row.optional_time("retry_at")?,
            failures: row.optional_int("failures")?.unwrap_or(0),
            last_outcome: row.optional_text("last_outcome")?,
            next_status_at: row.optional_time("next_status_at")?,
            last_used_at: row.optional_time("last_used_at")?,
            correlation_id: row.optional_text("correlation_id")?,
        })
    }
}

/// Returns a token. Another program may store an empty text where it has none.
fn read_token(row: &Record, column: &'static str) -> Result<Option<EncryptedToken>, StoreError> {
    let text = row.optional_text(column)?;
    let text = text.filter(|text| !text.is_empty());
    Ok(text.map(EncryptedToken::from_stored))
}

fn read_tokens(row: &Record) -> Result<StoredTokens, StoreError> {
    // Another program may have written any date. One that is too early to be believed still says
    // that the token has expired, which is how operators force a refresh.
    let written_at = row.time("updated_at")?;
    let earliest = Timestamp::from_unix_seconds(EARLIEST_EXPIRY_SECONDS);
    let expires_at = row.optional_time("expires_at")?.map(|at| at.max(earliest));
    Ok(StoredTokens {
        access: read_token(row, "access_token")?,
        refresh: read_token(row, "refresh_token")?,
        expires_at: expires_at.and_then(|at| plausible_expiry(at, written_at)),
        grant_expires_at: row.optional_time("grant_expires_at")?,
        token_type: row.optional_text("token_type")?,
        scope: row.optional_text("scope")?,
        issued_at: row.optional_time("issued_at")?,
    })
}

/// Number of characters of a ciphertext that identify it: the random IV in hex.
const PREFIX_CHARS: usize = 32;

fn read_key(row: &Record) -> Result<ConnectionKey, StoreError> {
    let user = UserId::try_from(i64::from(row.int("user_id")?));
    Ok(ConnectionKey {
        user: user.map_err(|_| inconsistent("user_id"))?,
        provider: ProviderSlug::new(row.text("provider")?).map_err(|_| inconsistent("provider"))?,
        account: ProviderAccountId::new(row.text("provider_account_id")?)
            .map_err(|_| inconsistent("account"))?,
    })
}

/// Returns the owner and the account that the row had when it was last stored or imported; `None`
/// if it never was.
fn read_observed_key(row: &Record) -> Result<Option<ConnectionKey>, StoreError> {
    let (user, account) = (
        row.optional_int("observed_user_id")?,
        row.optional_text("observed_account")?,
    );
    let user = user.and_then(|user| UserId::try_from(i64::from(user)).ok());
    let provider = row.optional_text("observed_provider")?;
    let provider = provider.and_then(|provider| ProviderSlug::new(provider).ok());
    let account = account.and_then(|account| ProviderAccountId::new(account).ok());
    Ok(match (user, provider, account) {
        (Some(user), Some(provider), Some(account)) => Some(ConnectionKey {
            user,
            provider,
            account,
        }),
        _ => None,
    })
}

/// Returns what [`observed_tokens`] returns in SQL.
pub(crate) fn observed(tokens: &StoredTokens) -> String {
    let of = |token: Option<&str>| token.map(prefix).unwrap_or_default().to_owned();
    format!("{}.{}", of(tokens.access_text()), of(tokens.refresh_text()))
}

/// Returns what `substr(token, 1, 32)` returns in SQL.
fn prefix(token: &str) -> &str {
    token
        .char_indices()
        .nth(PREFIX_CHARS)
        .and_then(|(end, _)| token.get(..end))
        .unwrap_or(token)
}

fn inconsistent(column: &'static str) -> StoreError {
    StoreError::Inconsistent(column)
}

/// All connections of a user, read at one version.
#[derive(Debug, Clone)]
pub struct UserConnections {
    /// The version, which increases with every change of the user's connections.
    pub version: i64,
    /// The connections, ordered by id.
    pub connections: Vec<Connection>,
}

/// The columns of a [`Connection`], of `oauth_accounts a` and `evergrant_connections c`.
macro_rules! columns {
    () => {
        "a.id, a.user_id, a.provider, a.provider_account_id, a.access_token, a.refresh_token,
        a.expires_at, a.token_type, a.scope, a.metadata, a.created_at, a.updated_at,
        c.status, c.status_reason, c.next_status_at, c.requested_scope, c.issued_at,
        c.grant_expires_at, c.provider AS observed_provider, c.observed_user_id,
        c.observed_account, c.observed_tokens, c.last_refreshed_at, c.next_refresh_at,
        c.retry_at, c.last_used_at, c.failures, c.last_outcome, c.generation, c.attempt, c.lease_expires_at,
        c.in_doubt_since, c.source_generation, c.source_attempt, c.correlation_id"
    };
}
pub(crate) use columns;

/// Identifies the token set of a row of `oauth_accounts a`: the random IVs of its ciphertexts.
macro_rules! observed_tokens {
    () => {
        "(COALESCE(substr(a.access_token, 1, 32), '') || '.'
            || COALESCE(substr(a.refresh_token, 1, 32), ''))"
    };
}
pub(crate) use observed_tokens;

/// Another program has changed the owner, the account or a token since the row of
/// `oauth_accounts a` was last stored or imported in `evergrant_connections c`.
macro_rules! is_external {
    () => {
        concat!(
            "(c.oauth_account_id IS NULL OR ",
            $crate::connections::row::observed_tokens!(),
            " IS DISTINCT FROM c.observed_tokens OR a.user_id IS DISTINCT FROM c.observed_user_id
                OR a.provider <> c.provider
                OR a.provider_account_id IS DISTINCT FROM c.observed_account)"
        )
    };
}
pub(crate) use is_external;

/// A query of [`Connection`]s that ends with `$rest`. A row whose user does not exist is left out:
/// another program can delete a user of a SQLite database without the rows that refer to it.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            $crate::connections::row::columns!(),
            " FROM oauth_accounts a JOIN users u ON u.id = a.user_id
            LEFT JOIN evergrant_connections c ON c.oauth_account_id = a.id ",
            $rest
        )
    };
}
pub(crate) use select;

/// Reads the lease from a row with the columns of [`columns`].
pub(crate) fn read_lease(row: &Record) -> Result<LeaseRow, StoreError> {
    let milliseconds =
        |column| Ok::<_, StoreError>(row.optional_time(column)?.map(Timestamp::unix_ms));
    let source = row
        .optional_big("source_generation")?
        .zip(row.optional_big("source_attempt")?);
    let status = row.optional_text("status")?;
    Ok(LeaseRow {
        generation: row.optional_big("generation")?.unwrap_or(0),
        attempt: row.optional_big("attempt")?.unwrap_or(0),
        lease_expires_at_ms: milliseconds("lease_expires_at")?,
        in_doubt_since_ms: milliseconds("in_doubt_since")?,
        token_source: source.map(|(source_generation, attempt)| TokenSource {
            source_generation,
            attempt,
        }),
        dead: status.as_deref() == Some(ConnectionStatus::Expired.as_str()),
    })
}

const CONNECTIONS: Decoder<Connection> = Decoder {
    table: "oauth_accounts",
    key: |row| row.key("id"),
    read: Connection::read,
};

/// Returns the readable connections among the rows. The table is shared with the host application:
/// rows whose provider is not a [`ProviderSlug`] are skipped without a log message.
pub(crate) fn decode(rows: Vec<Record>) -> Result<Vec<Connection>, StoreError> {
    let is_slug = |row: &Record| {
        row.text("provider")
            .map_or(true, |provider| ProviderSlug::new(provider).is_ok())
    };
    CONNECTIONS.decode(rows.into_iter().filter(is_slug))
}
