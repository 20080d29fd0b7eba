//! What a platform gives for a grant, and whom it belongs to.

use std::collections::BTreeSet;

use crate::{AccessToken, ProviderAccountId, RefreshToken, Timestamp};

/// What a token endpoint answered, in our terms.
#[derive(Debug, Clone)]
pub struct TokenSet {
    /// The access token.
    pub access: AccessToken,
    /// The refresh token; `None` where the answer held none, which on a refresh means "keep the old
    /// one".
    pub refresh: Option<RefreshToken>,
    /// As sent, such as `bearer`; `None` where the platform states none.
    pub token_type: Option<String>,
    /// When the access token ends; `None` if unknown.
    pub expires_at: Option<Timestamp>,
    /// When the grant ends however often its token is renewed: the end of a refresh token, or of
    /// the person's consent. `None` where the platform states none.
    pub grant_expires_at: Option<Timestamp>,
    /// The granted scopes; `None` where the answer did not say, which means "as requested" (RFC
    /// 6749 §5.1).
    pub scope: Option<ScopeSet>,
}

/// A set of scopes, kept sorted so that two equal grants read alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeSet(BTreeSet<String>);

impl ScopeSet {
    /// Reads scopes divided by spaces or commas.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.split([' ', ','])
            .filter(|scope| !scope.is_empty())
            .collect()
    }

    /// The scopes joined by `separator`.
    #[must_use]
    pub fn join(&self, separator: &str) -> String {
        self.0
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(separator)
    }

    /// Those of ours that `granted` lacks.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Vec<String> {
        self.0.difference(&granted.0).cloned().collect()
    }

    /// Whether `scope` is one of them.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each scope, sorted.
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
    /// Divided by spaces, as in RFC 6749 §3.3 and in the `scope` column.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.join(" "))
    }
}

/// Who a grant belongs to at the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountInfo {
    /// The platform's stable id of the account.
    pub id: ProviderAccountId,
    /// The handle, such as `juniper`.
    pub username: Option<String>,
    /// The name that people see.
    pub display_name: Option<String>,
    /// Where the picture is, at the platform.
    pub avatar_url: Option<String>,
    /// The platform's own facts, as its catalogue entry names them.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}
