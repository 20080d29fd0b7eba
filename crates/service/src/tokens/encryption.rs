//! Encryption and decryption of tokens. No other component of this crate decrypts.

use std::sync::Arc;

use evergrant_adapters::HeldTokens;
use evergrant_encryption::digest::{hex, sha256};
use evergrant_encryption::{EncryptedToken, TokenCipher};
use evergrant_model::{AccessToken, PkceVerifier, RefreshToken, Timestamp, TokenSet};
use evergrant_store::{StoredTokens, TokenDigest, TokenDigests};
use secrecy::ExposeSecret;
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
    /// `DECRYPTION_ERROR` if no configured key decrypts it.
    pub(crate) fn decrypt_access(
        &self,
        stored: &EncryptedToken,
    ) -> Result<AccessToken, ServiceError> {
        Ok(AccessToken::new(
            self.cipher.decrypt_token(stored.as_str())?.expose_secret(),
        ))
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
        let access = access.map(|token| self.decrypt_access(token)).transpose()?;
        let refresh = refresh
            .map(|token| self.cipher.decrypt_token(token.as_str()))
            .transpose()?;
        let refresh = refresh.map(|token| RefreshToken::new(token.expose_secret()));
        Ok(HeldTokens { access, refresh })
    }
}

impl TokenDigests for TokenEncryption {
    fn digest_of(&self, tokens: &StoredTokens) -> Option<TokenDigest> {
        let token = tokens.refresh.as_ref().or(tokens.access.as_ref())?;
        let token = self.cipher.decrypt_token(token.as_str()).ok()?;
        let digest = hex(sha256(token.expose_secret()));
        Some(TokenDigest::new(digest))
    }
}
