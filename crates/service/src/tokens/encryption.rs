//! Encryption and decryption of tokens. No other component of this crate decrypts.

use std::sync::Arc;

use evergrant_adapters::HeldTokens;
use evergrant_encryption::digest::{hex, sha256};
use evergrant_encryption::{CipherError, EncryptedToken, TokenCipher};
use evergrant_model::{AccessToken, ErrorCode, PkceVerifier, RefreshToken, Timestamp, TokenSet};
use evergrant_store::{StoredTokens, TokenDigest, TokenDigests};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::ServiceError;

/// Encrypts and decrypts tokens. Clones share the keys.
#[derive(Clone)]
pub(crate) struct TokenEncryption {
    cipher: Arc<TokenCipher>,
}

impl TokenEncryption {
    /// Creates a component that uses the keys of `cipher`.
    pub(crate) fn new(cipher: Arc<TokenCipher>) -> Self {
        Self { cipher }
    }

    /// Encrypts a token set. `issued_at` is when it was requested.
    pub(crate) fn encrypt(
        &self,
        tokens: &TokenSet,
        issued_at: Timestamp,
    ) -> Result<StoredTokens, ServiceError> {
        let refresh = tokens.refresh.as_ref();
        Ok(StoredTokens {
            access: Some(self.encrypt_text(tokens.access.expose())?),
            refresh: refresh
                .map(|token| self.encrypt_text(token.expose()))
                .transpose()?,
            expires_at: tokens.expires_at,
            grant_expires_at: tokens.grant_expires_at,
            token_type: tokens.token_type.clone(),
            scope: tokens.scope.as_ref().map(ToString::to_string),
            issued_at: Some(issued_at),
        })
    }

    /// Encrypts one secret.
    pub(crate) fn encrypt_text(&self, text: &str) -> Result<EncryptedToken, ServiceError> {
        Ok(self.cipher.encrypt_token(text)?)
    }

    /// Decrypts what [`TokenEncryption::encrypt_text`] returned; `None` if no configured key does.
    pub(crate) fn decrypt_text(&self, encrypted: &str) -> Option<Zeroizing<String>> {
        let text = self.cipher.decrypt_token(encrypted).ok()?;
        Some(Zeroizing::new(text.expose_secret().to_owned()))
    }

    /// Decrypts an access token.
    ///
    /// # Errors
    ///
    /// `DECRYPTION_ERROR` if no configured key decrypts it; `NO_ACCESS_TOKEN` if it is the
    /// ciphertext of an empty text, which another program has stored.
    pub(crate) fn decrypt_access(
        &self,
        stored: &EncryptedToken,
    ) -> Result<AccessToken, ServiceError> {
        let token = self.open(Some(stored))?.ok_or_else(|| {
            ServiceError::new(
                ErrorCode::NoAccessToken,
                "The connection has no access token. Please reconnect the account.",
            )
        })?;
        Ok(AccessToken::new(token.expose_secret()))
    }

    /// Decrypts a token. Another program may have encrypted an empty text where it has none.
    fn open(&self, stored: Option<&EncryptedToken>) -> Result<Option<SecretString>, CipherError> {
        let token = stored
            .map(|token| self.cipher.decrypt_token(token.as_str()))
            .transpose()?;
        Ok(token.filter(|token| !token.expose_secret().is_empty()))
    }

    /// Decrypts a PKCE verifier.
    ///
    /// # Errors
    ///
    /// `DECRYPTION_ERROR` if no configured key decrypts it.
    pub(crate) fn decrypt_verifier(
        &self,
        stored: &EncryptedToken,
    ) -> Result<PkceVerifier, ServiceError> {
        Ok(PkceVerifier::new(
            self.cipher.decrypt_token(stored.as_str())?.expose_secret(),
        ))
    }

    /// Decrypts the tokens of a connection, each if it is present.
    ///
    /// # Errors
    ///
    /// `DECRYPTION_ERROR` if no configured key decrypts one of them.
    pub(crate) fn decrypt(
        &self,
        access: Option<&EncryptedToken>,
        refresh: Option<&EncryptedToken>,
    ) -> Result<HeldTokens, ServiceError> {
        let (access, refresh) = (self.open(access)?, self.open(refresh)?);
        let access = access.map(|token| AccessToken::new(token.expose_secret()));
        let refresh = refresh.map(|token| RefreshToken::new(token.expose_secret()));
        Ok(HeldTokens { access, refresh })
    }
}

impl TokenDigests for TokenEncryption {
    fn digest_of(&self, tokens: &StoredTokens) -> Option<TokenDigest> {
        let refresh = self.open(tokens.refresh.as_ref()).ok()?;
        let token = match refresh {
            Some(token) => token,
            None => self.open(tokens.access.as_ref()).ok()??,
        };
        let digest = hex(sha256(token.expose_secret()));
        Some(TokenDigest::new(digest))
    }
}
