//! The stored form of a token set.

use evergrant_encryption::EncryptedToken;
use evergrant_model::Timestamp;

/// A token set with encrypted tokens.
#[derive(Debug, Clone)]
pub struct StoredTokens {
    /// The access token; `None` only in rows of other programs.
    pub access: Option<EncryptedToken>,
    /// The refresh token; `None` if the provider issued none. When tokens are stored, `None` keeps
    /// the stored refresh token.
    pub refresh: Option<EncryptedToken>,
    /// Time at which the access token expires; `None` if unknown.
    pub expires_at: Option<Timestamp>,
    /// Time at which the grant ends even if it is refreshed; `None` if the provider states no end.
    pub grant_expires_at: Option<Timestamp>,
    /// The token type as the provider returned it, such as `bearer`; `None` if it returned none.
    pub token_type: Option<String>,
    /// The granted scopes, separated by spaces; `None` if unknown.
    pub scope: Option<String>,
    /// Time at which the access token was requested, the start of its lifetime; `None` for imported
    /// rows.
    pub issued_at: Option<Timestamp>,
}

impl StoredTokens {
    /// Returns this token set after a refresh that returned `new`. Keeps what a provider may omit
    /// from the response (refresh token, end of the grant, token type, scopes). The expiry is not
    /// kept, because it is that of the old access token.
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

    /// Returns the ciphertext of the access token.
    pub(crate) fn access_text(&self) -> Option<&str> {
        self.access.as_ref().map(EncryptedToken::as_str)
    }

    /// Returns the ciphertext of the refresh token.
    pub(crate) fn refresh_text(&self) -> Option<&str> {
        self.refresh.as_ref().map(EncryptedToken::as_str)
    }
}
