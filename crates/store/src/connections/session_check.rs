//! Recording that a credential without refresh was checked and works.

use evergrant_model::{CorrelationId, EventKind, StatusReason, Timestamp};

use crate::StoreError;
use crate::connections::change::event;
use crate::connections::lease::RefreshRepository;
use crate::connections::row::Connection;
use crate::db::value::params;

const RECORD: &str = "UPDATE evergrant_connections SET status = 'connected', status_reason = $3, next_refresh_at = $4,
        failures = 0, last_outcome = NULL, correlation_id = $5
    WHERE oauth_account_id = $1 AND generation = $2";

impl RefreshRepository {
    /// Records that the credential of this generation works, with or without a remark, and when it
    /// is checked next. `false` if another was stored meanwhile, or the connection is gone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_check(
        &self,
        held: &Connection,
        reason: Option<StatusReason>,
        next: Option<Timestamp>,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(version) = work.raise_version_of_existing(held.user).await? else {
            return Ok(false);
        };
        let state = params![
            held.id.get(),
            held.lease.generation,
            reason.map(StatusReason::as_str),
            next,
            correlation_id.as_str(),
        ];
        work.ensure_state(held.id).await?;
        if work.execute(RECORD, state).await? == 0 {
            return Ok(false);
        }
        work.announce(&event(
            held,
            version,
            EventKind::Refreshed,
            correlation_id,
            at,
        ))
        .await?;
        work.commit().await?;
        Ok(true)
    }
}
