//! Counting rejected grants over all replicas. A provider that rejects most grants at once has a
//! fault; its users have not revoked them.

use evergrant_model::{ProviderSlug, Timestamp};

use crate::StoreError;
use crate::connections::row::{Connection, columns, decode};
use crate::connections::store_refresh::{FailedRefresh, record};
use crate::db::decode::Page;
use crate::db::repository::repository;
use crate::db::value::{Value, params};

/// Numbers of rejected and refreshed grants of a provider in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejections {
    /// Number of grants that the provider rejected.
    pub rejected: i64,
    /// Number of successful refreshes; 0 if they were not counted.
    pub refreshed: i64,
}

pub(crate) const REJECTED: &str = "SELECT COUNT(*) AS rejected FROM evergrant_connections
    WHERE provider = $1 AND rejected_at >= $2";
const REFRESHED: &str = "SELECT COUNT(*) AS refreshed FROM evergrant_events
    WHERE created_at >= $2 AND provider = $1 AND kind = 'refreshed'";
pub(crate) const ENDED: &str = concat!(
    "SELECT c.rejected_at, ",
    columns!(),
    " FROM evergrant_connections c JOIN oauth_accounts a ON a.id = c.oauth_account_id
    WHERE c.provider = $1 AND c.rejected_at >= $2 AND c.status = 'expired'
        AND (c.rejected_at, c.oauth_account_id) > ($2, $3)
    ORDER BY c.rejected_at, c.oauth_account_id LIMIT $4"
);
const RELEASE_SQLITE: &str = "UPDATE evergrant_connections
    SET next_refresh_at = $2, rejected_at = NULL
    WHERE provider = $1 AND rejected_at IS NOT NULL AND status = 'error'";
/// Locks the rows in ascending order of ids, like every statement that locks several connections.
const RELEASE_POSTGRES: &str =
    "UPDATE evergrant_connections SET next_refresh_at = $2, rejected_at = NULL
    WHERE oauth_account_id = ANY(ARRAY(SELECT oauth_account_id FROM evergrant_connections
        WHERE provider = $1 AND rejected_at IS NOT NULL AND status = 'error'
        ORDER BY oauth_account_id FOR UPDATE))";

repository! {
    /// Rejected grants, counted over all replicas.
    RejectionRepository
}

impl RejectionRepository {
    /// Counts the grants of this provider that were rejected and refreshed since `since`. Refreshes
    /// are counted only if at least `min_rejected` grants were rejected, because counting them is
    /// expensive.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn count(
        &self,
        provider: &ProviderSlug,
        since: Timestamp,
        min_rejected: i64,
    ) -> Result<Rejections, StoreError> {
        let row = self
            .database
            .row(REJECTED, params![provider.as_str(), since])
            .await?;
        let rejected = row.map_or(Ok(0), |row| row.big("rejected"))?;
        if rejected < min_rejected {
            return Ok(Rejections {
                rejected,
                refreshed: 0,
            });
        }
        let row = self
            .database
            .row(REFRESHED, params![provider.as_str(), since])
            .await?;
        Ok(Rejections {
            rejected,
            refreshed: row.map_or(Ok(0), |row| row.big("refreshed"))?,
        })
    }

    /// Returns up to `limit` connections of this provider that expired because of a rejection since
    /// `since`, the oldest rejection first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn ended_since(
        &self,
        provider: &ProviderSlug,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<Connection>, StoreError> {
        let page = Page {
            sql: ENDED,
            fixed: params![provider.as_str()],
            after: |(at, id)| vec![Value::from(*at), Value::from(*id)],
            cursor: |row| Ok((row.time("rejected_at")?, row.int("id")?)),
        };
        self.database.page(page, (since, 0), limit, decode).await
    }

    /// Makes the connections with an unconfirmed rejection (status `error`) due at `next`. Returns
    /// their number.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn release_suspects(
        &self,
        provider: &ProviderSlug,
        next: Timestamp,
    ) -> Result<u64, StoreError> {
        let release = self.database.dialect(RELEASE_SQLITE, RELEASE_POSTGRES);
        self.database
            .execute(release, params![provider.as_str(), next])
            .await
    }

    /// Restores a connection that expired because of a rejection. Returns `false` if it was
    /// restored earlier, or other tokens are stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn undo(
        &self,
        connection: &Connection,
        failed: &FailedRefresh<'_>,
    ) -> Result<bool, StoreError> {
        let known = connection.lease.generation;
        record(&self.database, connection, failed, |row| {
            (row.generation == known && row.dead).then_some(*row)
        })
        .await
    }
}
