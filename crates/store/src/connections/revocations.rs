//! The revocation queue: grants that were disconnected here, kept encrypted until the platform
//! confirms their end or a day has passed.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{CorrelationId, ProviderSlug, Timestamp};

use crate::StoreError;
use crate::connections::tokens::StoredTokens;
use crate::db::decode::Decoder;
use crate::db::repository::repository;
use crate::db::value::{Record, params};
use crate::db::work::Work;

/// A revocation to be queued.
#[derive(Debug, Clone)]
pub struct NewRevocation {
    /// A random name for it.
    pub id: String,
    /// At which platform.
    pub provider: ProviderSlug,
    /// Who gave the grant, where revoking it ends all that the person gave; `None` otherwise, and
    /// if unknown.
    pub person: Option<String>,
    /// When a worker may first try; the one who queues it usually tries at once.
    pub next_attempt_at: Timestamp,
    /// When we stop asking.
    pub expires_at: Timestamp,
    /// Finds the reason in the log.
    pub correlation_id: CorrelationId,
}

/// A queued revocation.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// Its name.
    pub id: String,
    /// At which platform.
    pub provider: ProviderSlug,
    /// Who gave the grant, where revoking it ends all that the person gave.
    pub person: Option<String>,
    /// The access token, where there was one.
    pub access_token: Option<EncryptedToken>,
    /// The refresh token, where there was one.
    pub refresh_token: Option<EncryptedToken>,
    /// How often it was tried.
    pub attempts: i32,
    /// When we stop asking.
    pub expires_at: Timestamp,
    /// Finds the reason in the log.
    pub correlation_id: String,
}

const INSERT: &str = "INSERT INTO evergrant_revocations
    (id, provider, access_token, refresh_token, next_attempt_at, expires_at, correlation_id, person)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const ONE: &str =
    "SELECT id, provider, person, access_token, refresh_token, attempts, expires_at, correlation_id
    FROM evergrant_revocations WHERE id = $1";
/// `$lock` lets workers pass by what others are claiming, where more than one can write at a time.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE evergrant_revocations SET attempts = attempts + 1, next_attempt_at = $2
            WHERE id = (SELECT id FROM evergrant_revocations WHERE next_attempt_at <= $1
                ORDER BY next_attempt_at LIMIT 1",
            $lock,
            ") RETURNING id, provider, person, access_token, refresh_token, attempts, expires_at, correlation_id"
        )
    };
}
pub(crate) const CLAIM_ALONE: &str = claim!("");
pub(crate) const CLAIM_AMONG_OTHERS: &str = claim!(" FOR UPDATE SKIP LOCKED");
const RESCHEDULE: &str = "UPDATE evergrant_revocations SET next_attempt_at = $2 WHERE id = $1";
const DELETE: &str = "DELETE FROM evergrant_revocations WHERE id = $1";
/// How many unreadable rows one claim passes by.
const MAX_UNREADABLE: usize = 100;
const REVOCATIONS: Decoder<Revocation> = Decoder {
    table: "evergrant_revocations",
    key: |row| row.key("id"),
    read,
};

impl Work {
    pub(crate) async fn queue_revocation(
        &mut self,
        new: &NewRevocation,
        access: Option<&str>,
        refresh: Option<&str>,
    ) -> Result<(), StoreError> {
        let (id, correlation_id) = (new.id.as_str(), new.correlation_id.as_str());
        let provider = new.provider.as_str();
        let (next, end, person) = (new.next_attempt_at, new.expires_at, new.person.as_deref());
        let params = params![
            id,
            provider,
            access,
            refresh,
            next,
            end,
            correlation_id,
            person
        ];
        self.execute(INSERT, params).await.map(drop)
    }
}

fn read(row: &Record) -> Result<Revocation, StoreError> {
    Ok(Revocation {
        id: row.text("id")?,
        provider: ProviderSlug::new(row.text("provider")?)
            .map_err(|_| StoreError::Inconsistent("provider"))?,
        person: row.optional_text("person")?,
        access_token: row
            .optional_text("access_token")?
            .map(EncryptedToken::from_stored),
        refresh_token: row
            .optional_text("refresh_token")?
            .map(EncryptedToken::from_stored),
        attempts: row.int("attempts")?,
        expires_at: row.time("expires_at")?,
        correlation_id: row.text("correlation_id")?,
    })
}

repository! {
    /// The queue of grants to be revoked at the platforms.
    RevocationRepository
}

impl RevocationRepository {
    /// Queues the revocation of tokens that are stored nowhere else.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn queue(
        &self,
        new: &NewRevocation,
        tokens: &StoredTokens,
    ) -> Result<(), StoreError> {
        let mut work = self.database.begin().await?;
        work.queue_revocation(new, tokens.access_text(), tokens.refresh_text())
            .await?;
        work.commit().await
    }

    /// The queued revocation with this id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: &str) -> Result<Option<Revocation>, StoreError> {
        self.database
            .row(ONE, params![id])
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Claims one revocation that is due, and sets its next attempt to `again_at`, in case this one
    /// fails. `None` if none is due.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn claim(
        &self,
        now: Timestamp,
        again_at: Timestamp,
    ) -> Result<Option<Revocation>, StoreError> {
        let claim = self.database.dialect(CLAIM_ALONE, CLAIM_AMONG_OTHERS);
        // An unreadable row is put off like any other, so the next claim passes it by.
        for _ in 0..MAX_UNREADABLE {
            let Some(row) = self
                .database
                .returning(claim, params![now, again_at])
                .await?
            else {
                return Ok(None);
            };
            if let Some(claimed) = REVOCATIONS.decode([row])?.pop() {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    /// Sets the time of the next attempt.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn reschedule(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        self.database
            .execute(RESCHEDULE, params![id, at])
            .await
            .map(drop)
    }

    /// Deletes a revocation that is confirmed or abandoned.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete(&self, id: &str) -> Result<(), StoreError> {
        self.database.execute(DELETE, params![id]).await.map(drop)
    }
}
