//! Tests of the token cipher through its public API: interoperability with the Node.js reference
//! cipher, damaged texts, and properties.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test helpers may panic like tests"
)]

mod key_ring;
mod malformed;
mod properties;
mod reference;
mod vectors;

use std::sync::Arc;

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher};
use evergrant_model::OsEntropy;
use secrecy::{ExposeSecret, SecretString};

/// Creates a cipher with these keys; the first is the current key.
fn cipher(keys: &[&str]) -> TokenCipher {
    let mut keys = keys
        .iter()
        .map(|text| EncryptionKey::parse(text).expect("a key"));
    let current = keys.next().expect("a current key");
    TokenCipher::new(KeyRing::new(current, keys.collect()), Arc::new(OsEntropy))
}

/// Exposes the plaintext, so that results can be compared.
fn exposed<E>(outcome: Result<SecretString, E>) -> Result<String, E> {
    outcome.map(|token| token.expose_secret().to_owned())
}
