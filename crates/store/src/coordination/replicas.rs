//! The serving processes, counted by heartbeat: they share the quota that a platform gives the app.

use evergrant_model::Timestamp;

use crate::StoreError;
use crate::db::repository::repository;
use crate::db::value::params;

const SEEN: &str = "INSERT INTO evergrant_replicas (id, seen_at) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";
const LIVE: &str = "SELECT COUNT(*) AS live FROM evergrant_replicas WHERE seen_at >= $1";
const FORGET: &str = "DELETE FROM evergrant_replicas WHERE seen_at < $1";

repository! {
    /// The serving processes.
    ReplicaRepository
}

impl ReplicaRepository {
    /// Records that the process is alive, deletes those not seen since `dead_before`, and answers
    /// how many were seen since `live_since`. It writes, so it also shows whether the database
    /// takes writes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails or the database takes no writes.
    pub async fn heartbeat(
        &self,
        id: &str,
        now: Timestamp,
        live_since: Timestamp,
        dead_before: Timestamp,
    ) -> Result<i64, StoreError> {
        self.database.execute(SEEN, params![id, now]).await?;
        self.database.execute(FORGET, params![dead_before]).await?;
        self.database
            .row(LIVE, params![live_since])
            .await?
            .map_or(Ok(1), |row| row.big("live"))
    }

    /// Removes the process from the list.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn remove(&self, id: &str) -> Result<(), StoreError> {
        self.database
            .execute("DELETE FROM evergrant_replicas WHERE id = $1", params![id])
            .await
            .map(drop)
    }
}
