//! Blocks on calls to providers, shared by all replicas, and the claim of the one replica
//! that may probe.

use evergrant_model::{ProviderSlug, Timestamp};

use crate::StoreError;
use crate::db::decode::Decoder;
use crate::db::repository::repository;
use crate::db::value::{Record, params};

/// A block on calls to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderBlock {
    /// The provider.
    pub provider: ProviderSlug,
    /// Which calls are blocked; the service defines the values.
    pub scope: String,
    /// Why calls are blocked; the service defines the values.
    pub kind: String,
    /// Time of the first of the consecutive trips.
    pub blocked_at: Timestamp,
    /// Time until which calls are blocked; after it, one replica may probe.
    pub blocked_until: Timestamp,
    /// Number of consecutive trips: 1, plus 1 for each failed probe.
    pub consecutive_trips: i32,
}

const ALL: &str = "SELECT provider, scope, kind, blocked_at, blocked_until, consecutive_trips
    FROM evergrant_provider_blocks";
const BLOCK: &str = "INSERT INTO evergrant_provider_blocks AS stored
        (provider, scope, kind, blocked_at, blocked_until, consecutive_trips)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (provider, scope, kind) DO UPDATE SET blocked_until = excluded.blocked_until,
        consecutive_trips = excluded.consecutive_trips
    WHERE stored.consecutive_trips < excluded.consecutive_trips
        OR stored.consecutive_trips = excluded.consecutive_trips
            AND stored.blocked_until < excluded.blocked_until
    RETURNING consecutive_trips";
const CLAIM_PROBE: &str = "UPDATE evergrant_provider_blocks SET blocked_until = $5
    WHERE provider = $1 AND scope = $2 AND kind = $3 AND blocked_until <= $4";
const SHORTEN: &str = "UPDATE evergrant_provider_blocks SET blocked_until = $5
    WHERE provider = $1 AND scope = $2 AND kind = $3 AND blocked_until = $4";
const UNBLOCK: &str = "DELETE FROM evergrant_provider_blocks
    WHERE provider = $1 AND scope = $2 AND kind = $3";

const BLOCKS: Decoder<ProviderBlock> = Decoder {
    table: "evergrant_provider_blocks",
    key: |row| {
        format!(
            "{} {} {}",
            row.key("provider"),
            row.key("scope"),
            row.key("kind")
        )
    },
    read,
};

fn read(row: &Record) -> Result<ProviderBlock, StoreError> {
    Ok(ProviderBlock {
        provider: ProviderSlug::new(row.text("provider")?)
            .map_err(|_| StoreError::Inconsistent("provider"))?,
        scope: row.text("scope")?,
        kind: row.text("kind")?,
        blocked_at: row.time("blocked_at")?,
        blocked_until: row.time("blocked_until")?,
        consecutive_trips: row.int("consecutive_trips")?,
    })
}

repository! {
    /// Blocks on calls to providers, shared by all replicas.
    ProviderBlockRepository
}

impl ProviderBlockRepository {
    /// Returns all blocks.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn all(&self) -> Result<Vec<ProviderBlock>, StoreError> {
        BLOCKS.decode(self.database.rows(ALL, params![]).await?)
    }

    /// Stores a block. Returns `false` if the stored one has more consecutive trips, or as many and
    /// lasts at least as long.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn block(&self, block: &ProviderBlock) -> Result<bool, StoreError> {
        let (provider, scope, kind) = (
            block.provider.as_str(),
            block.scope.as_str(),
            block.kind.as_str(),
        );
        let params = params![
            provider,
            scope,
            kind,
            block.blocked_at,
            block.blocked_until,
            block.consecutive_trips
        ];
        Ok(self.database.returning(BLOCK, params).await?.is_some())
    }

    /// Claims the probe of a block that has expired. Returns `true` for one caller; no other caller
    /// can claim it before `later`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn claim_probe(
        &self,
        block: &ProviderBlock,
        now: Timestamp,
        later: Timestamp,
    ) -> Result<bool, StoreError> {
        let (provider, scope, kind) = (
            block.provider.as_str(),
            block.scope.as_str(),
            block.kind.as_str(),
        );
        Ok(self
            .database
            .execute(CLAIM_PROBE, params![provider, scope, kind, now, later])
            .await?
            > 0)
    }

    /// Moves the end of a block to `until`. Does nothing if another caller has changed it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn shorten(&self, block: &ProviderBlock, until: Timestamp) -> Result<(), StoreError> {
        let params = params![
            block.provider.as_str(),
            block.scope.as_str(),
            block.kind.as_str(),
            block.blocked_until,
            until
        ];
        self.database.execute(SHORTEN, params).await.map(drop)
    }

    /// Deletes a block. Returns `false` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn unblock(&self, block: &ProviderBlock) -> Result<bool, StoreError> {
        let (provider, scope, kind) = (
            block.provider.as_str(),
            block.scope.as_str(),
            block.kind.as_str(),
        );
        Ok(self
            .database
            .execute(UNBLOCK, params![provider, scope, kind])
            .await?
            > 0)
    }
}
