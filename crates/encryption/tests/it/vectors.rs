//! Texts encrypted by the crypto module of Node.js, under every form of key.

use std::path::Path;
use std::process::Command;

use evergrant_encryption::EncryptionKey;
use serde::Deserialize;

use crate::{cipher, exposed};

const VECTORS: &str = include_str!("../vectors.json");

#[derive(Deserialize)]
struct Key {
    name: String,
    text: String,
    #[serde(default)]
    refused: bool,
    fingerprint: Option<String>,
    passphrase: Option<bool>,
    #[serde(default)]
    ciphertexts: Vec<Ciphertext>,
}

#[derive(Deserialize)]
struct Ciphertext {
    token: String,
    encrypted: String,
}

fn keys() -> Vec<Key> {
    serde_json::from_str(VECTORS).unwrap()
}

#[test]
fn decrypts_node_ciphertext() {
    for key in keys().iter().filter(|key| !key.refused) {
        let cipher = cipher(&[&key.text]);
        assert!(key.ciphertexts.len() >= 10, "{}", key.name);
        for Ciphertext { token, encrypted } in &key.ciphertexts {
            assert_eq!(
                exposed(cipher.decrypt_token(encrypted)),
                Ok(token.clone()),
                "{}",
                key.name
            );
            assert_eq!(
                exposed(cipher.decrypt_token(&encrypted.to_uppercase())),
                Ok(token.clone()),
                "{}",
                key.name
            );
            assert_eq!(
                cipher.key_of(encrypted),
                key.fingerprint.as_deref(),
                "{}",
                key.name
            );
        }
    }
}

#[test]
fn parses_every_form_of_key_like_node() {
    let keys = keys();
    let (refused, read): (Vec<&Key>, Vec<&Key>) = keys.iter().partition(|key| key.refused);
    assert_eq!((refused.len(), read.len()), (10, 19));
    for key in read {
        let parsed = EncryptionKey::parse(&key.text).unwrap();
        assert_eq!(Some(parsed.fingerprint()), key.fingerprint, "{}", key.name);
        assert_eq!(Some(parsed.is_passphrase()), key.passphrase, "{}", key.name);
    }
    for key in refused {
        assert!(EncryptionKey::parse(&key.text).is_err(), "{}", key.name);
    }
}

#[test]
fn vectors_file_matches_its_script() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/make-vectors.mjs");
    let run = Command::new("node")
        .arg(script)
        .output()
        .expect("Node.js is required by the tests");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(
        run.stdout == VECTORS.as_bytes(),
        "tests/vectors.json is out of date; see make-vectors.mjs"
    );
}
