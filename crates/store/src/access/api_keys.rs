//! API keys: what the app's server presents. Only the hash of the secret half is stored.

use evergrant_model::{ApiKeyId, Timestamp};

use crate::StoreError;
use crate::db::decode::Decoder;
use crate::db::repository::repository;
use crate::db::value::{Record, params};

/// A stored API key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its public half.
    pub id: ApiKeyId,
    /// What the operator calls it.
    pub name: String,
    /// The hash of its secret half.
    pub secret_hash: Vec<u8>,
    /// What it may do, divided by spaces.
    pub scopes: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last seen, to the minute; `None` for never.
    pub last_used_at: Option<Timestamp>,
    /// When it ceased to work; `None` while it does.
    pub revoked_at: Option<Timestamp>,
}

/// An API key about to be stored.
#[derive(Debug)]
pub struct NewApiKey<'a> {
    /// Its public half.
    pub id: &'a ApiKeyId,
    /// What the operator calls it.
    pub name: &'a str,
    /// The hash of its secret half.
    pub secret_hash: &'a [u8],
    /// What it may do, divided by spaces.
    pub scopes: &'a str,
    /// Now.
    pub created_at: Timestamp,
}

const INSERT: &str = "INSERT INTO evergrant_api_keys (id, name, secret_hash, scopes, created_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
const ONE: &str = "SELECT id, name, secret_hash, scopes, created_at, last_used_at, revoked_at
    FROM evergrant_api_keys WHERE id = $1";
const ALL: &str = "SELECT id, name, secret_hash, scopes, created_at, last_used_at, revoked_at
    FROM evergrant_api_keys ORDER BY created_at, id";
const REVOKE: &str =
    "UPDATE evergrant_api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
const TOUCH: &str = "UPDATE evergrant_api_keys SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)";

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
    /// API keys.
    ApiKeyRepository
}

impl ApiKeyRepository {
    /// Inserts a key; `false` if its id is taken.
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

    /// The key with this id, revoked or not.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.database
            .row(ONE, params![id.as_str()])
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Every key, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn all(&self) -> Result<Vec<ApiKey>, StoreError> {
        API_KEYS.decode(self.database.rows(ALL, params![]).await?)
    }

    /// Revokes a key; `false` if there is none with this id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn revoke(&self, id: &ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let revoked = work.execute(REVOKE, params![id.as_str(), now]).await? > 0;
        if revoked {
            work.announce_end_of(None, Some(id.as_str()), now).await?;
            work.commit().await?;
        }
        Ok(revoked)
    }

    /// Records that the key was used, unless a use was recorded less than a minute ago.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_use(&self, id: &ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .execute(TOUCH, params![id.as_str(), now, now.plus_seconds(-60)])
            .await
            .map(drop)
    }
}
