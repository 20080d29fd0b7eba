//! Recording successful checks of session credentials, which cannot be refreshed.

use evergrant_model::{CorrelationId, EventKind, StatusReason, Timestamp};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::lease::RefreshRepository;
use crate::connections::row::Connection;
use crate::db::value::params;

const RECORD: &str = "UPDATE evergrant_connections SET status = 'connected', status_reason = $3,
        next_refresh_at = $4, failures = 0, last_outcome = NULL, correlation_id = $5
    WHERE oauth_account_id = $1 AND generation = $2";

impl RefreshRepository {
    /// Records that the credential of this generation is valid, with an optional limitation, and
    /// when it is checked next. Returns `false` if another credential was stored meanwhile, or the
    /// connection does not exist or is not imported.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_check(
        &self,
        connection: &Connection,
        reason: Option<StatusReason>,
        next: Option<Timestamp>,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.begin().await?;
        let Some(version) = tx.increment_version_if_user_exists(connection.user).await? else {
            return Ok(false);
        };
        let state = params![
            connection.id.get(),
            connection.lease.generation,
            reason.map(StatusReason::as_str),
            next,
            correlation_id.as_str(),
        ];
        if tx.execute(RECORD, state).await? == 0 {
            return Ok(false);
        }
        tx.write_event(&event(
            connection,
            version,
            EventKind::Refreshed,
            correlation_id,
            at,
        ))
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}
