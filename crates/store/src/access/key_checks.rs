//! Key checks: a known text encrypted under each key that was ever used on this database, with
//! which a wrong key is detected before it writes.

use evergrant_encryption::EncryptedToken;
use evergrant_model::Timestamp;

use crate::StoreError;
use crate::db::decode::Decoder;
use crate::db::repository::repository;
use crate::db::value::{Record, params};

/// The known text, encrypted under one key.
#[derive(Debug, Clone)]
pub struct KeyCheck {
    /// Identifies the key without revealing it.
    pub fingerprint: String,
    /// The known text, encrypted under this key.
    pub value: EncryptedToken,
}

const INSERT: &str =
    "INSERT INTO evergrant_key_checks (fingerprint, value, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (fingerprint) DO NOTHING";
const ALL: &str =
    "SELECT fingerprint, value FROM evergrant_key_checks ORDER BY created_at, fingerprint";
const FIRST_TOKEN: &str =
    "SELECT COALESCE(NULLIF(access_token, ''), refresh_token) AS token FROM oauth_accounts
    WHERE access_token <> '' OR refresh_token <> '' ORDER BY id LIMIT 1";

const KEY_CHECKS: Decoder<KeyCheck> = Decoder {
    table: "evergrant_key_checks",
    key: |row| row.key("fingerprint"),
    read,
};

fn read(row: &Record) -> Result<KeyCheck, StoreError> {
    let value = EncryptedToken::from_stored(row.text("value")?);
    Ok(KeyCheck {
        fingerprint: row.text("fingerprint")?,
        value,
    })
}

repository! {
    /// Known texts, encrypted under each key that was ever used.
    KeyCheckRepository
}

impl KeyCheckRepository {
    /// Inserts a check, unless its key already has one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn insert(&self, check: &KeyCheck, now: Timestamp) -> Result<(), StoreError> {
        let params = params![check.fingerprint.as_str(), check.value.as_str(), now];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// Returns all checks, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn all(&self) -> Result<Vec<KeyCheck>, StoreError> {
        KEY_CHECKS.decode(self.database.rows(ALL, params![]).await?)
    }

    /// Returns the oldest stored token; `None` if there is none. The key is tested with it if the
    /// database has no check yet.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn any_token(&self) -> Result<Option<EncryptedToken>, StoreError> {
        let Some(row) = self.database.row(FIRST_TOKEN, params![]).await? else {
            return Ok(None);
        };
        Ok(Some(EncryptedToken::from_stored(row.text("token")?)))
    }
}
