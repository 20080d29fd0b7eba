//! The running replicas, counted by heartbeat. They divide a provider's rate limit among
//! themselves.

use evergrant_model::Timestamp;

use crate::StoreError;
use crate::db::repository::repository;
use crate::db::value::params;

const HEARTBEAT: &str = "INSERT INTO evergrant_replicas (id, last_heartbeat_at) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET last_heartbeat_at = excluded.last_heartbeat_at";
const LIVE: &str = "SELECT COUNT(*) AS live FROM evergrant_replicas WHERE last_heartbeat_at >= $1";
const DELETE_DEAD: &str = "DELETE FROM evergrant_replicas WHERE last_heartbeat_at < $1";

repository! {
    /// The running replicas.
    ReplicaRepository
}

impl ReplicaRepository {
    /// Records a heartbeat of this replica, deletes replicas without one since `dead_before`, and
    /// returns the number of replicas with one since `live_since`. Because it writes, it also
    /// detects a database that rejects writes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails or the database rejects writes.
    pub async fn heartbeat(
        &self,
        id: &str,
        now: Timestamp,
        live_since: Timestamp,
        dead_before: Timestamp,
    ) -> Result<i64, StoreError> {
        self.database.execute(HEARTBEAT, params![id, now]).await?;
        self.database
            .execute(DELETE_DEAD, params![dead_before])
            .await?;
        self.database
            .row(LIVE, params![live_since])
            .await?
            .map_or(Ok(1), |row| row.big("live"))
    }

    /// Deletes the replica from the table.
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
