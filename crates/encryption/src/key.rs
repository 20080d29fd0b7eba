//! Parsing of encryption keys. The text in `TOKEN_ENCRYPTION_KEY` has two possible forms, and
//! confusing them would make every stored token unreadable.

use base64::Engine;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use evergrant_model::Entropy;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::digest;

/// Length of an AES-256 key in bytes.
const KEY_BYTES: usize = 32;

/// Length of a base64 key in UTF-16 code units, including the `=`.
const BASE64_UNITS: usize = 44;

/// Derivation label of fingerprints. A different label would change the fingerprint of every key.
const FINGERPRINT_LABEL: &str = "evergrant key fingerprint v1";

/// Length of a fingerprint in hexadecimal digits: enough to distinguish the keys of an
/// installation.
const FINGERPRINT_DIGITS: usize = 16;

/// Base64 as Node.js decodes it: the trailing bits of the last digit are ignored.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

/// Why a text is not a valid key. No message contains any part of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is empty.
    #[error("the key is empty")]
    Empty,
    /// The text has the form of a base64 key but does not decode to 32 bytes. Treating it as a
    /// passphrase would hide a typing error.
    #[error("a key of 44 characters that ends in `=` must be the base64 of 32 bytes")]
    NotBase64,
    /// The list starts with `[` but is not a JSON array of strings.
    #[error("a list of keys that starts with `[` must be a JSON array of strings")]
    NotAnArray,
    /// A key in a comma-separated list starts or ends with white space, which may or may not belong
    /// to the key.
    #[error(
        "it starts or ends with white space; write the list as a JSON array if the white space is part of the key"
    )]
    SpaceAround,
    /// A key of a list is invalid.
    #[error("key {position} of the list: {reason}")]
    InList {
        /// Position of the key, counted from 1.
        position: usize,
        /// Why it is invalid.
        reason: Box<Self>,
    },
}

/// An AES-256 key. Its memory is wiped on drop.
pub struct EncryptionKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    hashed: bool,
}

opaque_debug!(EncryptionKey);

impl EncryptionKey {
    /// Parses a key: 44 UTF-16 code units that end with `=` are the base64 of the key; any other
    /// text is a passphrase and is hashed with SHA-256. Nothing is trimmed. The Node.js reference
    /// cipher parses keys in the same way.
    ///
    /// # Errors
    ///
    /// [`KeyError::Empty`] if the text is empty, [`KeyError::NotBase64`] if it has the base64 form
    /// but does not decode to 32 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if has_base64_form(text) {
            let bytes = decode_base64(text).ok_or(KeyError::NotBase64)?;
            return Ok(Self {
                bytes,
                hashed: false,
            });
        }
        Ok(Self {
            bytes: Zeroizing::new(digest::sha256(text)),
            hashed: true,
        })
    }

    /// Generates a random key from `entropy`.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self {
            bytes: Zeroizing::new(entropy.bytes()),
            hashed: false,
        }
    }

    /// Returns the base64 text that [`parse`](Self::parse) reads as this key.
    #[must_use]
    pub fn to_base64(&self) -> SecretString {
        STANDARD.encode(self.bytes.as_slice()).into()
    }

    /// Returns whether the key is the hash of a passphrase. With a copy of the database, a short
    /// passphrase can be found at a billion tries per second, so the program warns at startup.
    #[must_use]
    pub fn is_passphrase(&self) -> bool {
        self.hashed
    }

    /// Returns a public identifier of the key: 16 hexadecimal digits. It reveals nothing about a
    /// generated key, but a guessed passphrase can be verified against it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut digits = digest::hex(digest::hmac_sha256(
            self.bytes.as_slice(),
            FINGERPRINT_LABEL,
        ));
        digits.truncate(FINGERPRINT_DIGITS);
        digits
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }
}

/// Returns whether `text` has the form of a base64 key. JavaScript counts UTF-16 code units: `é` is
/// one and an emoji two, independent of their length in UTF-8.
fn has_base64_form(text: &str) -> bool {
    text.ends_with('=') && text.encode_utf16().count() == BASE64_UNITS
}

/// Decodes the 43 digits before the `=`, in the standard or the URL-safe alphabet. Node.js skips
/// other characters, so that only 43 valid digits give 32 bytes there too.
fn decode_base64(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(
        text.strip_suffix('=')?
            .bytes()
            .map(standard_digit)
            .collect(),
    );
    let bytes = Zeroizing::new(LENIENT_BASE64.decode(digits.as_slice()).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn standard_digit(digit: u8) -> u8 {
    match digit {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use evergrant_model::{OsEntropy, SeededEntropy};
    use secrecy::ExposeSecret;

    use super::*;

    const TEXT: &str = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";

    fn bytes_of(text: &str) -> [u8; 32] {
        *EncryptionKey::parse(text).unwrap().bytes()
    }

    fn replaced(from: usize, units: &str) -> String {
        format!(
            "{}{units}{}",
            &TEXT[..from],
            &TEXT[from + units.encode_utf16().count()..]
        )
    }

    #[test]
    fn parses_both_base64_alphabets_and_ignores_trailing_bits() {
        for text in [
            TEXT,
            &TEXT.replace('+', "-").replace('/', "_"),
            &TEXT.replacen('/', "_", 3),
            &replaced(42, "v"),
        ] {
            assert_eq!(bytes_of(text), [0xfb; 32], "{text}");
            assert!(!EncryptionKey::parse(text).unwrap().is_passphrase());
        }
    }

    #[test]
    fn rejects_base64_form_without_32_bytes() {
        let long_enough = "=".repeat(44);
        for units in ["=", " ", "é", "\0", "!", "😀"] {
            let text = replaced(10, units);
            assert_eq!(
                EncryptionKey::parse(&text).unwrap_err(),
                KeyError::NotBase64,
                "{text}"
            );
        }
        for text in [replaced(42, "="), long_enough] {
            assert_eq!(
                EncryptionKey::parse(&text).unwrap_err(),
                KeyError::NotBase64,
                "{text}"
            );
        }
    }

    /// Node.js truncates each character to its low byte (`Ł` to `A`); 43 of them give a key of
    /// zeros.
    #[test]
    fn rejects_wide_characters_that_node_truncates() {
        for text in [replaced(10, "Ł"), format!("{}=", "Ł".repeat(43))] {
            assert_eq!(
                EncryptionKey::parse(&text).unwrap_err(),
                KeyError::NotBase64,
                "{text}"
            );
        }
    }

    #[test]
    fn hashes_other_texts_without_trimming() {
        let others = [
            &TEXT[..43],
            &format!("{TEXT} "),
            &format!("{TEXT}\n"),
            &format!(" {TEXT}"),
            &replaced(43, "A"),
            " ",
        ];
        for text in others {
            assert_eq!(bytes_of(text), digest::sha256(text), "{text:?}");
            assert!(EncryptionKey::parse(text).unwrap().is_passphrase());
        }
    }

    /// 44 bytes or 44 characters are not 44 UTF-16 code units.
    #[test]
    fn base64_form_counts_utf16_units() {
        let bytes_44 = format!("{}é=", "a".repeat(41));
        let characters_44 = format!("{}😀=", "a".repeat(42));
        assert_eq!((bytes_44.len(), characters_44.chars().count()), (44, 44));
        for text in [bytes_44, characters_44] {
            assert_eq!(bytes_of(&text), digest::sha256(&text));
        }
        let units_44 = format!("{}😀=", "a".repeat(41));
        assert_eq!(
            EncryptionKey::parse(&units_44).unwrap_err(),
            KeyError::NotBase64
        );
    }

    #[test]
    fn rejects_empty_text() {
        assert_eq!(EncryptionKey::parse("").unwrap_err(), KeyError::Empty);
    }

    #[test]
    fn generated_key_round_trips_through_base64() {
        let key = EncryptionKey::generate(&OsEntropy);
        let read = EncryptionKey::parse(key.to_base64().expose_secret()).unwrap();
        assert_eq!(key.bytes(), read.bytes());
        assert!(!key.is_passphrase() && !read.is_passphrase());
        assert_ne!(key.bytes(), EncryptionKey::generate(&OsEntropy).bytes());
    }

    #[test]
    fn fingerprints_identify_keys() {
        let (one, two) = (
            EncryptionKey::parse("one").unwrap(),
            EncryptionKey::parse("two").unwrap(),
        );
        assert_ne!(one.fingerprint(), two.fingerprint());
        assert_eq!(
            one.fingerprint(),
            EncryptionKey::parse("one").unwrap().fingerprint()
        );
        assert_eq!(one.fingerprint().len(), 16);
        assert!(!digest::hex(one.bytes()).contains(&one.fingerprint()));
    }

    #[test]
    fn debug_and_errors_do_not_reveal_the_key() {
        let key = EncryptionKey::generate(&SeededEntropy::new(1));
        assert_eq!(format!("{key:?}"), "EncryptionKey");
        assert!(!format!("{:?}", key.to_base64()).contains(key.to_base64().expose_secret()));
        let error = EncryptionKey::parse(&replaced(10, " ")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&TEXT[..4]));
    }
}
