//! Storing the grants of a consent, and deleting connections, each with its event in one
//! transaction.

use evergrant_model::{
    ConnectionId, CorrelationId, EventKind, FlowId, ProviderAccountId, ProviderSlug, StatusReason,
    Timestamp, UserId,
};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::repository::ConnectionRepository;
use crate::connections::revocations::NewRevocation;
use crate::connections::row::Connection;
use crate::connections::tokens::StoredTokens;
use crate::db::value::params;
use crate::db::work::Work;
use crate::events::new_event::{About, NewEvent};
use crate::flows::status::FlowStatus;

/// A grant that a user has just given.
#[derive(Debug)]
pub struct Grant<'a> {
    /// Who gave it.
    pub user: UserId,
    /// At which platform.
    pub provider: &'a ProviderSlug,
    /// For which account there.
    pub account: &'a ProviderAccountId,
    /// The new tokens.
    pub tokens: &'a StoredTokens,
    /// When time alone next changes the status; `None` for never.
    pub next_status_at: Option<Timestamp>,
    /// The scopes that were asked for, divided by spaces.
    pub requested_scope: &'a str,
    /// What the platform says of the account; an object.
    pub metadata: &'a serde_json::Value,
    /// A remark on a connection that works, such as missing scopes.
    pub reason: Option<StatusReason>,
    /// When renewal is due.
    pub next_refresh_at: Option<Timestamp>,
    /// When the tokens were requested.
    pub at: Timestamp,
    /// Finds the consent in the log.
    pub correlation_id: &'a CorrelationId,
}

/// What came of storing grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredGrant {
    /// Stored; the connections are in the order of the grants.
    Stored(Vec<ConnectionId>),
    /// One of the accounts belongs to another user; nothing was stored.
    OwnedByAnother,
    /// The flow has ended meanwhile; nothing was stored.
    FlowOver,
}

const UPSERT_ACCOUNT: &str =
    "INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token,
        refresh_token, expires_at, token_type, scope, metadata, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
    ON CONFLICT (provider, provider_account_id) DO UPDATE SET
        access_token = excluded.access_token,
        refresh_token = COALESCE(excluded.refresh_token, oauth_accounts.refresh_token),
        expires_at = excluded.expires_at, token_type = excluded.token_type, scope = excluded.scope,
        metadata = excluded.metadata, updated_at = excluded.updated_at
    WHERE oauth_accounts.user_id = excluded.user_id
    RETURNING id";
/// The lease goes the way of `lease::replace_tokens`, which a test compares this with.
const UPSERT_STATE: &str = "INSERT INTO evergrant_connections (oauth_account_id, provider, generation, status,
        status_reason, requested_scope, issued_at, refresh_expires_at, next_refresh_at, correlation_id, known_token,
        turns_at)
    VALUES ($1, $9, 1, 'connected', $2, $3, $4, $5, $6, $7, substr($10, 1, 32), $11)
    ON CONFLICT (oauth_account_id) DO UPDATE SET
        generation = evergrant_connections.generation + 1, held_until = NULL, lease_owner = NULL, doubt_since = NULL,
        bought_with = NULL, bought_attempt = NULL, refused_at = NULL,
        status = 'connected', status_reason = excluded.status_reason, provider = excluded.provider,
        requested_scope = excluded.requested_scope, issued_at = excluded.issued_at, failures = 0,
        last_outcome = NULL, refresh_expires_at = CASE $8 WHEN 0
            THEN COALESCE(excluded.refresh_expires_at, evergrant_connections.refresh_expires_at)
            ELSE excluded.refresh_expires_at END,
        turns_at = CASE $8 WHEN 0 THEN COALESCE(excluded.turns_at, evergrant_connections.turns_at)
            ELSE excluded.turns_at END,
        next_refresh_at = excluded.next_refresh_at, known_token = excluded.known_token,
        correlation_id = excluded.correlation_id";
const END_FLOW: &str =
    "UPDATE evergrant_flows SET status = 'connected', account = $2, access_token = NULL,
        refresh_token = NULL, token_facts = NULL, accounts = NULL
    WHERE id = $1 AND status = $3";
pub(crate) const DELETE: &str =
    "DELETE FROM oauth_accounts WHERE user_id = $1 AND provider = $2 AND provider_account_id = $3
    RETURNING access_token, refresh_token";

impl ConnectionRepository {
    /// Stores the grants of one consent and ends its flow, which must still be in the status that
    /// the caller read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the user is gone, others if the query fails.
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
        if work
            .execute(END_FLOW, params![flow.as_str(), account, seen.as_str()])
            .await?
            == 0
        {
            return Ok(StoredGrant::FlowOver);
        }
        let mut ids = Vec::with_capacity(grants.len());
        for grant in grants {
            let Some(id) = store_grant(&mut work, grant).await? else {
                return Ok(StoredGrant::OwnedByAnother);
            };
            ids.push(id);
        }
        for (grant, version) in grants.iter().zip(versions) {
            work.announce(&connected(grant, flow, version)).await?;
        }
        work.commit().await?;
        Ok(StoredGrant::Stored(ids))
    }

    /// Deletes the connection and, in the same transaction, queues the revocation of the tokens
    /// that it held at that moment. `false` if there was no such connection.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete(
        &self,
        held: &Connection,
        revocation: Option<&NewRevocation>,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(version) = work.raise_version_of_existing(held.user).await? else {
            return Ok(false);
        };
        let owned = params![
            held.user.get(),
            held.provider.as_str(),
            held.account.as_str()
        ];
        let Some(row) = work.row(DELETE, owned).await? else {
            return Ok(false);
        };
        if let Some(revocation) = revocation {
            let (access, refresh) = (
                row.optional_text("access_token")?,
                row.optional_text("refresh_token")?,
            );
            work.queue_revocation(revocation, access.as_deref(), refresh.as_deref())
                .await?;
        }
        work.announce(&event(
            held,
            version,
            EventKind::Disconnected,
            correlation_id,
            at,
        ))
        .await?;
        work.commit().await?;
        Ok(true)
    }
}

/// `None` if the account belongs to another user.
async fn store_grant(
    work: &mut Work,
    grant: &Grant<'_>,
) -> Result<Option<ConnectionId>, StoreError> {
    let account = params![
        grant.user.get(),
        grant.provider.as_str(),
        grant.account.as_str(),
        grant.tokens.access_text(),
        grant.tokens.refresh_text(),
        grant.tokens.expires_at,
        grant.tokens.token_type.as_deref(),
        grant.tokens.scope.as_deref(),
        grant.metadata,
        grant.at,
    ];
    let Some(row) = work.row(UPSERT_ACCOUNT, account).await? else {
        return Ok(None);
    };
    let id = row.int("id")?;
    let state = params![
        id,
        grant.reason.map(StatusReason::as_str),
        grant.requested_scope,
        grant.tokens.issued_at,
        grant.tokens.grant_expires_at,
        grant.next_refresh_at,
        grant.correlation_id.as_str(),
        // Where the refresh token is kept, so is what is known of its end.
        i32::from(grant.tokens.refresh.is_some()),
        grant.provider.as_str(),
        grant.tokens.access_text(),
        grant.next_status_at,
    ];
    work.execute(UPSERT_STATE, state).await?;
    Ok(Some(ConnectionId::new(id)))
}

fn connected<'a>(grant: &'a Grant<'a>, flow: &'a FlowId, version: i64) -> NewEvent<'a> {
    NewEvent {
        user: grant.user,
        version,
        kind: EventKind::Connected,
        about: About::Consent(grant.provider, grant.account, flow.as_str()),
        correlation_id: grant.correlation_id,
        at: grant.at,
    }
}
