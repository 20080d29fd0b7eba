//! Hashes, encodings and constant-time comparison, so that all crates use the same ones.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Returns the SHA-256 digest of `bytes`.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes.as_ref()).into()
}

/// Returns the HMAC-SHA-256 of `message` under `key` (RFC 2104).
#[must_use]
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "HMAC accepts keys of any length"
)]
pub fn hmac_sha256(key: &[u8], message: impl AsRef<[u8]>) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of any length");
    mac.update(message.as_ref());
    mac.finalize().into_bytes().into()
}

/// Encodes `bytes` as base64url without padding (RFC 4648 §5).
#[must_use]
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes strict base64url; `None` if `text` has padding, non-zero trailing bits, spaces or other
/// characters.
#[must_use]
pub fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Returns whether `a` equals `b`. The time depends only on the lengths.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Encodes `bytes` as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    const_hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_matches_fips_180() {
        assert_eq!(
            hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex(sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn hmac_matches_rfc_4231_for_short_and_long_keys() {
        let short = hmac_sha256(b"Jefe", "what do ya want for nothing?");
        assert_eq!(
            hex(short),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = hmac_sha256(
            &[0xaa; 131],
            "Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert_eq!(
            hex(long),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn base64url_round_trips() {
        assert_eq!(base64url([0xfb, 0xff]), "-_8");
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37)).collect();
            assert_eq!(decode_base64url(&base64url(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn base64url_accepts_only_the_canonical_text() {
        for other in ["-_8=", "+/8", "-_9", "-_8 ", " -_8", "-_", "-_8\n", "é"] {
            assert_ne!(decode_base64url(other), Some(vec![0xfb, 0xff]), "{other:?}");
        }
    }

    #[test]
    fn constant_time_eq_compares_all_bytes_and_lengths() {
        assert!(constant_time_eq(b"", b""));
        assert!(constant_time_eq(b"same", b"same"));
        for other in ["", "sam", "same ", "Same", "samd"] {
            assert!(!constant_time_eq(b"same", other.as_bytes()), "{other:?}");
        }
    }
}
