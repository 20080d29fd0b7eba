//! The key-check value: a text stored beside the tokens that shows at the start whether the
//! configured keys are the ones that wrote them. A server with another key must stop before it
//! writes a row that the right key cannot read.

use secrecy::ExposeSecret;

use crate::{CipherError, EncryptedToken, TokenCipher};

/// What every key-check value says. Kept for ever: stored values hold it.
const KEY_CHECK_TEXT: &str = "evergrant key check v1";

impl TokenCipher {
    /// A key-check value of the current key, to be stored when the database is made and after each
    /// rotation.
    ///
    /// # Errors
    ///
    /// As [`encrypt_token`](Self::encrypt_token).
    pub fn make_key_check(&self) -> Result<EncryptedToken, CipherError> {
        self.encrypt_token(KEY_CHECK_TEXT)
    }

    /// Whether a key of this ring made the `stored` key-check value.
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
    fn knows_the_key_that_made_it_during_a_rotation_too() {
        let check = cipher("old", "").make_key_check().unwrap();
        assert!(cipher("old", "").verify_key_check(check.as_str()));
        assert!(cipher("new", "old").verify_key_check(check.as_str()));
        assert!(!cipher("new", "").verify_key_check(check.as_str()));
    }

    #[test]
    fn a_token_is_no_key_check() {
        let cipher = cipher("key", "");
        let token = cipher.encrypt_token("evergrant key check v2").unwrap();
        assert!(!cipher.verify_key_check(token.as_str()));
        assert!(!cipher.verify_key_check(KEY_CHECK_TEXT));
        assert!(!cipher.verify_key_check(""));
    }
}
