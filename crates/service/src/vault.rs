//! Where plain tokens become encrypted ones and back: nothing else in the service holds the cipher.

use evergrant_adapters::HeldTokens;
use evergrant_encryption::EncryptedToken;
use evergrant_model::{AccessToken, PkceVerifier, RefreshToken, TokenSet};
use secrecy::ExposeSecret;

use crate::ServiceError;
use crate::service::Inner;

/// A token set, encrypted.
pub(crate) struct SealedTokens {
    pub(crate) access: EncryptedToken,
    pub(crate) refresh: Option<EncryptedToken>,
}

impl Inner {
    pub(crate) fn seal(&self, tokens: &TokenSet) -> Result<SealedTokens, ServiceError> {
        let refresh = tokens.refresh.as_ref().map(|token| self.cipher.encrypt_token(token.expose())).transpose()?;
        Ok(SealedTokens { access: self.cipher.encrypt_token(tokens.access.expose())?, refresh })
    }

    pub(crate) fn open_access(&self, stored: &EncryptedToken) -> Result<AccessToken, ServiceError> {
        Ok(AccessToken::new(self.cipher.decrypt_token(stored.as_str())?.expose_secret()))
    }

    pub(crate) fn open_verifier(&self, stored: &EncryptedToken) -> Result<PkceVerifier, ServiceError> {
        Ok(PkceVerifier::new(self.cipher.decrypt_token(stored.as_str())?.expose_secret()))
    }

    pub(crate) fn open_both(
        &self,
        access: Option<&EncryptedToken>,
        refresh: Option<&EncryptedToken>,
    ) -> Result<HeldTokens, ServiceError> {
        let access = access.map(|token| self.open_access(token)).transpose()?;
        let refresh = refresh.map(|token| self.cipher.decrypt_token(token.as_str())).transpose()?;
        Ok(HeldTokens { access, refresh: refresh.map(|token| RefreshToken::new(token.expose_secret())) })
    }
}
