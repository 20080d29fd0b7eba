//! Key rings: wrong keys, previous keys and rotation.

use std::sync::Arc;

use evergrant_encryption::{CipherError, EncryptionKey, KeyRing, TokenCipher};
use evergrant_model::{ErrorCode, SeededEntropy};

use crate::{cipher, exposed};

fn fingerprint(key: &str) -> String {
    EncryptionKey::parse(key).unwrap().fingerprint()
}

#[test]
fn wrong_key_decrypts_nothing() {
    let stored = cipher(&["right"]).encrypt_token("token").unwrap();
    assert_eq!(
        cipher(&["wrong"])
            .decrypt_token(stored.as_str())
            .unwrap_err(),
        CipherError::Unreadable
    );
    assert_eq!(
        cipher(&["wrong", "also wrong"]).key_of(stored.as_str()),
        None
    );
}

#[test]
fn previous_keys_only_decrypt() {
    let before = cipher(&["old"]).encrypt_token("token").unwrap();
    let during = cipher(&["new", "older", "old"]);
    assert_eq!(
        exposed(during.decrypt_token(before.as_str())),
        Ok("token".into())
    );
    assert_eq!(
        during.key_of(before.as_str()),
        Some(fingerprint("old").as_str())
    );
    let after = during.encrypt_token("token").unwrap();
    assert_eq!(
        during.key_of(after.as_str()),
        Some(fingerprint("new").as_str())
    );
    assert!(!cipher(&["old"]).is_encrypted(after.as_str()));
    assert_eq!(
        exposed(cipher(&["new"]).decrypt_token(after.as_str())),
        Ok("token".into())
    );
}

#[test]
fn fingerprints_start_with_the_current_key() {
    let cipher = cipher(&["new", "old", "older"]);
    assert_eq!(
        cipher.fingerprints().collect::<Vec<_>>(),
        ["new", "old", "older"].map(fingerprint)
    );
}

#[test]
fn safe_encrypt_keeps_text_of_a_previous_key() {
    let before = cipher(&["old"]).encrypt_token("token").unwrap();
    let kept = cipher(&["new", "old"])
        .safe_encrypt(before.as_str())
        .unwrap();
    assert_eq!(kept.as_str(), before.as_str());
}

#[test]
fn safe_decrypt_rejects_ciphertext_without_a_key() {
    let lost = cipher(&["lost"]).encrypt_token("token").unwrap();
    for text in [lost.as_str(), "ab:cd:ef", "1:2:3", "AB:CD:"] {
        assert_eq!(
            cipher(&["key"]).safe_decrypt(text).unwrap_err(),
            CipherError::Unreadable,
            "{text}"
        );
    }
}

#[test]
fn ivs_come_from_the_entropy_source() {
    let seeded = |seed| {
        let ring = KeyRing::new(EncryptionKey::parse("key").unwrap(), Vec::new());
        TokenCipher::new(ring, Arc::new(SeededEntropy::new(seed)))
            .encrypt_token("token")
            .unwrap()
    };
    assert_eq!(seeded(1).as_str(), seeded(1).as_str());
    assert_ne!(seeded(1).as_str()[..32], seeded(2).as_str()[..32]);
}

#[test]
fn clone_shares_the_keys() {
    let original = cipher(&["key"]);
    let stored = original.clone().encrypt_token("token").unwrap();
    assert_eq!(
        exposed(original.decrypt_token(stored.as_str())),
        Ok("token".into())
    );
}

#[test]
fn debug_output_contains_no_secret() {
    let cipher = cipher(&["hush"]);
    let stored = cipher.encrypt_token("hush").unwrap();
    let read = cipher.decrypt_token(stored.as_str()).unwrap();
    let shown = format!("{cipher:?} {stored:?} {read:?}");
    assert!(
        !shown.contains("hush") && !shown.contains(&stored.as_str()[..8]),
        "{shown}"
    );
    assert_eq!(
        format!("{cipher:?} {stored:?}"),
        "TokenCipher EncryptedToken"
    );
}

#[test]
fn errors_have_messages_and_codes() {
    assert_eq!(
        CipherError::Unreadable.to_string(),
        "the stored token could not be decrypted"
    );
    assert_eq!(CipherError::Unreadable.code(), ErrorCode::DecryptionError);
    assert_eq!(CipherError::TooLong.code(), ErrorCode::EncryptionError);
    assert_eq!(CipherError::Empty.code(), ErrorCode::EncryptionError);
}

#[test]
fn signature_depends_on_text_and_key_and_survives_rotation() {
    let before = cipher(&["old"]).sign("picture a");
    assert_eq!(before.len(), 22, "128 bits");
    let during = cipher(&["new", "old"]);
    assert!(during.is_signed("picture a", &before));
    assert_ne!(during.sign("picture a"), before);
    for (text, signature) in [
        ("picture b", before.as_str()),
        ("picture a", ""),
        ("picture a", &before[..21]),
    ] {
        assert!(!during.is_signed(text, signature), "{text} {signature}");
    }
    assert!(!cipher(&["new"]).is_signed("picture a", &before));
}

#[test]
fn empty_token_is_not_encrypted() {
    let cipher = cipher(&["key"]);
    assert_eq!(cipher.encrypt_token("").unwrap_err(), CipherError::Empty);
    assert_eq!(cipher.safe_encrypt("").unwrap_err(), CipherError::Empty);
}
