//! The stored text, `iv:authTag:encrypted`, and its one strict reader: Node's hex reader takes
//! damaged texts too, so this is where a changed ciphertext would otherwise slip through.

use crate::digest::hex;

/// Bytes in the initialisation vector, and as many in the tag.
const BLOCK_BYTES: usize = 16;

/// A secret as it is stored. A type of its own, so that no plain token can be written in its place.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EncryptedToken(String);

opaque_debug!(EncryptedToken);

impl EncryptedToken {
    /// What a row held. Nothing is checked: decrypting does that.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text to store.
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
    /// Reads three parts of hex digits in pairs, the first two of exactly 16 bytes; upper case
    /// counts as lower.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let [iv, tag, body] = split(text)?;
        Some(Self {
            iv: decode(iv)?.try_into().ok()?,
            tag: decode(tag)?.try_into().ok()?,
            body: decode(body)?,
        })
    }
}

/// The text that [`Parts::parse`] reads back, in lower case.
pub(crate) fn join(iv: &[u8], tag: &[u8], body: &[u8]) -> EncryptedToken {
    EncryptedToken([hex(iv), hex(tag), hex(body)].join(":"))
}

/// Whether `text` is what the seed's program would take for encrypted: three parts of hex digits,
/// whatever their lengths. It catches a damaged or cut ciphertext, which must never pass for a
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

/// The hex reader skips a leading `0x`, so the digits are checked first.
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
    fn writes_lower_case_and_reads_both() {
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
    fn refuses_the_prefix_that_hex_readers_skip() {
        let token = join(&[0; 16], &[0; 16], b"\0").into_string();
        let (head, _) = token.rsplit_once(':').unwrap();
        assert!(Parts::parse(&format!("{head}:0x00")).is_none());
        assert!(Parts::parse(&format!("{head}:00")).is_some());
    }

    #[test]
    fn the_look_of_it_is_three_hex_parts() {
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
    fn debug_shows_no_ciphertext() {
        assert_eq!(
            format!("{:?}", EncryptedToken::from_stored("ab:cd:ef".into())),
            "EncryptedToken"
        );
    }
}
