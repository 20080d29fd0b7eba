//! Writing grants: a connection's tokens change here and nowhere else, each change with its event in one transaction.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    ConnectionId, ConnectionStatus, CorrelationId, EventKind, FlowId, ProviderAccountId, ProviderSlug, StatusReason,
    Timestamp, UserId,
};

use crate::connections::Connection;
use crate::database::{Work, params};
use crate::events::NewEvent;
use crate::flow_status::FlowStatus;
use crate::revocations::NewRevocation;
use crate::{Store, StoreError};

/// A grant that a user has just given.
#[derive(Debug)]
pub struct Grant<'a> {
    /// Who gave it.
    pub user: UserId,
    /// At which platform.
    pub provider: &'a ProviderSlug,
    /// For which account there.
    pub account: &'a ProviderAccountId,
    /// The access token.
    pub access_token: &'a EncryptedToken,
    /// `None` keeps the refresh token of a connection that is already there.
    pub refresh_token: Option<&'a EncryptedToken>,
    /// When the access token ends; `None` where nobody knows.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends; `None` where the platform states no end.
    pub refresh_expires_at: Option<Timestamp>,
    /// As the platform sent it.
    pub token_type: Option<&'a str>,
    /// The granted scopes, divided by spaces.
    pub scope: Option<&'a str>,
    /// The scopes that were asked for, divided by spaces.
    pub requested_scope: &'a str,
    /// What the platform says of the account; an object.
    pub metadata: &'a serde_json::Value,
    /// A remark on a connection that works, such as missing scopes.
    pub reason: Option<StatusReason>,
    /// When renewal is due.
    pub next_refresh_at: Option<Timestamp>,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// Finds the consent in the log.
    pub correlation_id: &'a CorrelationId,
}

/// What came of storing grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredGrant {
    /// Stored; the connections in the order of the grants.
    Stored(Vec<ConnectionId>),
    /// One of the accounts belongs to another user; nothing was stored.
    OwnedByAnother,
    /// The flow was ended by somebody else meanwhile; nothing was stored.
    FlowOver,
}

/// A renewed pair of tokens.
#[derive(Debug)]
pub struct RefreshedGrant<'a> {
    /// The new access token.
    pub access_token: &'a EncryptedToken,
    /// `None` keeps the old one.
    pub refresh_token: Option<&'a EncryptedToken>,
    /// When the new access token ends; `None` where nobody knows.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends; `None` keeps what is known.
    pub refresh_expires_at: Option<Timestamp>,
    /// `None` keeps what is known.
    pub token_type: Option<&'a str>,
    /// The granted scopes, divided by spaces; `None` keeps what is known.
    pub scope: Option<&'a str>,
    /// A remark on a connection that works, such as missing scopes.
    pub reason: Option<StatusReason>,
    /// When renewal is next due.
    pub next_refresh_at: Option<Timestamp>,
    /// When the request was sent: lives are counted from there.
    pub issued_at: Timestamp,
    /// Finds the attempt in the log.
    pub correlation_id: &'a CorrelationId,
}

/// A renewal that did not succeed.
#[derive(Debug)]
pub struct FailedRefresh<'a> {
    /// How the connection stands now.
    pub status: ConnectionStatus,
    /// Why.
    pub reason: Option<StatusReason>,
    /// How the attempt ended, in the service's own word.
    pub outcome: &'a str,
    /// When the next attempt may be made; `None` for never.
    pub next_refresh_at: Option<Timestamp>,
    /// What the user is told, where it is news.
    pub event: Option<EventKind>,
    /// Now.
    pub at: Timestamp,
    /// Finds the attempt in the log.
    pub correlation_id: &'a CorrelationId,
}

const UPSERT_ACCOUNT: &str = "INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token,
        refresh_token, expires_at, token_type, scope, metadata, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
    ON CONFLICT (provider, provider_account_id) DO UPDATE SET
        access_token = excluded.access_token,
        refresh_token = COALESCE(excluded.refresh_token, oauth_accounts.refresh_token),
        expires_at = excluded.expires_at, token_type = excluded.token_type, scope = excluded.scope,
        metadata = excluded.metadata, updated_at = excluded.updated_at
    WHERE oauth_accounts.user_id = excluded.user_id
    RETURNING id";
const UPSERT_STATE: &str = "INSERT INTO evergrant_connections (oauth_account_id, generation, status, status_reason,
        requested_scope, issued_at, refresh_expires_at, next_refresh_at, correlation_id)
    VALUES ($1, 1, 'connected', $2, $3, $4, $5, $6, $7)
    ON CONFLICT (oauth_account_id) DO UPDATE SET
        generation = evergrant_connections.generation + 1, status = 'connected', status_reason = excluded.status_reason,
        requested_scope = excluded.requested_scope, issued_at = excluded.issued_at, failures = 0,
        last_outcome = NULL, refresh_expires_at = CASE $8 WHEN 0
            THEN COALESCE(excluded.refresh_expires_at, evergrant_connections.refresh_expires_at)
            ELSE excluded.refresh_expires_at END,
        next_refresh_at = excluded.next_refresh_at,
        correlation_id = excluded.correlation_id";
const END_FLOW: &str = "UPDATE evergrant_flows SET status = 'connected', account = $2, access_token = NULL,
        refresh_token = NULL, token_facts = NULL, accounts = NULL
    WHERE id = $1 AND status = $3";
const ENSURE_STATE: &str = "INSERT INTO evergrant_connections (oauth_account_id) VALUES ($1)
    ON CONFLICT (oauth_account_id) DO NOTHING";
const RAISE_GENERATION: &str = "UPDATE evergrant_connections SET generation = generation + 1, status = 'connected',
        status_reason = $3, issued_at = $4, refresh_expires_at = COALESCE($5, refresh_expires_at),
        last_refreshed_at = $4, next_refresh_at = $6, failures = 0, last_outcome = NULL,
        correlation_id = $7
    WHERE oauth_account_id = $1 AND generation = $2";
const WRITE_TOKENS: &str = "UPDATE oauth_accounts SET access_token = $2,
        refresh_token = COALESCE($3, refresh_token), expires_at = $4, token_type = COALESCE($5, token_type),
        scope = COALESCE($6, scope), updated_at = $7
    WHERE id = $1";
const RECORD_FAILURE: &str = "UPDATE evergrant_connections SET status = $3, status_reason = $4, next_refresh_at = $5,
        failures = failures + 1, correlation_id = $6, last_outcome = $7
    WHERE oauth_account_id = $1 AND generation = $2";
pub(crate) const DELETE: &str =
    "DELETE FROM oauth_accounts WHERE user_id = $1 AND provider = $2 AND provider_account_id = $3
    RETURNING access_token, refresh_token";

impl Store {
    /// Stores what one consent gave, and ends its flow, which must still be in the status that the caller saw.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] where the user is gone, others where the database fails.
    pub async fn store_grants(
        &self,
        grants: &[Grant<'_>],
        flow: &FlowId,
        seen: FlowStatus,
    ) -> Result<StoredGrant, StoreError> {
        let mut work = self.database.begin().await?;
        let mut versions = Vec::with_capacity(grants.len());
        for grant in grants {
            versions.push(work.raise_version(grant.user).await?);
        }
        let account = grants.first().map(|grant| grant.account.as_str());
        if work.execute(END_FLOW, params![flow.as_str(), account, seen.as_str()]).await? == 0 {
            return Ok(StoredGrant::FlowOver);
        }
        let mut ids = Vec::with_capacity(grants.len());
        for grant in grants {
            let Some(id) = store_grant(&mut work, grant).await? else { return Ok(StoredGrant::OwnedByAnother) };
            ids.push(id);
        }
        for (grant, version) in grants.iter().zip(versions) {
            work.announce(&connected(grant, version)).await?;
        }
        work.commit().await?;
        Ok(StoredGrant::Stored(ids))
    }

    /// Stores a renewed pair over the generation that the attempt began with; `false` where another pair was stored
    /// meanwhile, or the connection is gone, and nothing was written.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn store_refresh(&self, held: &Connection, new: &RefreshedGrant<'_>) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(version) = next_version(&mut work, held).await? else { return Ok(false) };
        // The tokens before the state: whoever deletes the account takes the two rows in this order too.
        let stored = write_tokens(&mut work, held, new).await?
            && make_state(&mut work, held).await?
            && raise_generation(&mut work, held, new).await?;
        if stored {
            let kind = EventKind::Refreshed;
            work.announce(&event(held, version, kind, new.correlation_id, new.issued_at)).await?;
            work.commit().await?;
        }
        Ok(stored)
    }

    /// Notes a failed renewal of the generation that the attempt began with; `false` where that one is over.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn record_failed_refresh(
        &self,
        held: &Connection,
        failed: &FailedRefresh<'_>,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let mut news = None;
        if let Some(kind) = failed.event {
            let Some(version) = next_version(&mut work, held).await? else { return Ok(false) };
            news = Some(event(held, version, kind, failed.correlation_id, failed.at));
        }
        let recorded = make_state(&mut work, held).await? && record_failure(&mut work, held, failed).await?;
        if recorded {
            if let Some(event) = &news {
                work.announce(event).await?;
            }
            work.commit().await?;
        }
        Ok(recorded)
    }

    /// Removes the user's connection to this account and, in the same transaction, queues the revocation of whatever
    /// tokens it held at that moment. `false` where there was no such connection.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn delete_connection(
        &self,
        held: &Connection,
        revocation: Option<&NewRevocation>,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(version) = next_version(&mut work, held).await? else { return Ok(false) };
        let owned = params![held.user.get(), held.provider.as_str(), held.account.as_str()];
        let Some(row) = work.row(DELETE, owned).await? else { return Ok(false) };
        if let Some(revocation) = revocation {
            let (access, refresh) = (row.optional_text("access_token")?, row.optional_text("refresh_token")?);
            work.queue_revocation(revocation, access.as_deref(), refresh.as_deref()).await?;
        }
        work.announce(&event(held, version, EventKind::Disconnected, correlation_id, at)).await?;
        work.commit().await?;
        Ok(true)
    }
}

/// [`Work::raise_version`] for a connection read earlier; `None` where its user is gone since.
pub(crate) async fn next_version(work: &mut Work, held: &Connection) -> Result<Option<i64>, StoreError> {
    match work.raise_version(held.user).await {
        Err(StoreError::Missing) => Ok(None),
        version => version.map(Some),
    }
}

/// `false` where the connection is gone.
async fn write_tokens(work: &mut Work, held: &Connection, new: &RefreshedGrant<'_>) -> Result<bool, StoreError> {
    let tokens = params![
        held.id.get(),
        new.access_token.as_str(),
        new.refresh_token.map(EncryptedToken::as_str),
        new.expires_at,
        new.token_type,
        new.scope,
        new.issued_at,
    ];
    Ok(work.execute(WRITE_TOKENS, tokens).await? > 0)
}

/// `false` where the generation is another by now.
async fn raise_generation(work: &mut Work, held: &Connection, new: &RefreshedGrant<'_>) -> Result<bool, StoreError> {
    let state = params![
        held.id.get(),
        held.generation,
        new.reason.map(StatusReason::as_str),
        new.issued_at,
        new.refresh_expires_at,
        new.next_refresh_at,
        new.correlation_id.as_str(),
    ];
    Ok(work.execute(RAISE_GENERATION, state).await? > 0)
}

/// `false` where the generation is another by now.
async fn record_failure(work: &mut Work, held: &Connection, failed: &FailedRefresh<'_>) -> Result<bool, StoreError> {
    let state = params![
        held.id.get(),
        held.generation,
        failed.status.as_str(),
        failed.reason.map(StatusReason::as_str),
        failed.next_refresh_at,
        failed.correlation_id.as_str(),
        failed.outcome,
    ];
    Ok(work.execute(RECORD_FAILURE, state).await? > 0)
}

/// Makes the row of state for a connection that another program wrote; `false` where the connection is gone.
pub(crate) async fn make_state(work: &mut Work, held: &Connection) -> Result<bool, StoreError> {
    match work.execute(ENSURE_STATE, params![held.id.get()]).await {
        Err(StoreError::Missing) => Ok(false),
        made => made.map(|_| true),
    }
}

/// `None` where the account belongs to another user.
async fn store_grant(work: &mut Work, grant: &Grant<'_>) -> Result<Option<ConnectionId>, StoreError> {
    let account = params![
        grant.user.get(),
        grant.provider.as_str(),
        grant.account.as_str(),
        grant.access_token.as_str(),
        grant.refresh_token.map(EncryptedToken::as_str),
        grant.expires_at,
        grant.token_type,
        grant.scope,
        grant.metadata,
        grant.issued_at,
    ];
    let Some(row) = work.row(UPSERT_ACCOUNT, account).await? else { return Ok(None) };
    let id = row.int("id")?;
    let state = params![
        id,
        grant.reason.map(StatusReason::as_str),
        grant.requested_scope,
        grant.issued_at,
        grant.refresh_expires_at,
        grant.next_refresh_at,
        grant.correlation_id.as_str(),
        // Where the refresh token is kept, so is what is known of its end.
        i32::from(grant.refresh_token.is_some()),
    ];
    work.execute(UPSERT_STATE, state).await?;
    Ok(Some(ConnectionId::new(id)))
}

fn connected<'a>(grant: &'a Grant<'a>, version: i64) -> NewEvent<'a> {
    NewEvent {
        user: grant.user,
        version,
        kind: EventKind::Connected,
        account: Some((grant.provider, grant.account)),
        correlation_id: grant.correlation_id,
        at: grant.issued_at,
    }
}

pub(crate) fn event<'a>(
    held: &'a Connection,
    version: i64,
    kind: EventKind,
    correlation_id: &'a CorrelationId,
    at: Timestamp,
) -> NewEvent<'a> {
    NewEvent { user: held.user, version, kind, account: Some((&held.provider, &held.account)), correlation_id, at }
}
