//! Noticing a wrong encryption key before it writes anything.

use evergrant_encryption::TokenCipher;
use evergrant_model::Clock;
use evergrant_store::{KeyCheck, Store, StoreError};

/// Why the key cannot be used with this database.
#[derive(Debug, thiserror::Error)]
pub enum KeyTrouble {
    /// The database was written with other keys.
    #[error("the encryption key is not the one that this database was written with")]
    WrongKey,
    /// The check could not be made.
    #[error("the encryption key could not be made into a check")]
    Cipher(#[from] evergrant_encryption::CipherError),
    /// The database failed.
    #[error("the database could not be asked for its key check")]
    Store(#[from] StoreError),
}

/// Checks that the ring opens what this database holds, and leaves a check for the current key.
///
/// Every key that wrote here left a check, which stays until no row is left under that key; the
/// ring must open all of them. A database without any, whose rows another program wrote, is asked
/// for a token instead.
///
/// # Errors
///
/// [`KeyTrouble::WrongKey`] where nothing opens; then nothing was written.
pub async fn check_key(
    store: &Store,
    cipher: &TokenCipher,
    clock: &dyn Clock,
) -> Result<(), KeyTrouble> {
    let checks = store.key_checks().all().await?;
    let known = if checks.is_empty() {
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
    if !known {
        return Err(KeyTrouble::WrongKey);
    }
    let Some(fingerprint) = cipher.fingerprints().next() else {
        return Err(KeyTrouble::WrongKey);
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
