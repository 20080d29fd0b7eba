//! The key itself, because the text in `TOKEN_ENCRYPTION_KEY` has two readings and a wrong one
//! loses every token.

use base64::Engine;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use evergrant_model::Entropy;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::digest;

/// Bytes in a key of AES-256.
const KEY_BYTES: usize = 32;

/// UTF-16 units in the base64 of a key, its one `=` included.
const BASE64_UNITS: usize = 44;

/// What a fingerprint is a code of. Another text would give every key another name.
const FINGERPRINT_TEXT: &str = "evergrant key fingerprint v1";

/// Enough to tell the few keys of one installation apart.
const FINGERPRINT_DIGITS: usize = 16;

/// Base64 as Node reads it: the spare bits of the last digit may be anything.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

/// Why a text is not a key. No message holds any part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing was given.
    #[error("the key is empty")]
    Empty,
    /// It has the form of a base64 key but is none. Hashing it instead would hide a typing error
    /// for ever.
    #[error("a key of 44 characters that ends in `=` must be the base64 of 32 bytes")]
    NotBase64,
    /// It begins with `[`, so it should be a JSON array of texts.
    #[error("a list of keys that begins with `[` must be a JSON array of texts")]
    NotAnArray,
    /// A space beside a comma: nobody can tell whether it belongs to the key.
    #[error(
        "it begins or ends with white space: write the list as a JSON array if that belongs to the key"
    )]
    SpaceAround,
    /// One key of a list is not a key.
    #[error("key {position} of the list: {reason}")]
    InList {
        /// Which one, counted from 1.
        position: usize,
        /// What is wrong with it.
        reason: Box<Self>,
    },
}

/// A key of AES-256. Its memory is wiped on drop.
pub struct EncryptionKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    hashed: bool,
}

opaque_debug!(EncryptionKey);

impl EncryptionKey {
    /// Reads a key as the seed's program does: 44 UTF-16 units with `=` at the end are the base64
    /// of the key, any other text is hashed with SHA-256. Nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`KeyError::Empty`], and [`KeyError::NotBase64`] for a text of the base64 form that does not
    /// hold 32 bytes.
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

    /// A new key from `entropy`.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self {
            bytes: Zeroizing::new(entropy.bytes()),
            hashed: false,
        }
    }

    /// The text that [`parse`](Self::parse) reads as this key.
    #[must_use]
    pub fn to_base64(&self) -> SecretString {
        STANDARD.encode(self.bytes.as_slice()).into()
    }

    /// Whether it is the hash of a text, which is no better than the text: whoever holds the
    /// database can try short ones, a billion a second. Callers warn at the start.
    #[must_use]
    pub fn is_passphrase(&self) -> bool {
        self.hashed
    }

    /// A public name of 16 hex digits, which tells one key from another. It tells nothing about a
    /// generated key; a guess at a passphrase can be checked against it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut name = digest::hex(digest::hmac_sha256(self.bytes.as_slice(), FINGERPRINT_TEXT));
        name.truncate(FINGERPRINT_DIGITS);
        name
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }
}

/// JavaScript counts UTF-16 units, so an `é` is one and an emoji two, whatever they take in UTF-8.
fn has_base64_form(text: &str) -> bool {
    text.ends_with('=') && text.encode_utf16().count() == BASE64_UNITS
}

/// Node skips foreign characters and stops at the first `=`, so of a text of this form only 43
/// digits give 32 bytes. The digits may come from both alphabets.
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
    fn reads_base64_of_both_alphabets_and_ignores_spare_bits() {
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
    fn refuses_the_base64_form_without_32_bytes() {
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

    /// Node would take the low byte of each (`A` for `Ł`), and for 43 of them give a key of zeros.
    #[test]
    fn refuses_wide_characters_that_node_cuts_to_a_byte() {
        for text in [replaced(10, "Ł"), format!("{}=", "Ł".repeat(43))] {
            assert_eq!(
                EncryptionKey::parse(&text).unwrap_err(),
                KeyError::NotBase64,
                "{text}"
            );
        }
    }

    #[test]
    fn hashes_every_other_text_untrimmed() {
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

    /// 44 bytes or 44 characters are not 44 units.
    #[test]
    fn counts_utf16_units() {
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
    fn refuses_an_empty_text() {
        assert_eq!(EncryptionKey::parse("").unwrap_err(), KeyError::Empty);
    }

    #[test]
    fn a_generated_key_reads_back_from_its_base64() {
        let key = EncryptionKey::generate(&OsEntropy);
        let read = EncryptionKey::parse(key.to_base64().expose_secret()).unwrap();
        assert_eq!(key.bytes(), read.bytes());
        assert!(!key.is_passphrase() && !read.is_passphrase());
        assert_ne!(key.bytes(), EncryptionKey::generate(&OsEntropy).bytes());
    }

    #[test]
    fn fingerprints_name_keys() {
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
    fn nothing_printed_tells_the_key() {
        let key = EncryptionKey::generate(&SeededEntropy::new(1));
        assert_eq!(format!("{key:?}"), "EncryptionKey");
        assert!(!format!("{:?}", key.to_base64()).contains(key.to_base64().expose_secret()));
        let error = EncryptionKey::parse(&replaced(10, " ")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&TEXT[..4]));
    }
}
