//! Storing the outcome of a refresh: new tokens, or a failure. The functions of
//! `evergrant_resilience::refresh::lease` decide whether an outcome still applies. Its event is
//! written in the same transaction.

use evergrant_model::{
    ConnectionId, ConnectionStatus, CorrelationId, EventKind, StatusReason, Timestamp,
};
use evergrant_resilience::refresh::AllRules;
use evergrant_resilience::refresh::lease::{self, AttemptOutcome, LeaseRow, Ticket};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::lease::{Leased, RefreshRepository, timestamp};
use crate::connections::lock::{lock, lock_owned};
use crate::connections::row::{Connection, observed_tokens};
use crate::connections::token_copies::TokenDigests;
use crate::connections::tokens::StoredTokens;
use crate::db::database::Database;
use crate::db::transaction::Transaction;
use crate::db::value::params;

/// The tokens of a successful refresh, and what they change.
#[derive(Debug)]
pub struct RefreshedGrant<'a> {
    /// The new tokens. What they omit is kept; see [`StoredTokens::refreshed`].
    pub tokens: &'a StoredTokens,
    /// Time of the next scheduled change of the status; `None` for never.
    pub next_status_at: Option<Timestamp>,
    /// `connected`, or `expiring` if the user was warned of the end of the grant.
    pub status: ConnectionStatus,
    /// A limitation of a connection that is still valid, such as missing scopes; `None` if there is
    /// none.
    pub reason: Option<StatusReason>,
    /// Time at which the next refresh is due; `None` for never.
    pub next_refresh_at: Option<Timestamp>,
    /// Time at which the tokens were requested.
    pub at: Timestamp,
    /// The correlation id of the attempt.
    pub correlation_id: &'a CorrelationId,
    /// Computes digests of tokens.
    pub digests: &'a dyn TokenDigests,
}

/// A failed refresh, and what it changes.
#[derive(Debug)]
pub struct FailedRefresh<'a> {
    /// The new status.
    pub status: ConnectionStatus,
    /// The reason for the status; `None` if there is nothing to say.
    pub reason: Option<StatusReason>,
    /// How the attempt ended; the service defines the values.
    pub outcome: &'a str,
    /// Time at which the next attempt is due; `None` for never.
    pub next_refresh_at: Option<Timestamp>,
    /// Time from which an attempt is allowed for a caller that waits for the token; `None` for
    /// never.
    pub retry_at: Option<Timestamp>,
    /// Time of the next scheduled change of the status; `None` for never.
    pub next_status_at: Option<Timestamp>,
    /// The event to write; `None` if nothing changed for the user.
    pub event: Option<EventKind>,
    /// Whether the provider rejected the grant.
    pub rejected: bool,
    /// The current time.
    pub at: Timestamp,
    /// The correlation id of the attempt.
    pub correlation_id: &'a CorrelationId,
}

const WRITE_TOKENS: &str = "UPDATE oauth_accounts SET access_token = $2,
        refresh_token = COALESCE($3, refresh_token), expires_at = $4,
        token_type = COALESCE($5, token_type), scope = COALESCE($6, scope), updated_at = $7
    WHERE id = $1";
const WRITE_STATE: &str = concat!(
    "UPDATE evergrant_connections SET generation = $2, lease_expires_at = $3,
        in_doubt_since = $4, source_generation = $5, source_attempt = $6, status = $7,
        status_reason = $8, issued_at = $9, last_refreshed_at = $9,
        grant_expires_at = COALESCE($10, grant_expires_at), next_status_at = $11,
        next_refresh_at = $12, failures = 0, last_outcome = NULL, rejected_at = NULL,
        correlation_id = $13, observed_tokens = (SELECT ",
    observed_tokens!(),
    " FROM oauth_accounts a WHERE a.id = $1)
    WHERE oauth_account_id = $1"
);
/// Changes nothing, but makes the commit wait until it is durable.
const TOUCH: &str =
    "UPDATE evergrant_connections SET attempt = attempt WHERE oauth_account_id = $1";
/// A lease that is kept although its attempt ended does not depend on its holder any more.
const WRITE_FAILURE: &str = "UPDATE evergrant_connections SET status = $2, status_reason = $3,
        next_refresh_at = $4, failures = failures + 1, correlation_id = $5, last_outcome = $6,
        rejected_at = $7, lease_expires_at = $8, lease_lock = NULL, in_doubt_since = $9, retry_at = $10,
        next_status_at = $11
    WHERE oauth_account_id = $1";

impl RefreshRepository {
    /// Stores refreshed tokens if the row still holds the tokens that they were obtained with, and
    /// returns the stored connection, whose owner may have changed. `None` if other tokens were
    /// stored meanwhile, or the connection does not exist; then nothing is written.
    ///
    /// Tokens of another program take precedence, unless they are the ones that were sent or some
    /// that those replaced. A row that another program has deleted and inserted again with such
    /// tokens receives the new ones; the returned connection then has another id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn store(
        &self,
        leased: &Leased,
        new: &RefreshedGrant<'_>,
    ) -> Result<Option<Connection>, StoreError> {
        let mut tx = self.database.begin_own_write().await?;
        let mut locked = lock_owned(&mut tx, leased.connection.id).await?;
        if locked.is_none() {
            let key = (&leased.connection).into();
            let attempt = (&key, &leased.ticket);
            let again = tx.lock_inserted_again(attempt, new.digests, new.correlation_id, new.at);
            locked = again.await?;
        }
        let Some((version, row)) = locked else {
            return Ok(None);
        };
        let id = row.id;
        let Some(row) = tx.own_tokens(row, new.digests, new.at).await? else {
            return Ok(None);
        };
        let Some(lease) = lease::store_tokens(&AllRules, &row.lease, &leased.ticket) else {
            return Ok(None);
        };
        write_tokens(&mut tx, id, new).await?;
        write_state(&mut tx, id, &lease, new).await?;
        let stored = row.refreshed(lease, new);
        let digest = new.digests.digest_of(&stored.tokens);
        tx.keep_copy(id, digest.as_ref()).await?;
        let (kind, correlation_id) = (EventKind::Refreshed, new.correlation_id);
        tx.write_event(&event(&stored, version, kind, correlation_id, new.at))
            .await?;
        tx.commit().await?;
        Ok(Some(stored))
    }

    /// Confirms that an earlier transaction that wrote this connection is durable: a later commit
    /// is durable only if all earlier ones are.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if that is still unknown.
    pub async fn confirm(&self, id: ConnectionId) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        tx.execute(TOUCH, params![id.get()]).await?;
        tx.commit().await
    }

    /// Records an attempt that ended without tokens. Returns `false` if its outcome no longer
    /// applies.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_failure(
        &self,
        leased: &Leased,
        outcome: AttemptOutcome,
        failed: &FailedRefresh<'_>,
    ) -> Result<bool, StoreError> {
        let ticket = leased.ticket;
        record(&self.database, &leased.connection, failed, |row| {
            lease::record_outcome(&AllRules, row, &ticket, outcome)
        })
        .await
    }

    /// Records a fault of the credential that was found without an attempt to refresh it. Returns
    /// `false` if other tokens were stored meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_failed_check(
        &self,
        connection: &Connection,
        failed: &FailedRefresh<'_>,
    ) -> Result<bool, StoreError> {
        let known = connection.lease.generation;
        record(&self.database, connection, failed, |row| {
            (row.generation == known).then_some(*row)
        })
        .await
    }
}

/// Locks the row and writes a failure with the lease that `transition` returns. Returns `false` if
/// `transition` returns none, if the connection or its user does not exist, or if the connection is
/// not imported.
pub(crate) async fn record(
    database: &Database,
    connection: &Connection,
    failed: &FailedRefresh<'_>,
    transition: impl FnOnce(&LeaseRow) -> Option<LeaseRow>,
) -> Result<bool, StoreError> {
    let mut tx = database.begin().await?;
    let locked = match failed.event {
        Some(_) => lock_owned(&mut tx, connection.id).await?,
        None => lock(&mut tx, connection.id).await?.map(|row| (0, row)),
    };
    let Some((version, row)) = locked else {
        return Ok(false);
    };
    let Some(lease) = transition(&row.lease) else {
        return Ok(false);
    };
    write_failure(&mut tx, connection, &lease, failed).await?;
    if let Some(kind) = failed.event {
        let (correlation_id, at) = (failed.correlation_id, failed.at);
        tx.write_event(&event(&row, version, kind, correlation_id, at))
            .await?;
    }
    tx.commit().await?;
    Ok(true)
}

impl Connection {
    /// Returns the connection after these tokens were stored.
    pub(crate) fn refreshed(&self, lease: LeaseRow, new: &RefreshedGrant<'_>) -> Self {
        Self {
            lease,
            is_external: self.moved_from.is_some(),
            has_external_tokens: false,
            tokens: self.tokens.refreshed(new.tokens),
            updated_at: new.at,
            status: new.status,
            reason: new.reason,
            next_status_at: new.next_status_at,
            last_refreshed_at: Some(new.at),
            next_refresh_at: new.next_refresh_at,
            failures: 0,
            last_outcome: None,
            correlation_id: Some(new.correlation_id.as_str().to_owned()),
            ..self.clone()
        }
    }

    /// Returns the connection after a refresh whose tokens could not be written to the database
    /// yet, as far as this process knows.
    #[must_use]
    pub fn with_pending_write(&self, ticket: &Ticket, new: &RefreshedGrant<'_>) -> Self {
        let lease = lease::store_tokens(&AllRules, &self.lease, ticket).unwrap_or(self.lease);
        self.refreshed(lease, new)
    }
}

pub(crate) async fn write_tokens(
    tx: &mut Transaction,
    id: ConnectionId,
    new: &RefreshedGrant<'_>,
) -> Result<(), StoreError> {
    let tokens = params![
        id.get(),
        new.tokens.access_text(),
        new.tokens.refresh_text(),
        new.tokens.expires_at,
        new.tokens.token_type.as_deref(),
        new.tokens.scope.as_deref(),
        new.at,
    ];
    tx.execute(WRITE_TOKENS, tokens).await.map(drop)
}

pub(crate) async fn write_state(
    tx: &mut Transaction,
    id: ConnectionId,
    lease: &LeaseRow,
    new: &RefreshedGrant<'_>,
) -> Result<(), StoreError> {
    let state = params![
        id.get(),
        lease.generation,
        timestamp(lease.lease_expires_at_ms),
        timestamp(lease.in_doubt_since_ms),
        lease.token_source.map(|source| source.source_generation),
        lease.token_source.map(|source| source.attempt),
        new.status.as_str(),
        new.reason.map(StatusReason::as_str),
        new.at,
        new.tokens.grant_expires_at,
        new.next_status_at,
        new.next_refresh_at,
        new.correlation_id.as_str(),
    ];
    tx.execute(WRITE_STATE, state).await.map(drop)
}

async fn write_failure(
    tx: &mut Transaction,
    connection: &Connection,
    lease: &LeaseRow,
    failed: &FailedRefresh<'_>,
) -> Result<(), StoreError> {
    let state = params![
        connection.id.get(),
        failed.status.as_str(),
        failed.reason.map(StatusReason::as_str),
        failed.next_refresh_at,
        failed.correlation_id.as_str(),
        failed.outcome,
        Some(failed.at).filter(|_| failed.rejected),
        timestamp(lease.lease_expires_at_ms),
        timestamp(lease.in_doubt_since_ms),
        failed.retry_at,
        failed.next_status_at,
    ];
    tx.execute(WRITE_FAILURE, state).await.map(drop)
}
