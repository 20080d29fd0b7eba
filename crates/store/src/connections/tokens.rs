//! The token set of a connection, as it is stored.

use evergrant_encryption::EncryptedToken;
use evergrant_model::Timestamp;

/// A token set, its tokens encrypted.
#[derive(Debug, Clone)]
pub struct StoredTokens {
    /// The access token; `None` only in rows of another program that hold none.
    pub access: Option<EncryptedToken>,
    /// The refresh token; `None` if the platform has issued none. In new tokens, `None` keeps the
    /// stored one.
    pub refresh: Option<EncryptedToken>,
    /// When the access token ends; `None` if that is not known.
    pub expires_at: Option<Timestamp>,
    /// When the grant ends however often it is refreshed; `None` if the platform states no end.
    pub grant_expires_at: Option<Timestamp>,
    /// As the platform sent it, such as `bearer`.
    pub token_type: Option<String>,
    /// The granted scopes, divided by spaces.
    pub scope: Option<String>,
    /// When the access token was requested, from which its life is counted; `None` for rows of
    /// another program.
    pub issued_at: Option<Timestamp>,
}

impl StoredTokens {
    /// These tokens after a refresh that returned `new`. What the platform need not repeat is kept:
    /// refresh token, end of the grant, token type and scopes. The end of the old access token says
    /// nothing about the new one.
    #[must_use]
    pub fn refreshed(&self, new: &Self) -> Self {
        Self {
            access: new.access.clone(),
            refresh: new.refresh.clone().or_else(|| self.refresh.clone()),
            expires_at: new.expires_at,
            grant_expires_at: new.grant_expires_at.or(self.grant_expires_at),
            token_type: new.token_type.clone().or_else(|| self.token_type.clone()),
            scope: new.scope.clone().or_else(|| self.scope.clone()),
            issued_at: new.issued_at,
        }
    }

    /// The ciphertext of the access token.
    pub(crate) fn access_text(&self) -> Option<&str> {
        self.access.as_ref().map(EncryptedToken::as_str)
    }

    /// The ciphertext of the refresh token.
    pub(crate) fn refresh_text(&self) -> Option<&str> {
        self.refresh.as_ref().map(EncryptedToken::as_str)
    }
}
