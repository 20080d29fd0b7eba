//! What is due: renewals and checks ahead of need, and turns that time alone takes.

use evergrant_model::{
    ConnectionId, ConnectionStatus, CorrelationId, EventKind, ProviderSlug, StatusReason, Timestamp,
};

use crate::connections::{Connection, columns, readable};
use crate::database::params;
use crate::grants::{event, next_version};
use crate::{Store, StoreError};

/// PostgreSQL would rather read the whole table than believe that a subquery with a limit is short; an array it
/// believes.
pub(crate) const CLAIM_POSTGRES: &str = "UPDATE evergrant_connections SET next_refresh_at = $3
    WHERE oauth_account_id = ANY(ARRAY(
        SELECT oauth_account_id FROM evergrant_connections WHERE provider = $1 AND next_refresh_at <= $2
        ORDER BY next_refresh_at LIMIT $4 FOR UPDATE SKIP LOCKED))
    RETURNING oauth_account_id AS id";
pub(crate) const CLAIM_SQLITE: &str = "UPDATE evergrant_connections SET next_refresh_at = $3
    WHERE oauth_account_id IN (
        SELECT oauth_account_id FROM evergrant_connections WHERE provider = $1 AND next_refresh_at <= $2
        ORDER BY next_refresh_at LIMIT $4)
    RETURNING oauth_account_id AS id";
pub(crate) const TURNS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM evergrant_connections c JOIN oauth_accounts a ON a.id = c.oauth_account_id
    WHERE c.turns_at <= $1 AND c.status IN ('connected', 'expiring') ORDER BY c.turns_at LIMIT $2"
);
const TURN: &str =
    "UPDATE evergrant_connections SET status = $3, status_reason = $4, turns_at = $5, correlation_id = $6,
        next_refresh_at = CASE $3 WHEN 'expired' THEN NULL ELSE next_refresh_at END
    WHERE oauth_account_id = $1 AND generation = $2 AND turns_at <= $7 AND status IN ('connected', 'expiring')";
const RESCHEDULE: &str = "UPDATE evergrant_connections SET next_refresh_at = $2
    WHERE oauth_account_id = $1 AND status <> 'expired'";

/// What time alone has made of a connection.
#[derive(Debug)]
pub struct Turn<'a> {
    /// How it stands now.
    pub status: ConnectionStatus,
    /// Why.
    pub reason: Option<StatusReason>,
    /// When it turns next; `None` for never.
    pub next: Option<Timestamp>,
    /// What the user is told, where it is news.
    pub event: Option<EventKind>,
    /// Now.
    pub at: Timestamp,
    /// Finds the turn in the log.
    pub correlation_id: &'a CorrelationId,
}

impl Store {
    /// Claims up to `limit` connections of this platform whose renewal or check is due, the longest due first: no other
    /// replica is given them before `later`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn claim_due(
        &self,
        provider: &ProviderSlug,
        now: Timestamp,
        later: Timestamp,
        limit: i64,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        let claim = self.database.dialect(CLAIM_SQLITE, CLAIM_POSTGRES);
        let rows = self.database.all_returning(claim, params![provider.as_str(), now, later, limit]).await?;
        rows.iter().map(|row| row.int("id").map(ConnectionId::new)).collect()
    }

    /// Puts the next look at a connection off, or on, without touching anything else.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn reschedule(&self, id: ConnectionId, next: Option<Timestamp>) -> Result<(), StoreError> {
        self.database.execute(RESCHEDULE, params![id.get(), next]).await.map(drop)
    }

    /// Up to `limit` connections of which time alone changes how they stand.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn turning_connections(&self, now: Timestamp, limit: i64) -> Result<Vec<Connection>, StoreError> {
        readable(&self.database.rows(TURNS, params![now, limit]).await?)
    }

    /// Notes a turn; `false` where somebody else has noted it, or things have changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn record_turn(&self, held: &Connection, turn: &Turn<'_>) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let mut news = None;
        if let Some(kind) = turn.event {
            let Some(version) = next_version(&mut work, held).await? else { return Ok(false) };
            news = Some(event(held, version, kind, turn.correlation_id, turn.at));
        }
        let state = params![
            held.id.get(),
            held.lease.generation,
            turn.status.as_str(),
            turn.reason.map(StatusReason::as_str),
            turn.next,
            turn.correlation_id.as_str(),
            turn.at,
        ];
        if work.execute(TURN, state).await? == 0 {
            return Ok(false);
        }
        if let Some(event) = &news {
            work.announce(event).await?;
        }
        work.commit().await?;
        Ok(true)
    }
}
