//! The key ring: during a rotation the previous keys decrypt while the current key encrypts.

use zeroize::Zeroizing;

use crate::{EncryptionKey, KeyError};

/// One key that encrypts and decrypts, and any number of keys that only decrypt.
pub struct KeyRing {
    current: EncryptionKey,
    previous: Vec<EncryptionKey>,
}

opaque_debug!(KeyRing);

impl KeyRing {
    /// Creates a ring that encrypts with `current` and decrypts with `current`, then `previous` in
    /// order.
    #[must_use]
    pub fn new(current: EncryptionKey, previous: Vec<EncryptionKey>) -> Self {
        Self { current, previous }
    }

    /// Returns the key that encrypts.
    #[must_use]
    pub fn current(&self) -> &EncryptionKey {
        &self.current
    }

    /// Returns the keys that only decrypt.
    #[must_use]
    pub fn previous(&self) -> &[EncryptionKey] {
        &self.previous
    }

    pub(crate) fn into_keys(self) -> (EncryptionKey, Vec<EncryptionKey>) {
        (self.current, self.previous)
    }
}

/// Parses `TOKEN_ENCRYPTION_KEYS_PREVIOUS`: keys separated by commas, or a JSON array of strings if
/// the text starts with `[`. An empty text contains no keys.
///
/// # Errors
///
/// [`KeyError::NotAnArray`] for an invalid array, otherwise [`KeyError::InList`] with the position
/// of the invalid key and the reason. In a comma-separated list a key must not start or end with
/// white space, because it is rarely part of the key.
pub fn parse_previous_keys(text: &str) -> Result<Vec<EncryptionKey>, KeyError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if text.starts_with('[') {
        let keys: Vec<String> = serde_json::from_str(text).map_err(|_| KeyError::NotAnArray)?;
        return parse_each(
            Zeroizing::new(keys).iter().map(String::as_str),
            EncryptionKey::parse,
        );
    }
    parse_each(text.split(','), parse_between_commas)
}

fn parse_each<'a>(
    keys: impl Iterator<Item = &'a str>,
    parse: fn(&str) -> Result<EncryptionKey, KeyError>,
) -> Result<Vec<EncryptionKey>, KeyError> {
    let in_list = |position, reason| KeyError::InList {
        position,
        reason: Box::new(reason),
    };
    (1..)
        .zip(keys)
        .map(|(position, key)| parse(key).map_err(|reason| in_list(position, reason)))
        .collect()
}

fn parse_between_commas(key: &str) -> Result<EncryptionKey, KeyError> {
    if key.trim() == key {
        EncryptionKey::parse(key)
    } else {
        Err(KeyError::SpaceAround)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprints(text: &str) -> Vec<String> {
        parse_previous_keys(text)
            .unwrap()
            .iter()
            .map(EncryptionKey::fingerprint)
            .collect()
    }

    fn fingerprint(key: &str) -> String {
        EncryptionKey::parse(key).unwrap().fingerprint()
    }

    fn in_list(position: usize, reason: KeyError) -> KeyError {
        KeyError::InList {
            position,
            reason: Box::new(reason),
        }
    }

    #[test]
    fn parses_comma_list_in_order() {
        assert_eq!(fingerprints("older"), [fingerprint("older")]);
        assert_eq!(
            fingerprints("older,oldest"),
            [fingerprint("older"), fingerprint("oldest")]
        );
        assert!(fingerprints("").is_empty());
    }

    #[test]
    fn parses_array_with_commas_spaces_and_brackets_in_keys() {
        assert_eq!(
            fingerprints(r#"["a,b", " c ", "[d]"]"#),
            ["a,b", " c ", "[d]"].map(fingerprint)
        );
        assert!(fingerprints("[]").is_empty());
    }

    #[test]
    fn error_names_the_invalid_key() {
        let no_key = format!("{}=", "!".repeat(43));
        for (text, reason) in [
            ("good,".to_owned(), KeyError::Empty),
            ("good,,good".to_owned(), KeyError::Empty),
            ("good, good".to_owned(), KeyError::SpaceAround),
            ("good,good\n".to_owned(), KeyError::SpaceAround),
            (format!("good,{no_key}"), KeyError::NotBase64),
            (format!(r#"["good", "{no_key}"]"#), KeyError::NotBase64),
            (r#"["good", ""]"#.to_owned(), KeyError::Empty),
        ] {
            assert_eq!(
                parse_previous_keys(&text).unwrap_err(),
                in_list(2, reason),
                "{text}"
            );
        }
    }

    #[test]
    fn rejects_malformed_arrays() {
        for text in [
            "[",
            "[good",
            "[1]",
            r#"["good",]"#,
            r#"["good"] "x""#,
            "[null]",
            r#"[["good"]]"#,
        ] {
            assert_eq!(
                parse_previous_keys(text).unwrap_err(),
                KeyError::NotAnArray,
                "{text}"
            );
        }
    }

    #[test]
    fn errors_and_debug_do_not_reveal_keys() {
        let error = parse_previous_keys("hush, hush").unwrap_err();
        let ring = KeyRing::new(
            EncryptionKey::parse("hush").unwrap(),
            parse_previous_keys("hush").unwrap(),
        );
        assert_eq!(
            format!("{error}"),
            "key 2 of the list: it starts or ends with white space; write the list as a JSON array if the white space is part of the key"
        );
        assert_eq!(format!("{ring:?}"), "KeyRing");
        assert!(!format!("{error:?}").contains("hush"));
    }
}
