//! Grants that a platform refuses: counted over all replicas, because a platform that refuses everybody's at once is in
//! trouble itself, and no person has withdrawn anything.

use evergrant_model::{ProviderSlug, Timestamp};

use crate::connections::{Connection, columns, readable};
use crate::database::params;
use crate::{Store, StoreError};

/// How many grants of a platform were refused and renewed in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusals {
    /// Those that the platform refused.
    pub refused: i64,
    /// Those that it renewed.
    pub renewed: i64,
}

pub(crate) const REFUSED: &str = "SELECT COUNT(*) AS refused FROM evergrant_connections
    WHERE provider = $1 AND refused_at >= $2";
const RENEWED: &str = "SELECT COUNT(*) AS renewed FROM evergrant_events
    WHERE created_at >= $2 AND provider = $1 AND kind = 'refreshed'";
const ENDED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM evergrant_connections c JOIN oauth_accounts a ON a.id = c.oauth_account_id
    WHERE c.provider = $1 AND c.refused_at >= $2 AND c.status = 'expired' ORDER BY c.refused_at LIMIT $3"
);
const RELEASE: &str = "UPDATE evergrant_connections SET next_refresh_at = $2, refused_at = NULL
    WHERE provider = $1 AND refused_at IS NOT NULL AND status = 'error'";

impl Store {
    /// How many grants of this platform were refused and renewed since then. The latter is counted only where the
    /// former reach `enough`: most of the time nobody needs to know.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn refusals(
        &self,
        provider: &ProviderSlug,
        since: Timestamp,
        enough: i64,
    ) -> Result<Refusals, StoreError> {
        let row = self.database.row(REFUSED, params![provider.as_str(), since]).await?;
        let refused = row.map_or(Ok(0), |row| row.big("refused"))?;
        if refused < enough {
            return Ok(Refusals { refused, renewed: 0 });
        }
        let row = self.database.row(RENEWED, params![provider.as_str(), since]).await?;
        Ok(Refusals { refused, renewed: row.map_or(Ok(0), |row| row.big("renewed"))? })
    }

    /// Up to `limit` connections of this platform that were ended by a refusal since then, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn refused_connections(
        &self,
        provider: &ProviderSlug,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<Connection>, StoreError> {
        readable(&self.database.rows(ENDED, params![provider.as_str(), since, limit]).await?)
    }

    /// Lets the connections whose refusal was not believed be tried once more; how many there are.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn release_suspects(&self, provider: &ProviderSlug, next: Timestamp) -> Result<u64, StoreError> {
        self.database.execute(RELEASE, params![provider.as_str(), next]).await
    }
}
