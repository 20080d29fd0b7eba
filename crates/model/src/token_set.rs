//! The token set of a grant and the account it belongs to.

use std::collections::BTreeSet;

use crate::{AccessToken, ProviderAccountId, RefreshToken, Timestamp};

/// A normalized response of a token endpoint.
#[derive(Debug, Clone)]
pub struct TokenSet {
    /// The access token.
    pub access: AccessToken,
    /// The refresh token; `None` if the response has none. After a refresh, the previous refresh
    /// token then stays valid.
    pub refresh: Option<RefreshToken>,
    /// The token type as sent, for example `bearer`; `None` if the provider states none.
    pub token_type: Option<String>,
    /// Expiry of the access token; `None` if unknown.
    pub expires_at: Option<Timestamp>,
    /// Expiry of the whole grant regardless of refreshes: the end of the refresh token or of the
    /// user's consent. `None` if the provider states none.
    pub grant_expires_at: Option<Timestamp>,
    /// The granted scopes; `None` if the response has none, which means that they equal the
    /// requested scopes (RFC 6749 §5.1).
    pub scope: Option<ScopeSet>,
}

/// A sorted set of scopes, so that equal sets have equal text forms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeSet(BTreeSet<String>);

impl ScopeSet {
    /// Parses scopes separated by whitespace or commas.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.split(|c: char| c == ',' || c.is_whitespace())
            .filter(|scope| !scope.is_empty())
            .collect()
    }

    /// Returns the scopes joined by `separator`.
    #[must_use]
    pub fn join(&self, separator: &str) -> String {
        self.0
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(separator)
    }

    /// Returns the scopes of this set that `granted` does not contain.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Vec<String> {
        self.0.difference(&granted.0).cloned().collect()
    }

    /// Returns whether the set contains `scope`.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the scopes in sorted order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<S: Into<String>> FromIterator<S> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        Self(scopes.into_iter().map(Into::into).collect())
    }
}

impl std::fmt::Display for ScopeSet {
    /// Formats the scopes separated by spaces, as in RFC 6749 §3.3 and in the `scope` column.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.join(" "))
    }
}

/// The provider account that a grant belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountInfo {
    /// The account's stable id at the provider.
    pub id: ProviderAccountId,
    /// The user name, for example `juniper`; `None` if unknown.
    pub username: Option<String>,
    /// The display name; `None` if unknown.
    pub display_name: Option<String>,
    /// URL of the avatar at the provider; `None` if there is none.
    pub avatar_url: Option<String>,
    /// Provider-specific data, with the keys of the provider's catalogue entry.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}
