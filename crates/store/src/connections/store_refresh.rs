//! Storing the outcome of a refresh: new tokens, or a failure. The transitions of the lease decide
//! whether an outcome still applies; its event is written in the same transaction.

use evergrant_model::{ConnectionStatus, CorrelationId, EventKind, StatusReason, Timestamp};
use evergrant_resilience::refresh::AllRules;
use evergrant_resilience::refresh::lease::{self, AttemptOutcome, LeaseRow, Ticket};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::lease::{Leased, RefreshRepository, moment};
use crate::connections::row::{Connection, read_lease};
use crate::connections::tokens::StoredTokens;
use crate::db::database::Database;
use crate::db::value::params;
use crate::db::work::Work;

/// Refreshed tokens.
#[derive(Debug)]
pub struct RefreshedGrant<'a> {
    /// The new tokens; what they leave out is kept, see [`StoredTokens::refreshed`].
    pub tokens: &'a StoredTokens,
    /// When time alone next changes the status; `None` for never.
    pub next_status_at: Option<Timestamp>,
    /// `connected`, or `expiring` once the user has been warned.
    pub status: ConnectionStatus,
    /// A remark on a connection that works, such as missing scopes.
    pub reason: Option<StatusReason>,
    /// When renewal is next due.
    pub next_refresh_at: Option<Timestamp>,
    /// When the tokens were requested.
    pub at: Timestamp,
    /// Finds the attempt in the log.
    pub correlation_id: &'a CorrelationId,
}

/// A refresh that failed.
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
    /// Whether the platform rejected the grant.
    pub rejected: bool,
    /// Now.
    pub at: Timestamp,
    /// Finds the attempt in the log.
    pub correlation_id: &'a CorrelationId,
}

macro_rules! locked {
    ($lock:literal) => {
        concat!(
            "SELECT c.generation, c.attempt, c.held_until, c.doubt_since, c.bought_with, c.bought_attempt, c.status,
                a.access_token, a.refresh_token
            FROM oauth_accounts a JOIN evergrant_connections c ON c.oauth_account_id = a.id WHERE a.id = $1",
            $lock
        )
    };
}
const LOCKED_SQLITE: &str = locked!("");
const LOCKED_POSTGRES: &str = locked!(" FOR UPDATE OF a, c");
const WRITE_TOKENS: &str = "UPDATE oauth_accounts SET access_token = $2,
        refresh_token = COALESCE($3, refresh_token), expires_at = $4, token_type = COALESCE($5, token_type),
        scope = COALESCE($6, scope), updated_at = $7
    WHERE id = $1";
const WRITE_STATE: &str = "UPDATE evergrant_connections SET generation = $2, held_until = $3, doubt_since = $4,
        bought_with = $5, bought_attempt = $6, status = $7, status_reason = $8, issued_at = $9, last_refreshed_at = $9,
        refresh_expires_at = COALESCE($10, refresh_expires_at), turns_at = $11, next_refresh_at = $12, failures = 0,
        last_outcome = NULL, refused_at = NULL, known_token = substr($13, 1, 32), correlation_id = $14
    WHERE oauth_account_id = $1";
const WRITE_FAILURE: &str = "UPDATE evergrant_connections SET status = $2, status_reason = $3, next_refresh_at = $4,
        failures = failures + 1, correlation_id = $5, last_outcome = $6, refused_at = $7, held_until = $8,
        doubt_since = $9
    WHERE oauth_account_id = $1";

impl RefreshRepository {
    /// Stores refreshed tokens if the row still holds the tokens that they were obtained with;
    /// answers the connection as stored. `None` if other tokens were stored meanwhile, or the
    /// connection is gone; then nothing is written.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn store(
        &self,
        leased: &Leased,
        new: &RefreshedGrant<'_>,
    ) -> Result<Option<Connection>, StoreError> {
        let held = &leased.held;
        let mut work = self.database.begin().await?;
        let Some(version) = work.raise_version_of_existing(held.user).await? else {
            return Ok(None);
        };
        let Some(row) = untouched(&mut work, held).await? else {
            return Ok(None);
        };
        let Some(lease) = lease::store_tokens(&AllRules, &row, &leased.ticket) else {
            return Ok(None);
        };
        write_tokens(&mut work, held, new).await?;
        write_state(&mut work, held, &lease, new).await?;
        work.announce(&event(
            held,
            version,
            EventKind::Refreshed,
            new.correlation_id,
            new.at,
        ))
        .await?;
        work.commit().await?;
        Ok(Some(held.refreshed(lease, new)))
    }

    /// Records an attempt that ended without tokens; `false` if its outcome no longer applies.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_failure(
        &self,
        leased: &Leased,
        ending: AttemptOutcome,
        failed: &FailedRefresh<'_>,
    ) -> Result<bool, StoreError> {
        let ticket = leased.ticket;
        record(&self.database, &leased.held, failed, |row| {
            lease::record_outcome(&AllRules, row, &ticket, ending)
        })
        .await
    }

    /// Records a fault of the credential that was found without an attempt to refresh it; `false`
    /// if other tokens are stored meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_failed_check(
        &self,
        held: &Connection,
        failed: &FailedRefresh<'_>,
    ) -> Result<bool, StoreError> {
        let seen = held.lease.generation;
        record(&self.database, held, failed, |row| {
            (row.generation == seen).then_some(*row)
        })
        .await
    }
}

/// Writes a failure if `transition` accepts the row under its lock; `false` if it does not, or the
/// connection is gone.
pub(crate) async fn record(
    database: &Database,
    held: &Connection,
    failed: &FailedRefresh<'_>,
    transition: impl FnOnce(&LeaseRow) -> Option<LeaseRow>,
) -> Result<bool, StoreError> {
    let mut work = database.begin().await?;
    let mut news = None;
    if let Some(kind) = failed.event {
        let Some(version) = work.raise_version_of_existing(held.user).await? else {
            return Ok(false);
        };
        news = Some(event(held, version, kind, failed.correlation_id, failed.at));
    }
    work.ensure_state(held.id).await?;
    let Some(row) = locked(&mut work, held).await? else {
        return Ok(false);
    };
    let Some(lease) = transition(&row.lease) else {
        return Ok(false);
    };
    write_failure(&mut work, held, &lease, failed).await?;
    if let Some(event) = &news {
        work.announce(event).await?;
    }
    work.commit().await?;
    Ok(true)
}

impl Connection {
    /// The connection after these tokens are stored.
    fn refreshed(&self, lease: LeaseRow, new: &RefreshedGrant<'_>) -> Self {
        Self {
            lease,
            is_external: false,
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

    /// The connection after a refresh whose tokens the database has not taken yet, as far as this
    /// process knows.
    #[must_use]
    pub fn with_pending_write(&self, ticket: &Ticket, new: &RefreshedGrant<'_>) -> Self {
        let lease = lease::store_tokens(&AllRules, &self.lease, ticket).unwrap_or(self.lease);
        self.refreshed(lease, new)
    }
}

struct Locked {
    lease: LeaseRow,
    access_token: Option<String>,
    refresh_token: Option<String>,
}

async fn locked(work: &mut Work, held: &Connection) -> Result<Option<Locked>, StoreError> {
    let sql = work.dialect(LOCKED_SQLITE, LOCKED_POSTGRES);
    let Some(row) = work.row(sql, params![held.id.get()]).await? else {
        return Ok(None);
    };
    Ok(Some(Locked {
        lease: read_lease(&row)?,
        access_token: row.optional_text("access_token")?,
        refresh_token: row.optional_text("refresh_token")?,
    }))
}

/// The lease of a row whose tokens nobody else has written since: another program knows nothing of
/// generations, and its pair is newer than ours whatever ours is.
async fn untouched(work: &mut Work, held: &Connection) -> Result<Option<LeaseRow>, StoreError> {
    let Some(row) = locked(work, held).await? else {
        return Ok(None);
    };
    let is_ours = row.lease.generation != held.lease.generation
        || (row.access_token.as_deref() == held.tokens.access_text()
            && row.refresh_token.as_deref() == held.tokens.refresh_text());
    Ok(is_ours.then_some(row.lease))
}

async fn write_tokens(
    work: &mut Work,
    held: &Connection,
    new: &RefreshedGrant<'_>,
) -> Result<(), StoreError> {
    let tokens = params![
        held.id.get(),
        new.tokens.access_text(),
        new.tokens.refresh_text(),
        new.tokens.expires_at,
        new.tokens.token_type.as_deref(),
        new.tokens.scope.as_deref(),
        new.at,
    ];
    work.execute(WRITE_TOKENS, tokens).await.map(drop)
}

async fn write_state(
    work: &mut Work,
    held: &Connection,
    lease: &LeaseRow,
    new: &RefreshedGrant<'_>,
) -> Result<(), StoreError> {
    let state = params![
        held.id.get(),
        lease.generation,
        moment(lease.lease_expires_at_ms),
        moment(lease.in_doubt_since_ms),
        lease.token_source.map(|pair| pair.source_generation),
        lease.token_source.map(|pair| pair.attempt),
        new.status.as_str(),
        new.reason.map(StatusReason::as_str),
        new.at,
        new.tokens.grant_expires_at,
        new.next_status_at,
        new.next_refresh_at,
        new.tokens.access_text(),
        new.correlation_id.as_str(),
    ];
    work.execute(WRITE_STATE, state).await.map(drop)
}

async fn write_failure(
    work: &mut Work,
    held: &Connection,
    lease: &LeaseRow,
    failed: &FailedRefresh<'_>,
) -> Result<(), StoreError> {
    let state = params![
        held.id.get(),
        failed.status.as_str(),
        failed.reason.map(StatusReason::as_str),
        failed.next_refresh_at,
        failed.correlation_id.as_str(),
        failed.outcome,
        Some(failed.at).filter(|_| failed.rejected),
        moment(lease.lease_expires_at_ms),
        moment(lease.in_doubt_since_ms),
    ];
    work.execute(WRITE_FAILURE, state).await.map(drop)
}
