//! The stored text, `iv:authTag:encrypted`, and its strict parser. The hex decoder of Node.js
//! accepts damaged texts, so a lenient parser would accept modified ciphertexts.

use crate::digest::hex;

/// Length of the initialization vector and of the tag, in bytes.
const BLOCK_BYTES: usize = 16;

/// An encrypted secret as stored in the database. The type prevents storing a plaintext token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EncryptedToken(String);

opaque_debug!(EncryptedToken);

impl EncryptedToken {
    /// Wraps the text of a row without validation; decryption validates it.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts into the text to store.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The three parts of a stored text.
pub(crate) struct Parts {
    pub(crate) iv: [u8; BLOCK_BYTES],
    pub(crate) tag: [u8; BLOCK_BYTES],
    pub(crate) body: Vec<u8>,
}

impl Parts {
    /// Parses three parts of hexadecimal digits, the first two of exactly 16 bytes each. Upper case
    /// is accepted.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let [iv, tag, body] = split(text)?;
        Some(Self {
            iv: decode(iv)?.try_into().ok()?,
            tag: decode(tag)?.try_into().ok()?,
            body: decode(body)?,
        })
    }
}

/// Formats the text that [`Parts::parse`] reads, in lower case.
pub(crate) fn join(iv: &[u8], tag: &[u8], body: &[u8]) -> EncryptedToken {
    EncryptedToken([hex(iv), hex(tag), hex(body)].join(":"))
}

/// Returns whether `text` has the form of a ciphertext: three parts of hexadecimal digits of any
/// length. This also matches a damaged or truncated ciphertext, which must never be used as a
/// token.
pub(crate) fn looks_encrypted(text: &str) -> bool {
    split(text).is_some_and(|[iv, tag, body]| {
        !iv.is_empty() && !tag.is_empty() && [iv, tag, body].into_iter().all(is_hex)
    })
}

fn split(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.split(':');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// Decodes hexadecimal digits. The decoder skips a leading `0x`, so the digits are checked first.
fn decode(digits: &str) -> Option<Vec<u8>> {
    if is_hex(digits) {
        const_hex::decode(digits).ok()
    } else {
        None
    }
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_lower_case_and_parses_both_cases() {
        let token = join(&[0xAB; 16], &[0xCD; 16], b"\xEF");
        assert_eq!(
            token.as_str(),
            format!("{}:{}:ef", "ab".repeat(16), "cd".repeat(16))
        );
        let parts = Parts::parse(&token.as_str().to_uppercase()).unwrap();
        assert_eq!(
            (parts.iv, parts.tag, parts.body),
            ([0xAB; 16], [0xCD; 16], vec![0xEF])
        );
    }

    #[test]
    fn rejects_the_0x_prefix() {
        let token = join(&[0; 16], &[0; 16], b"\0").into_string();
        let (head, _) = token.rsplit_once(':').unwrap();
        assert!(Parts::parse(&format!("{head}:0x00")).is_none());
        assert!(Parts::parse(&format!("{head}:00")).is_some());
    }

    #[test]
    fn ciphertext_form_is_three_hex_parts() {
        for text in ["1:2:3", "ab:cd:", "AB:CD:EF", "abc:d:e"] {
            assert!(looks_encrypted(text), "{text}");
        }
        for text in [
            "",
            "::",
            ":ab:cd",
            "ab::cd",
            "ab:cd",
            "ab:cd:ef:01",
            "ab:cd:eg",
            "ab:cd:ef ",
            "0x1:2:3",
            "ab:cd:é",
        ] {
            assert!(!looks_encrypted(text), "{text}");
        }
    }

    #[test]
    fn debug_does_not_print_the_ciphertext() {
        assert_eq!(
            format!("{:?}", EncryptedToken::from_stored("ab:cd:ef".into())),
            "EncryptedToken"
        );
    }
}
