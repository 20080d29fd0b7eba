//! A known text under each encryption key that ever wrote here, so that a wrong key is noticed before it writes.

use evergrant_encryption::EncryptedToken;
use evergrant_model::Timestamp;

use crate::database::params;
use crate::{Store, StoreError};

/// The known text under one key.
#[derive(Debug, Clone)]
pub struct KeyCheck {
    /// Which key, without telling it.
    pub fingerprint: String,
    /// The text, encrypted under it.
    pub value: EncryptedToken,
}

const INSERT: &str = "INSERT INTO evergrant_key_checks (fingerprint, value, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (fingerprint) DO NOTHING";
const ALL: &str = "SELECT fingerprint, value FROM evergrant_key_checks ORDER BY created_at, fingerprint";
const FIRST_TOKEN: &str = "SELECT COALESCE(access_token, refresh_token) AS token FROM oauth_accounts
    WHERE access_token IS NOT NULL OR refresh_token IS NOT NULL ORDER BY id LIMIT 1";

impl Store {
    /// Keeps a check; one that is there stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn insert_key_check(&self, check: &KeyCheck, now: Timestamp) -> Result<(), StoreError> {
        let params = params![check.fingerprint.as_str(), check.value.as_str(), now];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// Every check, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn key_checks(&self) -> Result<Vec<KeyCheck>, StoreError> {
        let rows = self.database.rows(ALL, params![]).await?;
        let read = |row: &crate::database::Record| {
            let value = EncryptedToken::from_stored(row.text("value")?);
            Ok(KeyCheck { fingerprint: row.text("fingerprint")?, value })
        };
        rows.iter().map(read).collect()
    }

    /// The first stored token of all, where there is one: what a key must open on a database that has no check yet.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn any_token(&self) -> Result<Option<EncryptedToken>, StoreError> {
        let Some(row) = self.database.row(FIRST_TOKEN, params![]).await? else { return Ok(None) };
        Ok(Some(EncryptedToken::from_stored(row.text("token")?)))
    }
}
