//! Storing the grants of a consent, and deleting connections. Each is one transaction that includes
//! the event.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    ConnectionId, CorrelationId, EventKind, FlowId, ProviderAccountId, ProviderSlug, StatusReason,
    Timestamp, UserId,
};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::repository::ConnectionRepository;
use crate::connections::revocations::NewRevocation;
use crate::connections::row::{Connection, ConnectionKey, observed_tokens};
use crate::connections::token_copies::TokenDigests;
use crate::connections::tokens::StoredTokens;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, params};
use crate::events::new_event::{About, NewEvent};
use crate::flows::status::FlowStatus;

/// A grant to store for one account.
#[derive(Debug)]
pub struct Grant<'a> {
    /// The user who gave the consent.
    pub user: UserId,
    /// The provider.
    pub provider: &'a ProviderSlug,
    /// The account's id at the provider.
    pub account: &'a ProviderAccountId,
    /// The token set.
    pub tokens: &'a StoredTokens,
    /// Time of the next scheduled change of the status; `None` for never.
    pub next_status_at: Option<Timestamp>,
    /// The requested scopes, separated by spaces.
    pub requested_scope: &'a str,
    /// What the provider says about the account; an object.
    pub metadata: &'a serde_json::Value,
    /// A limitation of a connection that is still valid, such as missing scopes; `None` if there is
    /// none.
    pub reason: Option<StatusReason>,
    /// Time at which the next refresh or check is due; `None` for never.
    pub next_refresh_at: Option<Timestamp>,
    /// Time at which the tokens were requested.
    pub at: Timestamp,
    /// The correlation id of the operation.
    pub correlation_id: &'a CorrelationId,
    /// Computes digests of tokens.
    pub digests: &'a dyn TokenDigests,
}

impl Grant<'_> {
    fn key(&self) -> ConnectionKey {
        ConnectionKey {
            user: self.user,
            provider: self.provider.clone(),
            account: self.account.clone(),
        }
    }
}

/// The result of storing grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredGrant {
    /// All grants were stored. Contains the ids of the connections, in the order of the grants.
    Stored(Vec<ConnectionId>),
    /// One of the accounts belongs to another user. Nothing was stored.
    OwnedByAnother,
    /// The flow has ended meanwhile. Nothing was stored.
    FlowEnded,
}

/// A consent without a refresh token keeps the stored one, unless the provider has rejected it.
const UPSERT_ACCOUNT: &str =
    "INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token,
        refresh_token, expires_at, token_type, scope, metadata, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
    ON CONFLICT (provider, provider_account_id) DO UPDATE SET
        access_token = excluded.access_token,
        refresh_token = COALESCE(excluded.refresh_token, CASE WHEN EXISTS (
            SELECT 1 FROM evergrant_connections WHERE oauth_account_id = oauth_accounts.id
                AND status = 'expired') THEN NULL ELSE oauth_accounts.refresh_token END),
        expires_at = excluded.expires_at, token_type = excluded.token_type, scope = excluded.scope,
        metadata = excluded.metadata, updated_at = excluded.updated_at
    WHERE oauth_accounts.user_id = excluded.user_id
    RETURNING id, refresh_token";
/// Changes the lease like `lease::replace_tokens`; a test compares the two.
const UPSERT_STATE: &str = concat!(
    "INSERT INTO evergrant_connections AS stored (oauth_account_id, provider,
        generation, status, status_reason, requested_scope, issued_at, grant_expires_at,
        next_refresh_at, correlation_id, next_status_at, observed_user_id, observed_account,
        observed_tokens)
    SELECT a.id, $9, COALESCE(kept.generation + 1, 1), 'connected', $2, $3, $4, $5, $6, $7, $10, a.user_id, a.provider_account_id,
        ",
    observed_tokens!(),
    " FROM oauth_accounts a
    LEFT JOIN evergrant_token_copies kept ON kept.oauth_account_id = a.id WHERE a.id = $1
    ON CONFLICT (oauth_account_id) DO UPDATE SET
        generation = stored.generation + 1, lease_expires_at = NULL, lease_owner = NULL,
        in_doubt_since = CASE $8 WHEN 0 THEN stored.in_doubt_since END,
        source_generation = NULL, source_attempt = NULL, rejected_at = NULL,
        status = 'connected', status_reason = excluded.status_reason, provider = excluded.provider,
        requested_scope = excluded.requested_scope, issued_at = excluded.issued_at, failures = 0,
        last_outcome = NULL, grant_expires_at = CASE $8 WHEN 0
            THEN COALESCE(excluded.grant_expires_at, stored.grant_expires_at)
            ELSE excluded.grant_expires_at END,
        next_status_at = excluded.next_status_at,
        next_refresh_at = excluded.next_refresh_at, observed_user_id = excluded.observed_user_id,
        observed_account = excluded.observed_account, observed_tokens = excluded.observed_tokens,
        correlation_id = excluded.correlation_id"
);
const END_FLOW: &str = "UPDATE evergrant_flows SET status = 'connected', connected_account = $2,
        access_token = NULL, refresh_token = NULL, token_details = NULL, granted_accounts = NULL
    WHERE id = $1 AND status = $3";
pub(crate) const DELETE: &str =
    "DELETE FROM oauth_accounts WHERE user_id = $1 AND provider = $2 AND provider_account_id = $3
    RETURNING access_token, refresh_token";

impl ConnectionRepository {
    /// Stores the grants of one consent and ends its flow, which must still have the status
    /// `known_status`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the user does not exist, other variants if the query fails.
    pub async fn store_grants(
        &self,
        grants: &[Grant<'_>],
        flow: &FlowId,
        known_status: FlowStatus,
    ) -> Result<StoredGrant, StoreError> {
        let mut tx = self.database.begin_own_write().await?;
        let mut versions = Vec::with_capacity(grants.len());
        for grant in grants {
            versions.push(tx.increment_version(grant.user).await?);
        }
        let account = grants.first().map(|grant| grant.account.as_str());
        if tx
            .execute(
                END_FLOW,
                params![flow.as_str(), account, known_status.as_str()],
            )
            .await?
            == 0
        {
            return Ok(StoredGrant::FlowEnded);
        }
        let mut ids = Vec::with_capacity(grants.len());
        for grant in grants {
            let Some(id) = store_grant(&mut tx, grant).await? else {
                return Ok(StoredGrant::OwnedByAnother);
            };
            ids.push(id);
        }
        for (grant, version) in grants.iter().zip(versions) {
            tx.write_event(&connected(grant, flow, version)).await?;
        }
        tx.commit().await?;
        Ok(StoredGrant::Stored(ids))
    }

    /// Deletes the connection and, in the same transaction, queues the revocation of its stored
    /// tokens. Returns `false` if the connection does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete(
        &self,
        connection: &Connection,
        revocation: Option<&NewRevocation>,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.begin_own_write().await?;
        let Some(version) = tx.increment_version_if_user_exists(connection.user).await? else {
            return Ok(false);
        };
        let owned = params![
            connection.user.get(),
            connection.provider.as_str(),
            connection.account.as_str()
        ];
        tx.erase_copies(&connection.into(), revocation.is_some())
            .await?;
        let Some(row) = tx.row(DELETE, owned).await? else {
            return Ok(false);
        };
        if let Some(revocation) = revocation {
            let (access, refresh) = (
                row.optional_text("access_token")?,
                row.optional_text("refresh_token")?,
            );
            tx.queue_revocation(revocation, access.as_deref(), refresh.as_deref())
                .await?;
        }
        tx.write_event(&event(
            connection,
            version,
            EventKind::Disconnected,
            correlation_id,
            at,
        ))
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Stores one grant; `None` if the account belongs to another user.
async fn store_grant(
    tx: &mut Transaction,
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
    let Some(row) = tx.row(UPSERT_ACCOUNT, account).await? else {
        return Ok(None);
    };
    let id = row.int("id")?;
    tx.adopt_copy(id, &grant.key()).await?;
    let stored = stored_tokens(tx, &row, grant).await?;
    let state = params![
        id,
        grant.reason.map(StatusReason::as_str),
        grant.requested_scope,
        grant.tokens.issued_at,
        grant.tokens.grant_expires_at,
        grant.next_refresh_at,
        grant.correlation_id.as_str(),
        // If the stored refresh token is kept, so is its known end.
        i32::from(grant.tokens.refresh.is_some()),
        grant.provider.as_str(),
        grant.next_status_at,
    ];
    tx.execute(UPSERT_STATE, state).await?;
    let (id, digest) = (ConnectionId::new(id), grant.digests.digest_of(&stored));
    tx.keep_copy(id, digest.as_ref()).await?;
    Ok(Some(id))
}

/// Returns the tokens of the stored row, which may have kept its refresh token. Another program may
/// have put a spent one there.
async fn stored_tokens(
    tx: &mut Transaction,
    row: &Record,
    grant: &Grant<'_>,
) -> Result<StoredTokens, StoreError> {
    let refresh = row.optional_text("refresh_token")?;
    let stored = StoredTokens {
        refresh: refresh.map(EncryptedToken::from_stored),
        ..grant.tokens.clone()
    };
    if grant.tokens.refresh.is_some() || stored.refresh.is_none() {
        return Ok(stored);
    }
    let id = ConnectionId::new(row.int("id")?);
    tx.restore_kept_refresh(id, stored, grant.digests).await
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
