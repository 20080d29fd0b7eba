//! The key-check value: a ciphertext stored beside the tokens that shows at startup whether the
//! configured keys are those that encrypted them. A server with a wrong key must stop before it
//! writes a row that the right key cannot decrypt.

use secrecy::ExposeSecret;

use crate::{CipherError, EncryptedToken, TokenCipher};

/// The plaintext of every key-check value. It must never change, because stored values contain it.
const KEY_CHECK_TEXT: &str = "evergrant key check v1";

impl TokenCipher {
    /// Creates a key-check value with the current key, to be stored when the database is created
    /// and after each key rotation.
    ///
    /// # Errors
    ///
    /// Those of [`encrypt_token`](Self::encrypt_token).
    pub fn make_key_check(&self) -> Result<EncryptedToken, CipherError> {
        self.encrypt_token(KEY_CHECK_TEXT)
    }

    /// Returns whether a key of this ring created the `stored` key-check value.
    #[must_use]
    pub fn verify_key_check(&self, stored: &str) -> bool {
        self.decrypt_token(stored)
            .is_ok_and(|text| text.expose_secret() == KEY_CHECK_TEXT)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evergrant_model::SeededEntropy;

    use super::*;
    use crate::{EncryptionKey, KeyRing, parse_previous_keys};

    fn cipher(current: &str, previous: &str) -> TokenCipher {
        let ring = KeyRing::new(
            EncryptionKey::parse(current).unwrap(),
            parse_previous_keys(previous).unwrap(),
        );
        TokenCipher::new(ring, Arc::new(SeededEntropy::new(1)))
    }

    #[test]
    fn key_check_verifies_with_current_and_previous_keys() {
        let check = cipher("old", "").make_key_check().unwrap();
        assert!(cipher("old", "").verify_key_check(check.as_str()));
        assert!(cipher("new", "old").verify_key_check(check.as_str()));
        assert!(!cipher("new", "").verify_key_check(check.as_str()));
    }

    #[test]
    fn encrypted_token_is_not_a_key_check() {
        let cipher = cipher("key", "");
        let token = cipher.encrypt_token("evergrant key check v2").unwrap();
        assert!(!cipher.verify_key_check(token.as_str()));
        assert!(!cipher.verify_key_check(KEY_CHECK_TEXT));
        assert!(!cipher.verify_key_check(""));
    }
}
