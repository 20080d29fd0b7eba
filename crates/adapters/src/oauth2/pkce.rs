//! PKCE challenges (RFC 7636), in the two encodings that providers use.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use evergrant_model::PkceVerifier;
use sha2::{Digest, Sha256};

use crate::Pkce;

/// Returns the challenge for `verifier`; `None` if the provider does not use PKCE.
pub(crate) fn challenge(pkce: Pkce, verifier: &PkceVerifier) -> Option<String> {
    let hash = || Sha256::digest(verifier.expose().as_bytes());
    match pkce {
        Pkce::None => None,
        Pkce::S256 => Some(BASE64_URL_SAFE_NO_PAD.encode(hash())),
        Pkce::S256Hex => Some(const_hex::encode(hash())),
    }
}

/// Returns whether `verifier` is valid by RFC 7636 §4.1: 43 to 128 unreserved characters.
pub(crate) fn is_valid(verifier: &PkceVerifier) -> bool {
    let text = verifier.expose();
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_matches_rfc_7636_example() {
        let verifier = PkceVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(
            challenge(Pkce::S256, &verifier).unwrap(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn challenge_is_base64url_or_hex() {
        let verifier = PkceVerifier::new("evergrant-sim-verifier-0123456789-abcdefghijklmnop");
        let hex = "6f78ecb27e525d01843332801cb5613e55997d721dee73c422494e5469893c1a";
        assert_eq!(challenge(Pkce::S256Hex, &verifier).unwrap(), hex);
        assert_eq!(
            challenge(Pkce::S256, &verifier).unwrap(),
            "b3jssn5SXQGEMzKAHLVhPlWZfXId7nPEIklOVGmJPBo"
        );
        assert_eq!(challenge(Pkce::None, &verifier), None);
    }

    #[test]
    fn valid_verifier_has_43_to_128_unreserved_characters() {
        let valid = |text: &str| is_valid(&PkceVerifier::new(text));
        assert!(valid(&"a".repeat(43)) && valid(&"~".repeat(128)));
        assert!(!valid(&"a".repeat(42)) && !valid(&"a".repeat(129)) && !valid(&"a b".repeat(20)));
    }
}
