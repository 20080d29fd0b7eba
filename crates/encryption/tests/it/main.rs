//! The token cipher from outside: against the seed's own cipher, against damaged texts, and by its
//! laws.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in helpers of tests, as in the tests"
)]

mod malformed;
mod properties;
mod ring;
mod seed;
mod vectors;

use std::sync::Arc;

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher};
use evergrant_model::OsEntropy;
use secrecy::{ExposeSecret, SecretString};

/// A cipher over these key texts, the first of them current.
fn cipher(keys: &[&str]) -> TokenCipher {
    let mut keys = keys
        .iter()
        .map(|text| EncryptionKey::parse(text).expect("a key"));
    let current = keys.next().expect("a current key");
    TokenCipher::new(KeyRing::new(current, keys.collect()), Arc::new(OsEntropy))
}

/// The outcome in the open, so that two can be compared.
fn opened<E>(outcome: Result<SecretString, E>) -> Result<String, E> {
    outcome.map(|token| token.expose_secret().to_owned())
}
