//! AES-256-GCM over the keys of a ring: the only code that turns a token into a stored text and
//! back.

use std::sync::Arc;

use aes_gcm::aead::consts::U16;
use aes_gcm::aes::Aes256;
use aes_gcm::{AeadInOut, AesGcm, KeyInit};
use evergrant_model::{Entropy, ErrorCode};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::digest;
use crate::token::{Parts, join, looks_encrypted};
use crate::{EncryptedToken, EncryptionKey, KeyRing};

/// GCM with the 16-byte IV of the stored format; the usual 12 bytes would not open one existing
/// row.
type Aes256Gcm16 = AesGcm<Aes256, U16>;

/// What the key of signatures is derived with, so that it is never the one that encrypts.
const SIGNING_TEXT: &str = "evergrant signatures v1";

/// 128 bits, as many as nobody tries.
const SIGNATURE_BYTES: usize = 16;

/// Why a token could not be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// It does not open. One error for a wrong form, a wrong key and a changed text: telling them
    /// apart would help whoever tries forgeries.
    #[error("the stored token could not be decrypted")]
    Unreadable,
    /// It is longer than GCM can encrypt at once (64 GiB).
    #[error("the token is too long to be encrypted")]
    TooLong,
}

impl CipherError {
    /// The code that callers of the service see.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Unreadable => ErrorCode::DecryptionError,
            Self::TooLong => ErrorCode::EncryptionError,
        }
    }
}

/// Encrypts with the current key of a ring, decrypts with any of its keys. A clone shares the
/// prepared keys.
#[derive(Clone)]
pub struct TokenCipher(Arc<Inner>);

opaque_debug!(TokenCipher);

struct Inner {
    current: PreparedKey,
    previous: Vec<PreparedKey>,
    entropy: Arc<dyn Entropy>,
}

/// A key with its round keys and GHASH table, computed once for all tokens.
struct PreparedKey {
    fingerprint: String,
    gcm: Aes256Gcm16,
    signing: Zeroizing<[u8; 32]>,
}

impl From<EncryptionKey> for PreparedKey {
    fn from(key: EncryptionKey) -> Self {
        let signing = Zeroizing::new(digest::hmac_sha256(key.bytes(), SIGNING_TEXT));
        Self {
            fingerprint: key.fingerprint(),
            gcm: Aes256Gcm16::new(key.bytes().into()),
            signing,
        }
    }
}

impl PreparedKey {
    /// The plaintext, if this key made `parts`.
    fn sign(&self, text: &str) -> String {
        let whole = digest::hmac_sha256(self.signing.as_slice(), text);
        digest::base64url(whole.get(..SIGNATURE_BYTES).unwrap_or(&whole))
    }

    fn open(&self, parts: &Parts) -> Option<SecretString> {
        let mut buffer = Zeroizing::new(parts.body.clone());
        let body = buffer.as_mut_slice().into();
        self.gcm
            .decrypt_inout_detached(&parts.iv.into(), &[], body, &parts.tag.into())
            .ok()?;
        std::str::from_utf8(&buffer).ok().map(SecretString::from)
    }
}

impl TokenCipher {
    /// A cipher over the keys of `ring`, which are wiped once they are prepared. IVs come from
    /// `entropy`.
    #[must_use]
    pub fn new(ring: KeyRing, entropy: Arc<dyn Entropy>) -> Self {
        let (current, previous) = ring.into_keys();
        let previous = previous.into_iter().map(PreparedKey::from).collect();
        Self(Arc::new(Inner {
            current: current.into(),
            previous,
            entropy,
        }))
    }

    /// Encrypts `token` under the current key with an IV of its own.
    ///
    /// # Errors
    ///
    /// [`CipherError::TooLong`] past 64 GiB.
    pub fn encrypt_token(&self, token: &str) -> Result<EncryptedToken, CipherError> {
        let iv = self.0.entropy.bytes();
        let mut buffer = Zeroizing::new(token.as_bytes().to_vec());
        let body = buffer.as_mut_slice().into();
        let sealed = self
            .0
            .current
            .gcm
            .encrypt_inout_detached(&iv.into(), &[], body);
        let tag = sealed.map_err(|_| CipherError::TooLong)?;
        Ok(join(&iv, &tag, &buffer))
    }

    /// Decrypts a stored text with the first key of the ring that opens it.
    ///
    /// # Errors
    ///
    /// [`CipherError::Unreadable`], whatever the reason.
    pub fn decrypt_token(&self, stored: &str) -> Result<SecretString, CipherError> {
        self.open(stored)
            .map(|(_, token)| token)
            .ok_or(CipherError::Unreadable)
    }

    /// The fingerprint of the key that opens `stored`; `None` where none of the ring does.
    #[must_use]
    pub fn key_of(&self, stored: &str) -> Option<&str> {
        self.open(stored).map(|(key, _)| key.fingerprint.as_str())
    }

    /// The fingerprints of the ring's keys, the current one first.
    pub fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.keys().map(|key| key.fingerprint.as_str())
    }

    /// Whether a key of the ring opens `text`. Its look decides nothing: a token may have that of a
    /// ciphertext.
    #[must_use]
    pub fn is_encrypted(&self, text: &str) -> bool {
        self.open(text).is_some()
    }

    /// Encrypts `text` unless it is encrypted already. For rows of unknown origin; a token that
    /// comes from outside goes through [`encrypt_token`](Self::encrypt_token), or whoever sends us
    /// a stolen ciphertext gets it adopted.
    ///
    /// # Errors
    ///
    /// As [`encrypt_token`](Self::encrypt_token).
    pub fn safe_encrypt(&self, text: &str) -> Result<EncryptedToken, CipherError> {
        if self.is_encrypted(text) {
            return Ok(EncryptedToken::from_stored(text.to_owned()));
        }
        self.encrypt_token(text)
    }

    /// Decrypts `text` if it is encrypted, and returns it unchanged if it does not even look so.
    ///
    /// # Errors
    ///
    /// [`CipherError::Unreadable`] for a text that looks encrypted (three parts of hex digits) and
    /// does not open: a ciphertext that nobody can read must not travel to a platform as if it were
    /// a token.
    pub fn safe_decrypt(&self, text: &str) -> Result<SecretString, CipherError> {
        if looks_encrypted(text) {
            self.decrypt_token(text)
        } else {
            Ok(SecretString::from(text))
        }
    }

    /// A signature of `text` under the current key, in the url-safe alphabet: whoever presents both
    /// has them from us.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        self.0.current.sign(text)
    }

    /// Whether a key of the ring made this signature of `text`.
    #[must_use]
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        let made = |key: &PreparedKey| {
            digest::constant_time_eq(key.sign(text).as_bytes(), signature.as_bytes())
        };
        self.keys().any(made)
    }

    fn open(&self, stored: &str) -> Option<(&PreparedKey, SecretString)> {
        let parts = Parts::parse(stored)?;
        self.keys().find_map(|key| Some((key, key.open(&parts)?)))
    }

    fn keys(&self) -> impl Iterator<Item = &PreparedKey> {
        std::iter::once(&self.0.current).chain(&self.0.previous)
    }
}
