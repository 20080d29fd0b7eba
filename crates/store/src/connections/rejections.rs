//! Grants that a platform rejects, counted over all replicas: a platform that rejects most grants
//! at once has a fault of its own, and the users have revoked nothing.

use evergrant_model::{ProviderSlug, Timestamp};

use crate::StoreError;
use crate::connections::row::{Connection, columns, decode};
use crate::connections::store_refresh::{FailedRefresh, record};
use crate::db::decode::Page;
use crate::db::repository::repository;
use crate::db::value::{Value, params};

/// How many grants of a provider were rejected and refreshed in a time span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejections {
    /// Grants that the platform rejected.
    pub rejected: i64,
    /// Successful refreshes.
    pub refreshed: i64,
}

pub(crate) const REJECTED: &str = "SELECT COUNT(*) AS rejected FROM evergrant_connections
    WHERE provider = $1 AND refused_at >= $2";
const REFRESHED: &str = "SELECT COUNT(*) AS refreshed FROM evergrant_events
    WHERE created_at >= $2 AND provider = $1 AND kind = 'refreshed'";
pub(crate) const ENDED: &str = concat!(
    "SELECT c.refused_at, ",
    columns!(),
    " FROM evergrant_connections c JOIN oauth_accounts a ON a.id = c.oauth_account_id
    WHERE c.provider = $1 AND c.refused_at >= $2 AND c.status = 'expired'
        AND (c.refused_at, c.oauth_account_id) > ($2, $3)
    ORDER BY c.refused_at, c.oauth_account_id LIMIT $4"
);
const RELEASE_SQLITE: &str =
    "UPDATE evergrant_connections SET next_refresh_at = $2, refused_at = NULL
    WHERE provider = $1 AND refused_at IS NOT NULL AND status = 'error'";
/// Locks by ascending id, as every statement that locks many connections.
const RELEASE_POSTGRES: &str =
    "UPDATE evergrant_connections SET next_refresh_at = $2, refused_at = NULL
    WHERE oauth_account_id = ANY(ARRAY(SELECT oauth_account_id FROM evergrant_connections
        WHERE provider = $1 AND refused_at IS NOT NULL AND status = 'error'
        ORDER BY oauth_account_id FOR UPDATE))";

repository! {
    /// Grants that platforms reject, counted over all replicas.
    RejectionRepository
}

impl RejectionRepository {
    /// How many grants of this provider were rejected and refreshed since then. Refreshes are
    /// counted only if at least `enough` grants were rejected, because the count is expensive.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn count(
        &self,
        provider: &ProviderSlug,
        since: Timestamp,
        enough: i64,
    ) -> Result<Rejections, StoreError> {
        let row = self
            .database
            .row(REJECTED, params![provider.as_str(), since])
            .await?;
        let rejected = row.map_or(Ok(0), |row| row.big("rejected"))?;
        if rejected < enough {
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

    /// Up to `limit` connections of this provider that a rejection has ended since then, the oldest
    /// rejection first.
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
            cursor: |row| Ok((row.time("refused_at")?, row.int("id")?)),
        };
        self.database.page(page, (since, 0), limit, decode).await
    }

    /// Makes the connections whose rejection was not believed due at `next`; answers how many there
    /// are.
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

    /// Undoes the end of a connection that a rejection caused; `false` if it was undone before, or
    /// other tokens are stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn undo(
        &self,
        held: &Connection,
        failed: &FailedRefresh<'_>,
    ) -> Result<bool, StoreError> {
        let seen = held.lease.generation;
        record(&self.database, held, failed, |row| {
            (row.generation == seen && row.dead).then_some(*row)
        })
        .await
    }
}
