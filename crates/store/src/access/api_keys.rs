//! API keys, with which the host application's server calls the API. Only the hash of the secret
//! half is stored.

use evergrant_model::{ApiKeyId, SignedDuration, Timestamp};

use crate::StoreError;
use crate::db::decode::Decoder;
use crate::db::repository::repository;
use crate::db::value::{Record, params};

/// A stored API key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The public half.
    pub id: ApiKeyId,
    /// The name that the operator gave it.
    pub name: String,
    /// The hash of the secret half.
    pub secret_hash: Vec<u8>,
    /// The scopes, separated by spaces.
    pub scopes: String,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last use, to the minute; `None` if it was never used.
    pub last_used_at: Option<Timestamp>,
    /// Time of revocation; `None` if the key is valid.
    pub revoked_at: Option<Timestamp>,
}

/// An API key to insert.
#[derive(Debug)]
pub struct NewApiKey<'a> {
    /// The public half.
    pub id: &'a ApiKeyId,
    /// The name that the operator gave it.
    pub name: &'a str,
    /// The hash of the secret half.
    pub secret_hash: &'a [u8],
    /// The scopes, separated by spaces.
    pub scopes: &'a str,
    /// The current time.
    pub created_at: Timestamp,
}

const INSERT: &str = "INSERT INTO evergrant_api_keys (id, name, secret_hash, scopes, created_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
const BY_ID: &str = "SELECT id, name, secret_hash, scopes, created_at, last_used_at, revoked_at
    FROM evergrant_api_keys WHERE id = $1";
const ALL: &str = "SELECT id, name, secret_hash, scopes, created_at, last_used_at, revoked_at
    FROM evergrant_api_keys ORDER BY created_at, id";
const REVOKE: &str =
    "UPDATE evergrant_api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
const RECORD_USE: &str = "UPDATE evergrant_api_keys SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)";

/// Precision of the recorded time of last use.
const USE_PRECISION: SignedDuration = SignedDuration::from_mins(1);

const API_KEYS: Decoder<ApiKey> = Decoder {
    table: "evergrant_api_keys",
    key: |row| row.key("id"),
    read,
};

fn read(row: &Record) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId::new(row.text("id")?)
            .map_err(|_| StoreError::Inconsistent("evergrant_api_keys.id"))?,
        name: row.text("name")?,
        secret_hash: row.bytes("secret_hash")?,
        scopes: row.text("scopes")?,
        created_at: row.time("created_at")?,
        last_used_at: row.optional_time("last_used_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}

repository! {
    /// API keys, with which the host application's server calls the API.
    ApiKeyRepository
}

impl ApiKeyRepository {
    /// Inserts a key. Returns `false` if its id is already in use.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn insert(&self, new: &NewApiKey<'_>) -> Result<bool, StoreError> {
        let params = params![
            new.id.as_str(),
            new.name,
            new.secret_hash,
            new.scopes,
            new.created_at
        ];
        Ok(self.database.execute(INSERT, params).await? > 0)
    }

    /// Returns the key with this id, revoked or not.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.database
            .row(BY_ID, params![id.as_str()])
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Returns all keys, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn all(&self) -> Result<Vec<ApiKey>, StoreError> {
        API_KEYS.decode(self.database.rows(ALL, params![]).await?)
    }

    /// Revokes a key and writes the event of its end. Returns `false` if there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn revoke(&self, id: &ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.database.begin().await?;
        let revoked = tx.execute(REVOKE, params![id.as_str(), now]).await? > 0;
        if revoked {
            tx.write_credential_ended(None, Some(id.as_str()), now)
                .await?;
            tx.commit().await?;
        }
        Ok(revoked)
    }

    /// Records a use of the key, unless one was recorded within the last minute.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_use(&self, id: &ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .execute(RECORD_USE, params![id.as_str(), now, now - USE_PRECISION])
            .await
            .map(drop)
    }
}
