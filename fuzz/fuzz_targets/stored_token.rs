//! Parses arbitrary text as a stored token and as a key. No text may cause a panic, and the results
//! for one text must be consistent.

#![no_main]

use std::sync::{Arc, LazyLock};

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher, parse_previous_keys};
use evergrant_model::SeededEntropy;
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;

static CIPHER: LazyLock<TokenCipher> = LazyLock::new(|| {
    let key = |text| EncryptionKey::parse(text).expect("a passphrase");
    let ring = KeyRing::new(key("current"), vec![key("previous")]);
    TokenCipher::new(ring, Arc::new(SeededEntropy::new(1)))
});

fuzz_target!(|text: &str| {
    check_stored_text(text);
    check_round_trip(text);
    check_key(text);
});

/// All methods agree on whether the text can be decrypted.
fn check_stored_text(text: &str) {
    let decrypted = CIPHER.decrypt_token(text);
    assert_eq!(decrypted.is_ok(), CIPHER.is_encrypted(text));
    assert_eq!(decrypted.is_ok(), CIPHER.key_of(text).is_some());
    assert!(decrypted.is_ok() || !CIPHER.verify_key_check(text));
    match (CIPHER.safe_decrypt(text), decrypted) {
        (Ok(safe), Ok(token)) => assert_eq!(safe.expose_secret(), token.expose_secret()),
        (Ok(safe), Err(_)) => assert_eq!(safe.expose_secret(), text),
        (Err(_), decrypted) => assert!(decrypted.is_err()),
    }
}

/// An encrypted text decrypts to itself. A truncated or extended ciphertext does not decrypt.
fn check_round_trip(text: &str) {
    let encrypted = CIPHER.encrypt_token(text).expect("a short token");
    let stored = encrypted.into_string();
    let decrypted = CIPHER.decrypt_token(&stored).expect("a valid ciphertext");
    assert_eq!(decrypted.expose_secret(), text);
    for damaged in [
        stored[..stored.len() - 1].to_owned(),
        format!("{stored}{text}:"),
        format!("{text}0{stored}"),
    ] {
        assert!(!CIPHER.is_encrypted(&damaged));
    }
}

/// The base64 of a key parses as the same key, and so does the key in a list of previous keys.
fn check_key(text: &str) {
    let parsed = EncryptionKey::parse(text);
    if let Ok(key) = &parsed {
        let again = EncryptionKey::parse(key.to_base64().expose_secret());
        let again = again.expect("the base64 of a key");
        assert_eq!(again.fingerprint(), key.fingerprint());
    }
    if let (Ok(key), Ok([listed])) = (parsed, parse_previous_keys(text).as_deref())
        && !text.starts_with('[')
    {
        assert_eq!(listed.fingerprint(), key.fingerprint());
    }
}
