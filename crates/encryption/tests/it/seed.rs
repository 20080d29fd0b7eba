//! The seed's cipher, run by Node, and ours: each opens what the other encrypts, under keys and
//! tokens made up here.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use evergrant_encryption::EncryptionKey;
use evergrant_model::{Entropy, OsEntropy, SeededEntropy};
use secrecy::ExposeSecret;

use crate::{cipher, opened};

const TOKENS_PER_KEY: u8 = 40;

/// Runs the seed's cipher over `texts`, one to a line.
fn seed(action: &str, key: &str, texts: &[String]) -> Vec<Option<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/seed-cipher/cipher.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .arg(action)
        .env("TOKEN_ENCRYPTION_KEY", key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node, a tool that the tests need");
    let lines: String = texts
        .iter()
        .map(|text| serde_json::to_string(text).unwrap() + "\n")
        .collect();
    let mut input = node.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Texts of any characters, each of another length.
fn tokens(entropy: &dyn Entropy) -> Vec<String> {
    let character = || char::from_u32(u32::from_le_bytes(entropy.bytes()) % 0x11_0000);
    let ascii = || char::from(entropy.bytes::<1>()[0] % 0x80);
    let wide = (0..TOKENS_PER_KEY).map(|length| (0..length).filter_map(|_| character()).collect());
    let narrow =
        (0..TOKENS_PER_KEY).map(|length| (0..u16::from(length) * 50).map(|_| ascii()).collect());
    wide.chain(narrow).collect()
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
fn the_seed_opens_what_we_encrypt() {
    for (key, number) in key_texts().iter().zip(1..) {
        let (ours, tokens) = (cipher(&[key]), tokens(&SeededEntropy::new(number)));
        let encrypted: Vec<String> = tokens
            .iter()
            .map(|token| ours.encrypt_token(token).unwrap().into_string())
            .collect();
        let read: Vec<String> = seed("decrypt", key, &encrypted)
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(read, tokens, "key {number}");
    }
}

#[test]
fn we_open_what_the_seed_encrypts() {
    for (key, number) in key_texts().iter().zip(1..) {
        let (ours, tokens) = (cipher(&[key]), tokens(&SeededEntropy::new(number)));
        let encrypted = seed("encrypt", key, &tokens);
        let read: Vec<String> = encrypted
            .iter()
            .flatten()
            .map(|text| opened(ours.decrypt_token(text)).unwrap())
            .collect();
        assert_eq!(read, tokens, "key {number}");
    }
}

/// Why our reader is strict: Node's hex reader stops at the first foreign digit and says nothing.
#[test]
fn we_refuse_damaged_texts_that_the_seed_opens() {
    let ours = cipher(&["key"]);
    let good = ours.encrypt_token("token").unwrap().into_string();
    let damaged = ["zz", "\n", "0", "zz00", " ", "🦀"].map(|tail| format!("{good}{tail}"));
    for (text, read) in damaged.iter().zip(seed("decrypt", "key", &damaged)) {
        assert_eq!(read.as_deref(), Some("token"), "{text:?}");
        assert!(!ours.is_encrypted(text), "{text:?}");
    }
}

#[test]
fn the_seed_cannot_open_what_another_key_encrypted() {
    let encrypted = cipher(&["ours"])
        .encrypt_token("token")
        .unwrap()
        .into_string();
    assert_eq!(seed("decrypt", "another", &[encrypted]), [None]);
}
