//! The revocation queue: tokens of disconnected grants, kept encrypted until the provider confirms
//! their revocation or the queued revocation expires.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{CorrelationId, ProviderSlug, SignedDuration, Timestamp};

use crate::StoreError;
use crate::connections::tokens::StoredTokens;
use crate::db::decode::Decoder;
use crate::db::repository::repository;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, params};

/// A revocation to queue.
#[derive(Debug, Clone)]
pub struct NewRevocation {
    /// A random id.
    pub id: String,
    /// The provider.
    pub provider: ProviderSlug,
    /// The user at the provider who gave the grant, if a revocation ends all grants of that user;
    /// `None` otherwise, or if the user is not known.
    pub provider_user_id: Option<String>,
    /// Time from which workers attempt it; the process that queues it usually attempts it at once.
    pub next_attempt_at: Timestamp,
    /// Time at which the revocation is abandoned.
    pub expires_at: Timestamp,
    /// The correlation id of the operation that queued it.
    pub correlation_id: CorrelationId,
}

/// A queued revocation.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// The id.
    pub id: String,
    /// The provider.
    pub provider: ProviderSlug,
    /// The user at the provider who gave the grant, if a revocation ends all grants of that user;
    /// `None` otherwise, or if the user is not known.
    pub provider_user_id: Option<String>,
    /// The access token; `None` if there was none.
    pub access_token: Option<EncryptedToken>,
    /// The refresh token; `None` if there was none.
    pub refresh_token: Option<EncryptedToken>,
    /// Number of attempts so far.
    pub attempts: i32,
    /// Time at which the revocation is abandoned.
    pub expires_at: Timestamp,
    /// The correlation id of the operation that queued it.
    pub correlation_id: String,
}

const INSERT: &str = "INSERT INTO evergrant_revocations (id, provider, access_token, refresh_token,
        next_attempt_at, expires_at, correlation_id, provider_user_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const BY_ID: &str = "SELECT id, provider, provider_user_id, access_token, refresh_token, attempts,
        expires_at, correlation_id
    FROM evergrant_revocations WHERE id = $1";
/// Claims a due revocation. `$lock` makes workers skip rows that others are claiming, on a database
/// with concurrent writers.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE evergrant_revocations SET attempts = attempts + 1, next_attempt_at = $2
            WHERE id = (SELECT id FROM evergrant_revocations
                WHERE provider = $3 AND (next_attempt_at <= $1 OR next_attempt_at > $4)
                ORDER BY next_attempt_at LIMIT 1",
            $lock,
            ") RETURNING id, provider, provider_user_id, access_token, refresh_token, attempts,
                expires_at, correlation_id"
        )
    };
}
pub(crate) const CLAIM_SQLITE: &str = claim!("");
pub(crate) const CLAIM_POSTGRES: &str = claim!(" FOR UPDATE SKIP LOCKED");
const DUE_PROVIDERS: &str =
    "SELECT DISTINCT provider FROM evergrant_revocations WHERE next_attempt_at <= $1
        OR next_attempt_at > $2";
const RESCHEDULE: &str = "UPDATE evergrant_revocations SET next_attempt_at = $2 WHERE id = $1";
const DELETE: &str = "DELETE FROM evergrant_revocations WHERE id = $1";
/// The longest time before the next attempt of a revocation, and more. A later time was stored by a
/// process with a wrong clock, and counts as due.
const MAX_WAIT: SignedDuration = SignedDuration::from_hours(2);
/// Maximum number of unreadable rows that one claim skips.
const MAX_UNREADABLE: usize = 100;
const REVOCATIONS: Decoder<Revocation> = Decoder {
    table: "evergrant_revocations",
    key: |row| row.key("id"),
    read,
};

const PROVIDERS: Decoder<ProviderSlug> = Decoder {
    table: "evergrant_revocations",
    key: |row| row.key("provider"),
    read: provider,
};

impl Transaction {
    pub(crate) async fn queue_revocation(
        &mut self,
        new: &NewRevocation,
        access: Option<&str>,
        refresh: Option<&str>,
    ) -> Result<(), StoreError> {
        let (id, correlation_id) = (new.id.as_str(), new.correlation_id.as_str());
        let provider = new.provider.as_str();
        let provider_user_id = new.provider_user_id.as_deref();
        let params = params![
            id,
            provider,
            access,
            refresh,
            new.next_attempt_at,
            new.expires_at,
            correlation_id,
            provider_user_id
        ];
        self.execute(INSERT, params).await.map(drop)
    }
}

fn provider(row: &Record) -> Result<ProviderSlug, StoreError> {
    let name = row.text("provider")?;
    ProviderSlug::new(name).map_err(|_| StoreError::Inconsistent("provider"))
}

fn read(row: &Record) -> Result<Revocation, StoreError> {
    Ok(Revocation {
        id: row.text("id")?,
        provider: provider(row)?,
        provider_user_id: row.optional_text("provider_user_id")?,
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
    /// The queue of grants to revoke at the providers.
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
        let mut tx = self.database.begin().await?;
        tx.queue_revocation(new, tokens.access_text(), tokens.refresh_text())
            .await?;
        tx.commit().await
    }

    /// Returns the queued revocation with this id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: &str) -> Result<Option<Revocation>, StoreError> {
        self.database
            .row(BY_ID, params![id])
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Returns the providers with due revocations. An unreadable one is logged and skipped.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn due_providers(&self, now: Timestamp) -> Result<Vec<ProviderSlug>, StoreError> {
        PROVIDERS.decode(
            self.database
                .rows(DUE_PROVIDERS, params![now, now + MAX_WAIT])
                .await?,
        )
    }

    /// Claims a due revocation of this provider and sets its next attempt to `retry_at`, in case
    /// this one fails. `None` if none is due.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn claim(
        &self,
        provider: &ProviderSlug,
        now: Timestamp,
        retry_at: Timestamp,
    ) -> Result<Option<Revocation>, StoreError> {
        let claim = self.database.dialect(CLAIM_SQLITE, CLAIM_POSTGRES);
        // A claim postpones an unreadable row as well, so the next claim returns another row.
        for _ in 0..MAX_UNREADABLE {
            let Some(row) = self
                .database
                .returning(
                    claim,
                    params![now, retry_at, provider.as_str(), now + MAX_WAIT],
                )
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
