//! The processes that serve, by their own word: a quota that a platform gives the app is shared by as many.

use evergrant_model::Timestamp;

use crate::database::params;
use crate::{Store, StoreError};

const SEEN: &str = "INSERT INTO evergrant_replicas (id, seen_at) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";
const LIVE: &str = "SELECT COUNT(*) AS live FROM evergrant_replicas WHERE seen_at >= $1";
const FORGET: &str = "DELETE FROM evergrant_replicas WHERE seen_at < $1";

impl Store {
    /// Notes that the process lives, forgets those not seen since `dead_before`, and answers how many were seen since
    /// `live_since`. It writes, so it also tells whether the database takes writes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails or takes no writes.
    pub async fn heartbeat(
        &self,
        id: &str,
        now: Timestamp,
        live_since: Timestamp,
        dead_before: Timestamp,
    ) -> Result<i64, StoreError> {
        self.database.execute(SEEN, params![id, now]).await?;
        self.database.execute(FORGET, params![dead_before]).await?;
        self.database.row(LIVE, params![live_since]).await?.map_or(Ok(1), |row| row.big("live"))
    }

    /// Takes the process off the list.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn leave(&self, id: &str) -> Result<(), StoreError> {
        self.database.execute("DELETE FROM evergrant_replicas WHERE id = $1", params![id]).await.map(drop)
    }
}
