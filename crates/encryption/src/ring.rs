//! The keys in use at one time: a rotation needs the old ones to read while the new one writes.

use zeroize::Zeroizing;

use crate::{EncryptionKey, KeyError};

/// One key that writes and reads, and any number that only read.
pub struct KeyRing {
    current: EncryptionKey,
    previous: Vec<EncryptionKey>,
}

opaque_debug!(KeyRing);

impl KeyRing {
    /// A ring that writes with `current` and tries the `previous` ones in their order after it.
    #[must_use]
    pub fn new(current: EncryptionKey, previous: Vec<EncryptionKey>) -> Self {
        Self { current, previous }
    }

    /// The key that writes.
    #[must_use]
    pub fn current(&self) -> &EncryptionKey {
        &self.current
    }

    /// The keys that only read.
    #[must_use]
    pub fn previous(&self) -> &[EncryptionKey] {
        &self.previous
    }

    pub(crate) fn into_keys(self) -> (EncryptionKey, Vec<EncryptionKey>) {
        (self.current, self.previous)
    }
}

/// Reads `TOKEN_ENCRYPTION_KEYS_PREVIOUS`: keys divided by commas, or a JSON array of texts where
/// the text begins with `[`. An empty text holds no keys.
///
/// # Errors
///
/// [`KeyError::NotAnArray`]; otherwise [`KeyError::InList`], which says which key is wrong and why.
/// White space at either end of a key is refused in a comma list, where it is more often a habit of
/// writing than a part of the key.
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
    fn reads_a_comma_list_in_its_order() {
        assert_eq!(fingerprints("older"), [fingerprint("older")]);
        assert_eq!(
            fingerprints("older,oldest"),
            [fingerprint("older"), fingerprint("oldest")]
        );
        assert!(fingerprints("").is_empty());
    }

    #[test]
    fn reads_an_array_whose_keys_hold_commas_spaces_and_brackets() {
        assert_eq!(
            fingerprints(r#"["a,b", " c ", "[d]"]"#),
            ["a,b", " c ", "[d]"].map(fingerprint)
        );
        assert!(fingerprints("[]").is_empty());
    }

    #[test]
    fn says_which_key_is_wrong() {
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
    fn refuses_what_only_begins_like_an_array() {
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
    fn errors_and_debug_tell_no_key() {
        let error = parse_previous_keys("hush, hush").unwrap_err();
        let ring = KeyRing::new(
            EncryptionKey::parse("hush").unwrap(),
            parse_previous_keys("hush").unwrap(),
        );
        assert_eq!(
            format!("{error}"),
            "key 2 of the list: it begins or ends with white space: write the list as a JSON array if that belongs to the key"
        );
        assert_eq!(format!("{ring:?}"), "KeyRing");
        assert!(!format!("{error:?}").contains("hush"));
    }
}
