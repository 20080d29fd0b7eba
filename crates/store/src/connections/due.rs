//! Claiming connections whose refresh or check is due.

use evergrant_model::{ConnectionId, ProviderSlug, Timestamp};

use crate::StoreError;
use crate::connections::lease::RefreshRepository;
use crate::db::value::params;

/// Uses `ANY` with an array, for which PostgreSQL uses the primary key. For `IN` with a limited
/// subquery it plans a scan of the whole table.
pub(crate) const CLAIM_POSTGRES: &str = "UPDATE evergrant_connections SET next_refresh_at = $3
    WHERE oauth_account_id = ANY(ARRAY(
        SELECT oauth_account_id FROM evergrant_connections
        WHERE provider = $1 AND next_refresh_at <= $2
        ORDER BY next_refresh_at LIMIT $4 FOR UPDATE SKIP LOCKED))
    RETURNING oauth_account_id AS id";
pub(crate) const CLAIM_SQLITE: &str = "UPDATE evergrant_connections SET next_refresh_at = $3
    WHERE oauth_account_id IN (
        SELECT oauth_account_id FROM evergrant_connections
        WHERE provider = $1 AND next_refresh_at <= $2
        ORDER BY next_refresh_at LIMIT $4)
    RETURNING oauth_account_id AS id";
const RESCHEDULE: &str = "UPDATE evergrant_connections SET next_refresh_at = $2
    WHERE oauth_account_id = $1 AND status <> 'expired'";

impl RefreshRepository {
    /// Claims up to `limit` connections of this provider whose refresh or check is due, the longest
    /// overdue first. No other replica can claim them before `later`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn claim_due(
        &self,
        provider: &ProviderSlug,
        now: Timestamp,
        later: Timestamp,
        limit: i64,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        let claim = self.database.dialect(CLAIM_SQLITE, CLAIM_POSTGRES);
        let rows = self
            .database
            .all_returning(claim, params![provider.as_str(), now, later, limit])
            .await?;
        rows.iter()
            .map(|row| row.int("id").map(ConnectionId::new))
            .collect()
    }

    /// Sets the time at which the connection is next due, and changes nothing else. Does nothing if
    /// the connection has expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn reschedule(
        &self,
        id: ConnectionId,
        next: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.database
            .execute(RESCHEDULE, params![id.get(), next])
            .await
            .map(drop)
    }
}
