//! The rates at which providers accept calls, shared by all replicas.

use evergrant_model::{ProviderSlug, Timestamp};

use crate::StoreError;
use crate::db::decode::Decoder;
use crate::db::repository::repository;
use crate::db::value::{Record, params};

/// The rate of calls to an endpoint that a provider accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCallRate {
    /// The provider.
    pub provider: ProviderSlug,
    /// The endpoint; the service defines the values.
    pub endpoint: String,
    /// The calls per hour of all replicas together.
    pub calls_per_hour: i64,
    /// How often the rate was cut.
    pub cuts: i64,
    /// Whether the rate is a first estimate.
    pub searching: bool,
    /// The pause that the provider stated last, in milliseconds; 0 for none.
    pub pause_ms: i64,
}

const ALL: &str = "SELECT provider, endpoint, calls_per_hour, cuts, searching, pause_ms
    FROM evergrant_call_rates WHERE cut_at > $1";
const CUT: &str = "INSERT INTO evergrant_call_rates AS stored
        (provider, endpoint, calls_per_hour, cuts, searching, pause_ms, cut_at)
    VALUES ($1, $2, $3, 1, $4, $5, $6)
    ON CONFLICT (provider, endpoint) DO UPDATE SET calls_per_hour = excluded.calls_per_hour,
        cuts = stored.cuts + 1, searching = excluded.searching, pause_ms = excluded.pause_ms,
        cut_at = excluded.cut_at
    WHERE stored.calls_per_hour > excluded.calls_per_hour OR stored.cut_at <= $7";
const GROW: &str = "UPDATE evergrant_call_rates SET calls_per_hour = $4
    WHERE provider = $1 AND endpoint = $2 AND cuts = $3 AND calls_per_hour < $4";

const RATES: Decoder<StoredCallRate> = Decoder {
    table: "evergrant_call_rates",
    key: |row| format!("{} {}", row.key("provider"), row.key("endpoint")),
    read,
};

fn read(row: &Record) -> Result<StoredCallRate, StoreError> {
    Ok(StoredCallRate {
        provider: ProviderSlug::new(row.text("provider")?)
            .map_err(|_| StoreError::Inconsistent("provider"))?,
        endpoint: row.text("endpoint")?,
        calls_per_hour: row.big("calls_per_hour")?,
        cuts: row.big("cuts")?,
        searching: row.int("searching")? != 0,
        pause_ms: row.big("pause_ms")?,
    })
}

repository! {
    /// The rates at which providers accept calls, shared by all replicas.
    CallRateRepository
}

impl CallRateRepository {
    /// Returns the rates that were cut after `since`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn all(&self, since: Timestamp) -> Result<Vec<StoredCallRate>, StoreError> {
        RATES.decode(self.database.rows(ALL, params![since]).await?)
    }

    /// Lowers the stored rate to that of `rate`, or stores it if there is none that was cut after
    /// `since`. Returns `false` if the stored one is not higher. [`StoredCallRate::cuts`] is
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn cut(
        &self,
        rate: &StoredCallRate,
        now: Timestamp,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let params = params![
            rate.provider.as_str(),
            rate.endpoint.as_str(),
            rate.calls_per_hour,
            i32::from(rate.searching),
            rate.pause_ms,
            now,
            since
        ];
        Ok(self.database.execute(CUT, params).await? > 0)
    }

    /// Raises the stored rate to that of `rate`. Returns `false` if it was cut since, or is higher.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn grow(&self, rate: &StoredCallRate) -> Result<bool, StoreError> {
        let params = params![
            rate.provider.as_str(),
            rate.endpoint.as_str(),
            rate.cuts,
            rate.calls_per_hour
        ];
        Ok(self.database.execute(GROW, params).await? > 0)
    }
}
