//! An authorization code, the grant that its exchange creates, and the tokens of a grant.

use evergrant_model::{ScopeSet, Timestamp};
use serde::{Deserialize, Serialize};

use crate::faults::ConsentFault;

/// Identifies a grant within one run of the sandbox.
pub(crate) type GrantId = u64;

/// A consent whose authorization code has not been exchanged yet.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) platform: &'static str,
    pub(crate) client: &'static str,
    pub(crate) redirect_uri: String,
    pub(crate) person: String,
    pub(crate) scopes: ScopeSet,
    /// Whether the exchange issues a refresh token.
    pub(crate) offline_access: bool,
    pub(crate) expires_at: Timestamp,
    pub(crate) consent_fault: ConsentFault,
    /// PKCE code challenge to check the verifier against; `None` if PKCE is not required.
    pub(crate) challenge: Option<String>,
    /// Assets and scopes that the person chose on the consent page.
    pub(crate) selection: Selection,
}

/// The access that a person gave to a client.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Grant {
    pub(crate) platform: String,
    pub(crate) client: String,
    pub(crate) person: String,
    #[serde(with = "scope_text")]
    pub(crate) scopes: ScopeSet,
    /// Whether every refresh fails, because that fault was selected at consent.
    pub(crate) refuses_refresh: bool,
    /// When its refresh tokens expire. `None`: never.
    #[serde(
        default,
        rename = "refreshEndsAt",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) refresh_expires_at: Option<Timestamp>,
    /// Fault of the next call with this session. Not persisted.
    #[serde(skip)]
    pub(crate) pending_fault: ConsentFault,
    pub(super) refresh: Vec<StoredToken>,
    pub(super) access: Vec<StoredToken>,
    /// Assets and scopes that the person chose on the consent page.
    #[serde(default)]
    pub(crate) selection: Selection,
    /// Why its tokens are invalid, at platforms that report the reason. `None`: they are valid.
    #[serde(default, rename = "ended", skip_serializing_if = "Option::is_none")]
    pub(super) invalid_reason: Option<InvalidationReason>,
}

impl Grant {
    /// Creates a grant of `person` to `client` without scopes and tokens.
    pub(crate) fn new(
        platform: &str,
        client: String,
        person: String,
        consent_fault: ConsentFault,
    ) -> Self {
        Self {
            platform: platform.to_owned(),
            client,
            person,
            scopes: ScopeSet::default(),
            refuses_refresh: consent_fault == ConsentFault::RefreshRefused,
            refresh_expires_at: None,
            pending_fault: consent_fault,
            refresh: Vec::new(),
            access: Vec::new(),
            selection: Selection::default(),
            invalid_reason: None,
        }
    }
}

/// An issued token, identified by its hash.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredToken {
    pub(super) sha256: String,
    /// `None`: the token itself never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<Timestamp>,
    /// Kind and issue time, at platforms with several kinds of access token.
    #[serde(default, rename = "about", skip_serializing_if = "Option::is_none")]
    pub(super) details: Option<TokenDetails>,
}

impl StoredToken {
    pub(super) fn new(sha256: &str, expires_at: Option<Timestamp>) -> Self {
        Self {
            sha256: sha256.to_owned(),
            expires_at,
            details: None,
        }
    }

    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

/// Whether a token is an access token or a refresh token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
}

/// What a person chose on the consent page besides the granted scopes.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selection {
    /// Ids of the selected assets. `None`: all.
    pub(crate) assets: Option<Vec<String>>,
    /// Requested scopes that the person deselected.
    #[serde(with = "scope_text")]
    pub(crate) declined: ScopeSet,
    pub(crate) consented_at: Timestamp,
}

impl Selection {
    /// Returns whether the person shared this asset.
    pub(crate) fn has(&self, asset: &str) -> bool {
        self.assets
            .as_ref()
            .is_none_or(|selected| selected.iter().any(|id| id == asset))
    }
}

/// Why an access token is invalid, as platforms report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InvalidationReason {
    /// The person removed the app.
    AppRemoved,
    /// The person must pass a security checkpoint at the platform.
    Checkpoint,
    /// The person changed their password.
    PasswordChanged,
    /// The token expired.
    Expired,
    /// The person must confirm their account at the platform.
    Unconfirmed,
    /// The person signed out of the session that the token belongs to.
    SessionInvalid,
    /// The person lost their role on the Page.
    RoleLost,
}

/// Kind and issue time of an access token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenDetails {
    pub(super) kind: String,
    pub(super) issued_at: Timestamp,
}

/// Serializes scopes as one string, separated by spaces.
mod scope_text {
    use evergrant_model::ScopeSet;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        scopes: &ScopeSet,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(scopes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ScopeSet, D::Error> {
        String::deserialize(deserializer).map(|text| ScopeSet::parse(&text))
    }
}

/// Selects grants by platform, person and client.
pub(crate) struct GrantFilter<'a> {
    pub(crate) platform: &'a str,
    pub(crate) person: &'a str,
    /// `None`: any client.
    pub(crate) client: Option<&'a str>,
}

impl GrantFilter<'_> {
    /// Returns whether a grant of these three is selected.
    pub(super) fn matches(&self, platform: &str, person: &str, client: &str) -> bool {
        self.platform == platform
            && self.person == person
            && self.client.is_none_or(|only| only == client)
    }
}
