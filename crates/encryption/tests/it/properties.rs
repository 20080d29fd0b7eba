//! Properties of the token cipher, checked with generated input.

use evergrant_encryption::{CipherError, EncryptionKey, parse_previous_keys};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::{cipher, exposed};

/// Characters of a stored text, and other characters to replace them.
fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        8 => proptest::char::ranges(['0'..='9', 'a'..='f', 'A'..='F'].as_slice().into()),
        1 => Just(':'),
        2 => any::<char>(),
    ]
}

/// Texts in the stored form, or nearly.
fn lookalike() -> impl Strategy<Value = String> {
    "[0-9a-fA-F]{31,33}:[0-9a-fA-F]{31,33}:[0-9a-fA-F]{0,64}"
}

proptest! {
    #[test]
    fn decrypts_what_it_encrypted(key in "(?s).{1,60}", token in "(?s).{1,2000}") {
        prop_assume!(EncryptionKey::parse(&key).is_ok());
        let cipher = cipher(&[&key]);
        let stored = cipher.encrypt_token(&token)?;
        prop_assert_eq!(stored.as_str().len(), 32 + 1 + 32 + 1 + 2 * token.len());
        prop_assert_eq!(exposed(cipher.decrypt_token(stored.as_str())), Ok(token.clone()));
        prop_assert_eq!(exposed(cipher.decrypt_token(&stored.as_str().to_uppercase())), Ok(token));
    }

    #[test]
    fn every_encryption_differs(token in ".{1,64}") {
        let cipher = cipher(&["key"]);
        let (one, two) = (cipher.encrypt_token(&token)?, cipher.encrypt_token(&token)?);
        prop_assert_ne!(&one.as_str()[..32], &two.as_str()[..32]);
        prop_assert_ne!(&one.as_str()[32..], &two.as_str()[32..]);
    }

    #[test]
    fn rejects_any_single_replacement(token in ".{1,64}", place: Index, new in character()) {
        let cipher = cipher(&["key"]);
        let stored = cipher.encrypt_token(&token)?.into_string();
        let at = place.index(stored.len());
        let old = char::from(stored.as_bytes()[at]);
        prop_assume!(!new.eq_ignore_ascii_case(&old));
        let changed = format!("{}{new}{}", &stored[..at], &stored[at + 1..]);
        prop_assert_eq!(exposed(cipher.decrypt_token(&changed)), Err(CipherError::Unreadable));
    }

    #[test]
    fn rejects_any_single_insertion_and_deletion(token in ".{1,64}", place: Index, new in character()) {
        let cipher = cipher(&["key"]);
        let stored = cipher.encrypt_token(&token)?.into_string();
        let at = place.index(stored.len());
        for changed in [
            format!("{}{new}{}", &stored[..at], &stored[at..]),
            format!("{stored}{new}"),
            format!("{}{}", &stored[..at], &stored[at + 1..]),
        ] {
            prop_assert_eq!(exposed(cipher.decrypt_token(&changed)), Err(CipherError::Unreadable), "{}", changed);
        }
    }

    #[test]
    fn rejects_any_flipped_bit(token in ".{1,64}", place: Index, bit in 0..4_u32) {
        let cipher = cipher(&["key"]);
        let stored = cipher.encrypt_token(&token)?.into_string();
        let at = place.index(stored.len());
        let Some(digit) = char::from(stored.as_bytes()[at]).to_digit(16) else { return Ok(()) };
        let changed = format!("{}{:x}{}", &stored[..at], digit ^ (1 << bit), &stored[at + 1..]);
        prop_assert_eq!(exposed(cipher.decrypt_token(&changed)), Err(CipherError::Unreadable));
    }

    #[test]
    fn rejects_parts_of_two_texts_combined(one in ".{1,64}", two in ".{1,64}", which in 0..3_usize) {
        let cipher = cipher(&["key"]);
        let (one, two) = (cipher.encrypt_token(&one)?, cipher.encrypt_token(&two)?);
        let mut parts: Vec<&str> = one.as_str().split(':').collect();
        let other: Vec<&str> = two.as_str().split(':').collect();
        parts[which] = other[which];
        prop_assert_eq!(exposed(cipher.decrypt_token(&parts.join(":"))), Err(CipherError::Unreadable));
    }

    #[test]
    fn arbitrary_text_is_an_error_and_never_a_panic(junk in prop_oneof!["(?s).{0,200}".boxed(), lookalike().boxed()]) {
        let cipher = cipher(&["key", "older"]);
        prop_assert_eq!(exposed(cipher.decrypt_token(&junk)), Err(CipherError::Unreadable));
        prop_assert!(!cipher.is_encrypted(&junk) && cipher.key_of(&junk).is_none() && !cipher.verify_key_check(&junk));
    }

    #[test]
    fn key_parsing_is_repeatable_and_its_errors_have_a_message(
        text in prop_oneof!["(?s).{0,100}", "[A-Za-z0-9+/_-]{43}=", "(?s).{41,43}=", r#"\[".{0,50}"(,".{0,50}")?\]"#]
    ) {
        if let Ok(key) = EncryptionKey::parse(&text) {
            let again = EncryptionKey::parse(&text).map(|key| key.fingerprint());
            prop_assert_eq!(Ok(key.fingerprint()), again);
        }
        if let Err(error) = parse_previous_keys(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn safe_encrypt_is_idempotent(token in prop_oneof!["(?s).{1,200}".boxed(), lookalike().boxed()]) {
        let cipher = cipher(&["key"]);
        let once = cipher.safe_encrypt(&token)?;
        let twice = cipher.safe_encrypt(once.as_str())?;
        prop_assert_eq!(once.as_str(), twice.as_str());
        prop_assert_eq!(exposed(cipher.safe_decrypt(twice.as_str())), Ok(token));
    }

    #[test]
    fn safe_encrypt_encrypts_lookalikes(
        token in prop_oneof![lookalike().boxed(), "[0-9a-f]{1,40}:[0-9a-f]{1,40}:[0-9a-f]{0,40}".boxed()]
    ) {
        let cipher = cipher(&["key"]);
        let stored = cipher.safe_encrypt(&token)?;
        prop_assert_ne!(stored.as_str(), token.as_str());
        prop_assert_eq!(exposed(cipher.decrypt_token(stored.as_str())), Ok(token));
    }

    #[test]
    fn safe_decrypt_returns_other_texts_unchanged(token in "(?s).{0,200}") {
        let hex_parts = token.split(':').all(|part| part.chars().all(|c| c.is_ascii_hexdigit()));
        prop_assume!(!(hex_parts && token.split(':').count() == 3));
        prop_assert_eq!(exposed(cipher(&["key"]).safe_decrypt(&token)), Ok(token));
    }

    #[test]
    fn safe_decrypt_rejects_lookalikes(token in lookalike()) {
        prop_assert_eq!(exposed(cipher(&["key"]).safe_decrypt(&token)), Err(CipherError::Unreadable));
    }
}
