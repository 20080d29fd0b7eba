//! Gates: what keeps every replica from calling a host of a platform, and who may try whether it is over.

use evergrant_model::{ProviderSlug, Timestamp};

use crate::database::{Record, params};
use crate::{Store, StoreError};

/// A closed gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Before which platform.
    pub provider: ProviderSlug,
    /// Before which of its hosts.
    pub host: String,
    /// Why, in the service's own word.
    pub kind: String,
    /// Since when, through all trials.
    pub since: Timestamp,
    /// Nobody passes before this moment; after it, one may try.
    pub closed_to: Timestamp,
    /// How often it was closed in a row: once, and after each trial that failed.
    pub trips: i32,
}

const ALL: &str = "SELECT provider, host, kind, since, closed_to, trips FROM evergrant_gates";
const CLOSE: &str = "INSERT INTO evergrant_gates (provider, host, kind, since, closed_to, trips)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (provider, host, kind) DO UPDATE SET closed_to = excluded.closed_to, trips = excluded.trips
    WHERE evergrant_gates.trips < excluded.trips
        OR evergrant_gates.trips = excluded.trips AND evergrant_gates.closed_to < excluded.closed_to
    RETURNING trips";
const TRY: &str = "UPDATE evergrant_gates SET closed_to = $5
    WHERE provider = $1 AND host = $2 AND kind = $3 AND closed_to <= $4";
const OPEN: &str = "DELETE FROM evergrant_gates WHERE provider = $1 AND host = $2 AND kind = $3";

fn read(row: &Record) -> Result<Gate, StoreError> {
    Ok(Gate {
        provider: ProviderSlug::new(row.text("provider")?).map_err(|_| StoreError::Inconsistent("provider"))?,
        host: row.text("host")?,
        kind: row.text("kind")?,
        since: row.time("since")?,
        closed_to: row.time("closed_to")?,
        trips: row.int("trips")?,
    })
}

impl Store {
    /// Every closed gate.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn gates(&self) -> Result<Vec<Gate>, StoreError> {
        self.database.rows(ALL, params![]).await?.iter().map(read).collect()
    }

    /// Closes a gate until `gate.closed_to`; `false` where it was closed more often already, or as often and for as long.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn close_gate(&self, gate: &Gate) -> Result<bool, StoreError> {
        let (provider, host, kind) = (gate.provider.as_str(), gate.host.as_str(), gate.kind.as_str());
        let params = params![provider, host, kind, gate.since, gate.closed_to, gate.trips];
        Ok(self.database.returning(CLOSE, params).await?.is_some())
    }

    /// Whether the asker is the one who may try a gate whose time is over. Nobody else may before `later`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn try_gate(&self, gate: &Gate, now: Timestamp, later: Timestamp) -> Result<bool, StoreError> {
        let (provider, host, kind) = (gate.provider.as_str(), gate.host.as_str(), gate.kind.as_str());
        Ok(self.database.execute(TRY, params![provider, host, kind, now, later]).await? > 0)
    }

    /// Opens a gate; `false` where it was open.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn open_gate(&self, gate: &Gate) -> Result<bool, StoreError> {
        let (provider, host, kind) = (gate.provider.as_str(), gate.host.as_str(), gate.kind.as_str());
        Ok(self.database.execute(OPEN, params![provider, host, kind]).await? > 0)
    }
}
