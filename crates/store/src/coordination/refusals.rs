//! Refused grants: refresh tokens and codes that a provider refused without saying that the grant
//! has ended. All replicas record them here, so that the answers to several grants can be compared.

use evergrant_model::{
    ConnectionId, FlowId, ProviderAccountId, ProviderSlug, SignedDuration, Timestamp,
};

use crate::StoreError;
use crate::db::repository::repository;
use crate::db::value::params;

/// What a provider refused.
#[derive(Debug, Clone, Copy)]
pub enum RefusedSubject<'a> {
    /// The refresh token of this generation of a connection.
    RefreshToken(ConnectionId, i64),
    /// The code of a flow.
    Code(&'a FlowId),
}

/// A refusal to record.
#[derive(Debug)]
pub struct NewRefusal<'a> {
    /// The provider.
    pub provider: &'a ProviderSlug,
    /// What was refused.
    pub subject: RefusedSubject<'a>,
    /// The provider's code, or the HTTP status if it sent none.
    pub code: &'a str,
    /// The current time.
    pub at: Timestamp,
    /// The minimum time between two refusals that both count.
    pub min_interval: SignedDuration,
}

/// The refusals of one subject since its tokens were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusals {
    /// Their number; of those within the minimum interval only the first counts.
    pub count: i32,
    /// Time of the first one.
    pub first_at: Timestamp,
}

/// How long refusals are kept.
const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// Starts at 1 for new tokens. A time in the future was recorded before the clock was set back.
const RECORD: &str = "INSERT INTO evergrant_refusals AS stored
        (provider, subject, generation, code, refusals, first_at, counted_at, refused_at)
    VALUES ($1, $2, $3, $4, 1, $5, $5, $5)
    ON CONFLICT (provider, subject) DO UPDATE SET
        generation = excluded.generation, code = excluded.code, refused_at = excluded.refused_at,
        refusals = CASE WHEN stored.generation <> excluded.generation THEN 1
            WHEN stored.counted_at <= $6 THEN stored.refusals + 1 ELSE stored.refusals END,
        first_at = CASE WHEN stored.generation <> excluded.generation THEN excluded.first_at
            ELSE stored.first_at END,
        counted_at = CASE WHEN stored.generation <> excluded.generation
            OR stored.counted_at <= $6 OR stored.counted_at > excluded.counted_at
            THEN excluded.counted_at ELSE stored.counted_at END
    RETURNING refusals, first_at";
const FORGET: &str = "DELETE FROM evergrant_refusals WHERE provider = $1 AND refused_at < $2";
const REFUSED_ALIKE: &str = "SELECT COUNT(*) AS refused FROM evergrant_refusals
    WHERE provider = $1 AND code = $2 AND refused_at >= $3";
/// Reads the newest events first: at a provider that works, the first ones are enough. An account
/// is `connected` by a flow, the subject of the event, or by another program.
const SUCCEEDED: &str = "SELECT 1 AS found FROM evergrant_events
    WHERE created_at >= $2 AND provider = $1
        AND (kind = 'refreshed' OR kind = 'connected' AND subject IS NOT NULL)
    ORDER BY created_at DESC LIMIT 1";
const OTHER_REFRESHED: &str = "SELECT 1 AS found FROM evergrant_events
    WHERE created_at >= $2 AND provider = $1 AND kind = 'refreshed'
        AND provider_account_id <> $3
    ORDER BY created_at DESC LIMIT 1";

repository! {
    /// Refused grants, compared over all replicas.
    RefusalRepository
}

impl RefusalRepository {
    /// Records a refusal. Returns the refusals of its subject, including this one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record(&self, refusal: &NewRefusal<'_>) -> Result<Refusals, StoreError> {
        let (subject, generation) = match refusal.subject {
            RefusedSubject::RefreshToken(id, generation) => {
                (format!("connection {}", id.get()), generation)
            }
            RefusedSubject::Code(flow) => (format!("flow {flow}"), 0),
        };
        let (provider, at) = (refusal.provider.as_str(), refusal.at);
        let forgotten = params![provider, at - RETENTION];
        self.database.execute(FORGET, forgotten).await?;
        let counts_before = at - refusal.min_interval;
        let values = params![
            provider,
            subject.as_str(),
            generation,
            refusal.code,
            at,
            counts_before
        ];
        let row = self.database.returning(RECORD, values).await?;
        let row = row.ok_or(StoreError::Inconsistent("refusals"))?;
        Ok(Refusals {
            count: row.int("refusals")?,
            first_at: row.time("first_at")?,
        })
    }

    /// Returns how many grants this provider refused with this code since `since`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn refused_alike(
        &self,
        provider: &ProviderSlug,
        code: &str,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        let params = params![provider.as_str(), code, since];
        let row = self.database.row(REFUSED_ALIKE, params).await?;
        row.map_or(Ok(0), |row| row.big("refused"))
    }

    /// Returns whether this provider has issued tokens since `since`, for any grant or code.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn has_succeeded(
        &self,
        provider: &ProviderSlug,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let params = params![provider.as_str(), since];
        Ok(self.database.row(SUCCEEDED, params).await?.is_some())
    }

    /// Returns whether this provider has refreshed the token of another account than `account`
    /// since `since`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn has_refreshed_another(
        &self,
        provider: &ProviderSlug,
        account: &ProviderAccountId,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let params = params![provider.as_str(), since, account.as_str()];
        Ok(self.database.row(OTHER_REFRESHED, params).await?.is_some())
    }
}
