//! Interoperability with the Node.js reference cipher: each side decrypts what the other encrypts,
//! with generated keys and tokens.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use evergrant_encryption::EncryptionKey;
use evergrant_model::{Entropy, OsEntropy, SeededEntropy};
use secrecy::ExposeSecret;

use crate::{cipher, exposed};

const TOKENS_PER_KEY: u8 = 40;

/// Runs the reference cipher on `texts`, one per line.
fn reference(action: &str, key: &str, texts: &[String]) -> Vec<Option<String>> {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference-cipher/cipher.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .arg(action)
        .env("TOKEN_ENCRYPTION_KEY", key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node.js is required by the tests");
    let lines: String = texts
        .iter()
        .map(|text| serde_json::to_string(text).unwrap() + "\n")
        .collect();
    let mut input = node.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let results: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(results.len(), texts.len());
    results
}

/// Texts of arbitrary characters, of different lengths. An empty text is not a token.
fn tokens(entropy: &dyn Entropy) -> Vec<String> {
    let character = || char::from_u32(u32::from_le_bytes(entropy.bytes()) % 0x11_0000);
    let ascii = || char::from(entropy.bytes::<1>()[0] % 0x80);
    let wide = (0..TOKENS_PER_KEY).map(|length| (0..length).filter_map(|_| character()).collect());
    let narrow =
        (0..TOKENS_PER_KEY).map(|length| (0..u16::from(length) * 50).map(|_| ascii()).collect());
    wide.chain(narrow)
        .filter(|token: &String| !token.is_empty())
        .collect()
}

fn key_texts() -> Vec<String> {
    let base64 = EncryptionKey::generate(&OsEntropy)
        .to_base64()
        .expose_secret()
        .to_owned();
    let url_safe = base64.replace('+', "-").replace('/', "_");
    vec![
        format!("{base64} "),
        base64,
        url_safe,
        "short".into(),
        format!("{}é=", "k".repeat(41)),
        "ключ 🔑".into(),
    ]
}

#[test]
fn reference_decrypts_our_ciphertext() {
    for (key, number) in key_texts().iter().zip(1..) {
        let (ours, tokens) = (cipher(&[key]), tokens(&SeededEntropy::new(number)));
        let encrypted: Vec<String> = tokens
            .iter()
            .map(|token| ours.encrypt_token(token).unwrap().into_string())
            .collect();
        let read: Vec<String> = reference("decrypt", key, &encrypted)
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(read, tokens, "key {number}");
    }
}

#[test]
fn cipher_decrypts_reference_ciphertext() {
    for (key, number) in key_texts().iter().zip(1..) {
        let (ours, tokens) = (cipher(&[key]), tokens(&SeededEntropy::new(number)));
        let encrypted = reference("encrypt", key, &tokens);
        let read: Vec<String> = encrypted
            .iter()
            .flatten()
            .map(|text| exposed(ours.decrypt_token(text)).unwrap())
            .collect();
        assert_eq!(read, tokens, "key {number}");
    }
}

/// The parser is strict because the hex decoder of Node.js silently stops at the first invalid
/// digit.
#[test]
fn rejects_damaged_texts_that_the_reference_accepts() {
    let ours = cipher(&["key"]);
    let good = ours.encrypt_token("token").unwrap().into_string();
    let damaged = ["zz", "\n", "0", "zz00", " ", "🦀"].map(|tail| format!("{good}{tail}"));
    for (text, read) in damaged.iter().zip(reference("decrypt", "key", &damaged)) {
        assert_eq!(read.as_deref(), Some("token"), "{text:?}");
        assert!(!ours.is_encrypted(text), "{text:?}");
    }
}

#[test]
fn reference_cannot_decrypt_with_another_key() {
    let encrypted = cipher(&["ours"])
        .encrypt_token("token")
        .unwrap()
        .into_string();
    assert_eq!(reference("decrypt", "another", &[encrypted]), [None]);
}
