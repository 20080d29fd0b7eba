//! Status changes at a scheduled time: a warning before an expiry that no refresh can prevent, and
//! that expiry.

use evergrant_model::{
    ConnectionId, ConnectionStatus, CorrelationId, EventKind, StatusReason, Timestamp,
};

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
    WHERE c.next_status_at <= $1 AND c.status IN ('connected', 'expiring')
        AND c.next_status_at >= $2 AND (c.next_status_at, c.oauth_account_id) > ($2, $3)
    ORDER BY c.next_status_at, c.oauth_account_id LIMIT $4"
);
const RECORD: &str = "UPDATE evergrant_connections SET status = $3, status_reason = $4,
        next_status_at = $5, correlation_id = $6,
        next_refresh_at = CASE $3 WHEN 'expired' THEN NULL ELSE next_refresh_at END
    WHERE oauth_account_id = $1 AND generation = $2 AND next_status_at <= $7
        AND status IN ('connected', 'expiring')";

/// A scheduled change of a connection's status.
#[derive(Debug)]
pub struct StatusTransition<'a> {
    /// The new status.
    pub status: ConnectionStatus,
    /// The reason; `None` if there is nothing to say.
    pub reason: Option<StatusReason>,
    /// Time of the next scheduled change; `None` for never.
    pub next: Option<Timestamp>,
    /// The event to write; `None` to write none.
    pub event: Option<EventKind>,
    /// The current time.
    pub at: Timestamp,
    /// The correlation id of the change.
    pub correlation_id: &'a CorrelationId,
}

repository! {
    /// Scheduled changes of status, such as the expiry of a session credential.
    StatusTransitionRepository
}

impl StatusTransitionRepository {
    /// Returns up to `limit` connections whose status change is due at `now`, the longest overdue
    /// first. They follow `after`, the time and connection of the last change that is known.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, ConnectionId)>,
        limit: i64,
    ) -> Result<Vec<Connection>, StoreError> {
        let start = after.map_or((Timestamp::from_unix_ms(0), 0), |(at, id)| (at, id.get()));
        let page = Page {
            sql: DUE,
            fixed: params![now],
            after: |(at, id)| vec![Value::from(*at), Value::from(*id)],
            cursor: |row| Ok((row.time("next_status_at")?, row.int("id")?)),
        };
        self.database.page(page, start, limit, decode).await
    }

    /// Records a status change. Returns `false` if another replica has recorded it, or the
    /// connection has changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record(
        &self,
        connection: &Connection,
        transition: &StatusTransition<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.begin().await?;
        let mut new_event = None;
        if let Some(kind) = transition.event {
            let Some(version) = tx.increment_version_if_user_exists(connection.user).await? else {
                return Ok(false);
            };
            new_event = Some(event(
                connection,
                version,
                kind,
                transition.correlation_id,
                transition.at,
            ));
        }
        let state = params![
            connection.id.get(),
            connection.lease.generation,
            transition.status.as_str(),
            transition.reason.map(StatusReason::as_str),
            transition.next,
            transition.correlation_id.as_str(),
            transition.at,
        ];
        if tx.execute(RECORD, state).await? == 0 {
            return Ok(false);
        }
        if let Some(event) = &new_event {
            tx.write_event(event).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
