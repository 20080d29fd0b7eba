//! A code, the grant that it becomes, and the tokens of a grant.

use evergrant_model::{ScopeSet, Timestamp};
use serde::{Deserialize, Serialize};

use crate::faults::Misbehaviour;

/// Names a grant, for as long as it lives.
pub(crate) type GrantId = u64;

/// A consent that waits for its code to be exchanged.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) platform: &'static str,
    pub(crate) client: &'static str,
    pub(crate) redirect_uri: String,
    pub(crate) person: String,
    pub(crate) scopes: ScopeSet,
    /// Whether a refresh token belongs to it.
    pub(crate) lasting: bool,
    pub(crate) expires_at: Timestamp,
    pub(crate) misbehaviour: Misbehaviour,
    /// What a verifier must be held against, where PKCE was demanded.
    pub(crate) challenge: Option<String>,
    pub(crate) selection: Selection,
}

/// What one person allowed one client.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Grant {
    pub(crate) platform: String,
    pub(crate) client: String,
    pub(crate) person: String,
    #[serde(with = "scope_text")]
    pub(crate) scopes: ScopeSet,
    /// Whether refreshing it is refused whatever is presented, because that was asked for at
    /// consent.
    pub(crate) refuses_refresh: bool,
    /// When its refresh tokens end; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_ends_at: Option<Timestamp>,
    /// What is to go wrong at the next use of a session; not kept over a restart.
    #[serde(skip)]
    pub(crate) trouble: Misbehaviour,
    pub(super) refresh: Vec<Held>,
    pub(super) access: Vec<Held>,
    /// What else the person decided.
    #[serde(default)]
    pub(crate) selection: Selection,
    /// Why it ended, at a platform that remembers its dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ending>,
}

impl Grant {
    /// What `person` allows `client`, before any token was given out.
    pub(crate) fn new(
        platform: &str,
        client: String,
        person: String,
        misbehaviour: Misbehaviour,
    ) -> Self {
        Self {
            platform: platform.to_owned(),
            client,
            person,
            scopes: ScopeSet::default(),
            refuses_refresh: misbehaviour == Misbehaviour::RefreshRefused,
            refresh_ends_at: None,
            trouble: misbehaviour,
            refresh: Vec::new(),
            access: Vec::new(),
            selection: Selection::default(),
            ended: None,
        }
    }
}

/// A token that was given out.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Held {
    pub(super) sha256: String,
    /// `None`: it has no end of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<Timestamp>,
    /// What a platform with several kinds of access token wants to know about this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<About>,
}

impl Held {
    pub(super) fn new(sha256: &str, expires_at: Option<Timestamp>) -> Self {
        Self {
            sha256: sha256.to_owned(),
            expires_at,
            about: None,
        }
    }

    pub(super) fn works(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Which of a grant's two kinds of token was presented.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
}

/// What a person decides on the consent page beside the permissions.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selection {
    /// The assets that were ticked; `None`: all.
    pub(crate) assets: Option<Vec<String>>,
    /// The permissions that were asked for and unticked.
    #[serde(with = "scope_text")]
    pub(crate) declined: ScopeSet,
    pub(crate) consented_at: Timestamp,
}

impl Selection {
    /// Whether this asset may be used.
    pub(crate) fn has(&self, asset: &str) -> bool {
        self.assets
            .as_ref()
            .is_none_or(|some| some.iter().any(|id| id == asset))
    }
}

/// Why a token stopped working before its time, or at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    AppRemoved,
    Checkpoint,
    PasswordChanged,
    Expired,
    Unconfirmed,
    SessionInvalid,
    RoleLost,
}

/// What is known of a token beside its grant.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    pub(super) kind: String,
    pub(super) issued_at: Timestamp,
}

/// Scopes as one text, divided by spaces.
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
