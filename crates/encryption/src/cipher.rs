//! AES-256-GCM with the keys of a key ring. No other code encrypts or decrypts tokens.

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

/// GCM with the 16-byte IV of the stored format. The usual 12 bytes could not decrypt existing
/// rows.
type Aes256Gcm16 = AesGcm<Aes256, U16>;

/// Derivation label of the signing key, which differs from the encryption key.
const SIGNING_LABEL: &str = "evergrant signatures v1";

/// Length of a signature: 128 bits cannot be found by trial.
const SIGNATURE_BYTES: usize = 16;

/// Why a token could not be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// The text cannot be decrypted. One error covers a malformed text, a wrong key and a modified
    /// text, so that an attacker cannot distinguish them.
    #[error("the stored token could not be decrypted")]
    Unreadable,
    /// The token is empty. An empty text is never a token, so encrypting it would hide that there
    /// is none.
    #[error("an empty token cannot be encrypted")]
    Empty,
    /// The token exceeds the maximum length of GCM (64 GiB).
    #[error("the token is too long to be encrypted")]
    TooLong,
}

impl CipherError {
    /// Returns the error code for callers of the service.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Unreadable => ErrorCode::DecryptionError,
            Self::Empty | Self::TooLong => ErrorCode::EncryptionError,
        }
    }
}

/// Encrypts with the current key of a key ring and decrypts with any of its keys. Clones share the
/// keys.
#[derive(Clone)]
pub struct TokenCipher(Arc<Inner>);

opaque_debug!(TokenCipher);

struct Inner {
    current: PreparedKey,
    previous: Vec<PreparedKey>,
    entropy: Arc<dyn Entropy>,
}

/// A key with its round keys and GHASH table, computed once.
struct PreparedKey {
    fingerprint: String,
    gcm: Aes256Gcm16,
    signing: Zeroizing<[u8; 32]>,
}

impl From<EncryptionKey> for PreparedKey {
    fn from(key: EncryptionKey) -> Self {
        let signing = Zeroizing::new(digest::hmac_sha256(key.bytes(), SIGNING_LABEL));
        Self {
            fingerprint: key.fingerprint(),
            gcm: Aes256Gcm16::new(key.bytes().into()),
            signing,
        }
    }
}

impl PreparedKey {
    /// Returns the HMAC-SHA-256 of `text` under the derived signing key, truncated to 128 bits, as
    /// base64url.
    fn sign(&self, text: &str) -> String {
        let mac = digest::hmac_sha256(self.signing.as_slice(), text);
        digest::base64url(mac.get(..SIGNATURE_BYTES).unwrap_or(&mac))
    }

    /// Returns the plaintext; `None` if this key did not encrypt `parts`.
    fn decrypt(&self, parts: &Parts) -> Option<SecretString> {
        let mut buffer = Zeroizing::new(parts.body.clone());
        let body = buffer.as_mut_slice().into();
        self.gcm
            .decrypt_inout_detached(&parts.iv.into(), &[], body, &parts.tag.into())
            .ok()?;
        std::str::from_utf8(&buffer).ok().map(SecretString::from)
    }
}

impl TokenCipher {
    /// Creates a cipher with the keys of `ring`, whose raw bytes are wiped. `entropy` provides the
    /// IVs.
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

    /// Encrypts `token` with the current key and a new random IV.
    ///
    /// # Errors
    ///
    /// [`CipherError::Empty`] if the token is empty, [`CipherError::TooLong`] if it exceeds 64 GiB.
    pub fn encrypt_token(&self, token: &str) -> Result<EncryptedToken, CipherError> {
        if token.is_empty() {
            return Err(CipherError::Empty);
        }
        let iv = self.0.entropy.bytes();
        let mut buffer = Zeroizing::new(token.as_bytes().to_vec());
        let body = buffer.as_mut_slice().into();
        let encrypted = self
            .0
            .current
            .gcm
            .encrypt_inout_detached(&iv.into(), &[], body);
        let tag = encrypted.map_err(|_| CipherError::TooLong)?;
        Ok(join(&iv, &tag, &buffer))
    }

    /// Decrypts a stored text with the first key of the ring that can.
    ///
    /// # Errors
    ///
    /// [`CipherError::Unreadable`] if no key can decrypt it, for any reason.
    pub fn decrypt_token(&self, stored: &str) -> Result<SecretString, CipherError> {
        self.decrypt_with_key(stored)
            .map(|(_, token)| token)
            .ok_or(CipherError::Unreadable)
    }

    /// Returns the fingerprint of the key that decrypts `stored`; `None` if no key of the ring
    /// does.
    #[must_use]
    pub fn key_of(&self, stored: &str) -> Option<&str> {
        self.decrypt_with_key(stored)
            .map(|(key, _)| key.fingerprint.as_str())
    }

    /// Returns the fingerprints of the ring's keys, the current key first.
    pub fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.keys().map(|key| key.fingerprint.as_str())
    }

    /// Returns whether a key of the ring decrypts `text`. The form of the text does not decide,
    /// because a token may look like a ciphertext.
    #[must_use]
    pub fn is_encrypted(&self, text: &str) -> bool {
        self.decrypt_with_key(text).is_some()
    }

    /// Encrypts `text` unless it is already encrypted with a key of the ring. Use it for rows of
    /// unknown origin only. Tokens from outside must use [`encrypt_token`](Self::encrypt_token);
    /// otherwise a stolen ciphertext could be submitted and stored as a valid token.
    ///
    /// # Errors
    ///
    /// Those of [`encrypt_token`](Self::encrypt_token).
    pub fn safe_encrypt(&self, text: &str) -> Result<EncryptedToken, CipherError> {
        if self.is_encrypted(text) {
            return Ok(EncryptedToken::from_stored(text.to_owned()));
        }
        self.encrypt_token(text)
    }

    /// Decrypts `text` if it has the form of a ciphertext, and returns any other text unchanged.
    ///
    /// # Errors
    ///
    /// [`CipherError::Unreadable`] if `text` has the form of a ciphertext (three parts of hex
    /// digits) but cannot be decrypted. Such a text must never be sent to a provider as a token.
    pub fn safe_decrypt(&self, text: &str) -> Result<SecretString, CipherError> {
        if looks_encrypted(text) {
            self.decrypt_token(text)
        } else {
            Ok(SecretString::from(text))
        }
    }

    /// Returns a signature of `text` with the current key: 128 bits in base64url.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        self.0.current.sign(text)
    }

    /// Returns whether `signature` is a signature of `text` by a key of the ring.
    #[must_use]
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        let matches = |key: &PreparedKey| {
            digest::constant_time_eq(key.sign(text).as_bytes(), signature.as_bytes())
        };
        self.keys().any(matches)
    }

    /// Returns the key that decrypts `stored`, and the plaintext.
    fn decrypt_with_key(&self, stored: &str) -> Option<(&PreparedKey, SecretString)> {
        let parts = Parts::parse(stored)?;
        self.keys()
            .find_map(|key| Some((key, key.decrypt(&parts)?)))
    }

    fn keys(&self) -> impl Iterator<Item = &PreparedKey> {
        std::iter::once(&self.0.current).chain(&self.0.previous)
    }
}
