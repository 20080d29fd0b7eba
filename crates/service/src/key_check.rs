//! Detects a wrong encryption key at start-up, before anything is written with it.

use evergrant_encryption::TokenCipher;
use evergrant_model::Clock;
use evergrant_store::{KeyCheck, Store, StoreError};

/// Why the configured encryption keys cannot be used with this database.
#[derive(Debug, thiserror::Error)]
pub enum KeyCheckError {
    /// The database was written with a key that is not configured.
    #[error("the encryption key does not match the key that this database was written with")]
    WrongKey,
    /// No check value could be created for the current key.
    #[error("could not create a check value for the encryption key")]
    Cipher(#[from] evergrant_encryption::CipherError),
    /// A query failed.
    #[error("could not read or store the encryption key check in the database")]
    Store(#[from] StoreError),
}

/// Verifies that the configured keys decrypt what this database holds, and stores a check value for
/// the current key.
///
/// Each key that ever encrypted a row here has stored a check value, which is kept until no row
/// uses that key. The configured keys must decrypt all check values. A database without check
/// values may hold rows of another program: then one stored token is decrypted instead.
///
/// # Errors
///
/// [`KeyCheckError::WrongKey`] if a check value, or the token, cannot be decrypted; nothing is
/// written then. [`KeyCheckError::Cipher`] if the check value cannot be created.
/// [`KeyCheckError::Store`] if a query fails.
pub async fn check_key(
    store: &Store,
    cipher: &TokenCipher,
    clock: &dyn Clock,
) -> Result<(), KeyCheckError> {
    let checks = store.key_checks().all().await?;
    let all_decrypt = if checks.is_empty() {
        store
            .key_checks()
            .any_token()
            .await?
            .is_none_or(|token| cipher.is_encrypted(token.as_str()))
    } else {
        checks
            .iter()
            .all(|check| cipher.verify_key_check(check.value.as_str()))
    };
    if !all_decrypt {
        return Err(KeyCheckError::WrongKey);
    }
    let Some(fingerprint) = cipher.fingerprints().next() else {
        return Err(KeyCheckError::WrongKey);
    };
    if !checks.iter().any(|check| check.fingerprint == fingerprint) {
        let check = KeyCheck {
            fingerprint: fingerprint.to_owned(),
            value: cipher.make_key_check()?,
        };
        store.key_checks().insert(&check, clock.now()).await?;
    }
    Ok(())
}
