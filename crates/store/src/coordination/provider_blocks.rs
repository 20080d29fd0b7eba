//! Blocks on calls to hosts of providers, shared by all replicas, and the claim of the one replica
//! that may probe.

use evergrant_model::{ProviderSlug, Timestamp};

use crate::StoreError;
use crate::db::decode::Decoder;
use crate::db::repository::repository;
use crate::db::value::{Record, params};

/// A block on calls to one host of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderBlock {
    /// The provider.
    pub provider: ProviderSlug,
    /// The host.
    pub host: String,
    /// Why calls are blocked, as a word of the service.
    pub kind: String,
    /// When the first of the consecutive trips happened.
    pub since: Timestamp,
    /// Calls are blocked until this time; after it, one replica may probe.
    pub blocked_until: Timestamp,
    /// Number of consecutive trips: one, and one more for each failed probe.
    pub consecutive_trips: i32,
}

const ALL: &str = "SELECT provider, host, kind, since, closed_to, trips FROM evergrant_gates";
const BLOCK: &str = "INSERT INTO evergrant_gates (provider, host, kind, since, closed_to, trips)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (provider, host, kind) DO UPDATE SET closed_to = excluded.closed_to, trips = excluded.trips
    WHERE evergrant_gates.trips < excluded.trips
        OR evergrant_gates.trips = excluded.trips AND evergrant_gates.closed_to < excluded.closed_to
    RETURNING trips";
const CLAIM_PROBE: &str = "UPDATE evergrant_gates SET closed_to = $5
    WHERE provider = $1 AND host = $2 AND kind = $3 AND closed_to <= $4";
const UNBLOCK: &str = "DELETE FROM evergrant_gates WHERE provider = $1 AND host = $2 AND kind = $3";

const BLOCKS: Decoder<ProviderBlock> = Decoder {
    table: "evergrant_gates",
    key: |row| {
        format!(
            "{} {} {}",
            row.key("provider"),
            row.key("host"),
            row.key("kind")
        )
    },
    read,
};

fn read(row: &Record) -> Result<ProviderBlock, StoreError> {
    Ok(ProviderBlock {
        provider: ProviderSlug::new(row.text("provider")?)
            .map_err(|_| StoreError::Inconsistent("provider"))?,
        host: row.text("host")?,
        kind: row.text("kind")?,
        since: row.time("since")?,
        blocked_until: row.time("closed_to")?,
        consecutive_trips: row.int("trips")?,
    })
}

repository! {
    /// Blocks on calls to hosts of providers, shared by all replicas.
    ProviderBlockRepository
}

impl ProviderBlockRepository {
    /// Every block.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn all(&self) -> Result<Vec<ProviderBlock>, StoreError> {
        BLOCKS.decode(self.database.rows(ALL, params![]).await?)
    }

    /// Stores a block. `false` if a stored one has more trips, or as many and lasts as long.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn block(&self, block: &ProviderBlock) -> Result<bool, StoreError> {
        let (provider, host, kind) = (
            block.provider.as_str(),
            block.host.as_str(),
            block.kind.as_str(),
        );
        let params = params![
            provider,
            host,
            kind,
            block.since,
            block.blocked_until,
            block.consecutive_trips
        ];
        Ok(self.database.returning(BLOCK, params).await?.is_some())
    }

    /// Claims the probe of a block whose time has passed: `true` for one caller, and for no other
    /// before `later`.
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
        let (provider, host, kind) = (
            block.provider.as_str(),
            block.host.as_str(),
            block.kind.as_str(),
        );
        Ok(self
            .database
            .execute(CLAIM_PROBE, params![provider, host, kind, now, later])
            .await?
            > 0)
    }

    /// Deletes a block; `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn unblock(&self, block: &ProviderBlock) -> Result<bool, StoreError> {
        let (provider, host, kind) = (
            block.provider.as_str(),
            block.host.as_str(),
            block.kind.as_str(),
        );
        Ok(self
            .database
            .execute(UNBLOCK, params![provider, host, kind])
            .await?
            > 0)
    }
}
