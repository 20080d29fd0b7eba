//! The text form of credentials.
//!
//! A credential is `prefix` + public half + secret half + checksum. The public half identifies the
//! row. The secret half is 256 random bits, of which only the SHA-256 is stored. The checksum lets
//! a secret scanner recognize a leaked key, and lets Evergrant reject random text without a query.

use evergrant_encryption::digest::{base64url, hex, sha256};
use secrecy::SecretString;

use crate::identifiers::Identifiers;

/// The prefix of API keys.
pub(crate) const API_KEY: &str = "evg_";
/// The prefix of session tokens.
pub(crate) const SESSION: &str = "evs_";
/// The prefix of the console's cookie.
pub(crate) const CONSOLE: &str = "evc_";
/// The prefix of portal-link codes.
pub(crate) const PORTAL: &str = "evp_";
/// The length of the public half, in characters: 6 random bytes in hexadecimal.
const PUBLIC_LENGTH: usize = 12;
/// The length of the secret half, in characters: 32 random bytes in base64url.
const SECRET_LENGTH: usize = 43;
/// The length of the checksum, in characters: the start of the SHA-256, as base64url, of the text
/// before it.
const CHECKSUM_LENGTH: usize = 6;

/// A new credential, whose text is shown to its owner once.
pub struct Issued<T> {
    /// The complete text, prefix and checksum included.
    pub secret: SecretString,
    /// The stored object, without the secret.
    pub stored: T,
}

/// A generated credential: its complete text and the two parts that are stored.
pub(crate) struct NewCredential {
    pub(crate) public: String,
    pub(crate) secret_hash: [u8; 32],
    pub(crate) text: SecretString,
}

/// Creates a credential with this prefix.
pub(crate) fn create(ids: &Identifiers, prefix: &str) -> NewCredential {
    let public = hex(ids.bytes::<6>());
    let secret = ids.text::<32>();
    let text = format!("{prefix}{public}{secret}");
    let text = SecretString::from(format!("{text}{}", checksum(&text)));
    NewCredential {
        public,
        secret_hash: sha256(secret),
        text,
    }
}

/// Returns the public half and the SHA-256 of the secret half; `None` if `text` is not a
/// well-formed credential with this prefix.
pub(crate) fn parse<'a>(prefix: &str, text: &'a str) -> Option<(&'a str, [u8; 32])> {
    let rest = text.strip_prefix(prefix)?;
    if rest.len() != PUBLIC_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH {
        return None;
    }
    let (public, rest) = rest.split_at_checked(PUBLIC_LENGTH)?;
    let (secret, sent_checksum) = rest.split_at_checked(SECRET_LENGTH)?;
    let checked = text.strip_suffix(sent_checksum)?;
    (checksum(checked) == sent_checksum).then(|| (public, sha256(secret)))
}

/// Returns the checksum to append to `text`.
fn checksum(text: &str) -> String {
    base64url(sha256(text))
        .chars()
        .take(CHECKSUM_LENGTH)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> String {
        let text = format!("evg_{}{}", "0123456789ab", "s".repeat(SECRET_LENGTH));
        format!("{text}{}", checksum(&text))
    }

    #[test]
    fn well_formed_credential_is_parsed_into_its_halves() {
        let (text, hash) = (key(), sha256("s".repeat(SECRET_LENGTH)));
        assert_eq!(parse(API_KEY, &text), Some(("0123456789ab", hash)));
    }

    #[test]
    fn malformed_credential_is_rejected() {
        let valid = key();
        let truncated = &valid[..valid.len() - 1];
        let (too_long, other_prefix) = (format!("{valid}x"), valid.replace("evg", "evs"));
        for malformed in ["", "evg_", "evg_short", truncated, &too_long, &other_prefix] {
            assert!(parse(API_KEY, malformed).is_none(), "{malformed}");
        }
        let changed = valid.replace("0123", "0124");
        assert!(parse(API_KEY, &changed).is_none());
        assert!(parse(API_KEY, &format!("evg_{}", "é".repeat(30))).is_none());
    }
}
