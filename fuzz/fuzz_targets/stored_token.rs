//! Everything that reads text from the database or the settings in Token Encryption: no text may
//! stop the program, and what it answers about one text must agree.

#![no_main]

use std::sync::{Arc, LazyLock};

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher, parse_previous_keys};
use evergrant_model::SeededEntropy;
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;

static CIPHER: LazyLock<TokenCipher> = LazyLock::new(|| {
    let key = |text| EncryptionKey::parse(text).expect("a passphrase");
    TokenCipher::new(KeyRing::new(key("current"), vec![key("previous")]), Arc::new(SeededEntropy::new(1)))
});

fuzz_target!(|text: &str| {
    reads_stored_text(text);
    carries_any_token(text);
    reads_keys(text);
});

fn reads_stored_text(text: &str) {
    let opened = CIPHER.decrypt_token(text);
    assert_eq!(opened.is_ok(), CIPHER.is_encrypted(text));
    assert_eq!(opened.is_ok(), CIPHER.key_of(text).is_some());
    assert!(opened.is_ok() || !CIPHER.verify_key_check(text));
    match (CIPHER.safe_decrypt(text), opened) {
        (Ok(safe), Ok(opened)) => assert_eq!(safe.expose_secret(), opened.expose_secret()),
        (Ok(safe), Err(_)) => assert_eq!(safe.expose_secret(), text),
        (Err(_), opened) => assert!(opened.is_err()),
    }
}

/// What is encrypted opens to the same text; half of it, or a neighbour of it, never does.
fn carries_any_token(text: &str) {
    let stored = CIPHER.encrypt_token(text).expect("a short token").into_string();
    assert_eq!(CIPHER.decrypt_token(&stored).expect("our own text").expose_secret(), text);
    for damaged in [stored[..stored.len() - 1].to_owned(), format!("{stored}{text}:"), format!("{text}0{stored}")] {
        assert!(!CIPHER.is_encrypted(&damaged));
    }
}

fn reads_keys(text: &str) {
    let read = EncryptionKey::parse(text);
    if let Ok(key) = &read {
        let again = EncryptionKey::parse(key.to_base64().expose_secret()).expect("a key's own base64");
        assert_eq!(again.fingerprint(), key.fingerprint());
    }
    if let (Ok(key), Ok([listed])) = (read, parse_previous_keys(text).as_deref())
        && !text.starts_with('[')
    {
        assert_eq!(listed.fingerprint(), key.fingerprint());
    }
}
