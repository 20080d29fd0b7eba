//! Status changes that time alone causes: a warning ahead of an end that no refresh averts, and
//! that end.

use evergrant_model::{ConnectionStatus, CorrelationId, EventKind, StatusReason, Timestamp};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::row::{Connection, columns, decode};
use crate::db::decode::Page;
use crate::db::repository::repository;
use crate::db::value::{Value, params};

pub(crate) const DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM evergrant_connections c JOIN oauth_accounts a ON a.id = c.oauth_account_id
    WHERE c.turns_at <= $1 AND c.status IN ('connected', 'expiring')
        AND c.turns_at >= $2 AND (c.turns_at, c.oauth_account_id) > ($2, $3)
    ORDER BY c.turns_at, c.oauth_account_id LIMIT $4"
);
const RECORD: &str =
    "UPDATE evergrant_connections SET status = $3, status_reason = $4, turns_at = $5, correlation_id = $6,
        next_refresh_at = CASE $3 WHEN 'expired' THEN NULL ELSE next_refresh_at END
    WHERE oauth_account_id = $1 AND generation = $2 AND turns_at <= $7 AND status IN ('connected', 'expiring')";
/// A status change that time alone causes.
#[derive(Debug)]
pub struct StatusTransition<'a> {
    /// The new status.
    pub status: ConnectionStatus,
    /// Why.
    pub reason: Option<StatusReason>,
    /// When the status changes next; `None` for never.
    pub next: Option<Timestamp>,
    /// The event to write, if the change is to be announced.
    pub event: Option<EventKind>,
    /// Now.
    pub at: Timestamp,
    /// Finds the change in the log.
    pub correlation_id: &'a CorrelationId,
}

repository! {
    /// Status changes that time alone causes, such as the end of a session.
    StatusTransitionRepository
}

impl StatusTransitionRepository {
    /// Up to `limit` connections whose status change is due at `now`, the longest due first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn due(&self, now: Timestamp, limit: i64) -> Result<Vec<Connection>, StoreError> {
        let page = Page {
            sql: DUE,
            fixed: params![now],
            after: |(at, id)| vec![Value::from(*at), Value::from(*id)],
            cursor: |row| Ok((row.time("turns_at")?, row.int("id")?)),
        };
        self.database
            .page(page, (Timestamp::from_unix_ms(0), 0), limit, decode)
            .await
    }

    /// Records a status change; `false` if another replica has recorded it, or the connection has
    /// changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record(
        &self,
        held: &Connection,
        transition: &StatusTransition<'_>,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let mut news = None;
        if let Some(kind) = transition.event {
            let Some(version) = work.raise_version_of_existing(held.user).await? else {
                return Ok(false);
            };
            news = Some(event(
                held,
                version,
                kind,
                transition.correlation_id,
                transition.at,
            ));
        }
        let state = params![
            held.id.get(),
            held.lease.generation,
            transition.status.as_str(),
            transition.reason.map(StatusReason::as_str),
            transition.next,
            transition.correlation_id.as_str(),
            transition.at,
        ];
        if work.execute(RECORD, state).await? == 0 {
            return Ok(false);
        }
        if let Some(event) = &news {
            work.announce(event).await?;
        }
        work.commit().await?;
        Ok(true)
    }
}
