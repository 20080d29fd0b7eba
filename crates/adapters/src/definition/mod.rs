//! What a platform's TOML says: one schema for the catalogue's files and an operator's `[providers.*]` sections.

mod check;
mod fault;
mod place;
mod schema;

use std::collections::BTreeMap;

use evergrant_model::{ClientSecret, ProviderSlug, StatusReason};
use serde::{Deserialize, Deserializer};

pub use check::parse_providers;
pub(crate) use check::{host_name, read_file};
pub use fault::DefinitionFault;
pub(crate) use place::Place;

use crate::{ErrorClass, Pkce};

/// A platform of the operator's own, well formed; [`crate::Registry::new`] decides whether its hosts may be called.
#[derive(Debug, Clone)]
pub struct CustomProvider {
    pub(crate) slug: ProviderSlug,
    pub(crate) definition: Definition,
    /// Where each top-level key stands, for faults that show only later.
    pub(crate) places: BTreeMap<String, Place>,
}

impl CustomProvider {
    /// The platform's name in routes and rows.
    #[must_use]
    pub fn slug(&self) -> &ProviderSlug {
        &self.slug
    }
}

/// How we prove to the platform which client we are (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientAuth {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the form.
    Post,
    /// Not at all: a public client names itself in the form.
    None,
}

/// Which of a grant's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenKind {
    Refresh,
    Access,
}

/// Which of our four calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Call {
    Exchange,
    Refresh,
    Profile,
    Revoke,
}

/// What a fact must be to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FactKind {
    Text,
    Integer,
    Number,
    Boolean,
}

/// Where a fact of the account stands in the profile, and what it must be; without a type any plain value will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Fact {
    Any(String),
    Typed {
        at: String,
        #[serde(rename = "type")]
        kind: FactKind,
    },
}

/// A scope, with its words where the definition has them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Scope {
    Plain(String),
    Described {
        id: String,
        label: Option<String>,
        #[serde(default)]
        required: bool,
    },
}

/// JSON pointers into the profile.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct AccountPointers {
    pub(crate) id: String,
    pub(crate) username: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) avatar: Option<String>,
}

impl Default for AccountPointers {
    /// The claims of `OpenID` Connect Core §5.1.
    fn default() -> Self {
        let claim = |name: &str| Some(name.to_owned());
        Self {
            id: "/sub".to_owned(),
            username: claim("/preferred_username"),
            display_name: claim("/name"),
            avatar: claim("/picture"),
        }
    }
}

/// A departure of the platform's answers from the common reading.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ErrorRule {
    /// The call that it holds for; every call where absent.
    pub(crate) on: Option<Call>,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    #[serde(deserialize_with = "class")]
    pub(crate) class: ErrorClass,
    #[serde(default, deserialize_with = "reason")]
    pub(crate) reason: Option<StatusReason>,
    /// Whether the answer should be asked for once more before it is believed.
    #[serde(default)]
    pub(crate) confirm: bool,
}

/// A definition whose every key has passed the schema.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own in the file")]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) account_type: Option<String>,
    pub(crate) token_type: Option<String>,
    pub(crate) authorization_url: String,
    pub(crate) token_url: String,
    pub(crate) revocation_url: Option<String>,
    pub(crate) userinfo_url: String,
    pub(crate) hosts: BTreeMap<String, String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_id_env: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) client_secret_env: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) user_agent_env: Option<String>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) client_id_param: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) scope_separator: String,
    pub(crate) pkce: Pkce,
    pub(crate) authorize_params: BTreeMap<String, String>,
    pub(crate) issuer: Option<String>,
    pub(crate) account: AccountPointers,
    pub(crate) metadata: BTreeMap<String, Fact>,
    pub(crate) default_lifetime_seconds: Option<i64>,
    pub(crate) refresh_ahead_seconds: Option<i64>,
    pub(crate) refresh: bool,
    pub(crate) rotates: bool,
    pub(crate) replay_window_seconds: i64,
    pub(crate) multi_account: bool,
    pub(crate) revoke_tokens: Vec<TokenKind>,
    pub(crate) errors: Vec<ErrorRule>,
    pub(crate) allow_insecure: bool,
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            name: String::new(),
            account_type: None,
            token_type: None,
            authorization_url: String::new(),
            token_url: String::new(),
            revocation_url: None,
            userinfo_url: String::new(),
            hosts: BTreeMap::new(),
            client_id: None,
            client_id_env: None,
            client_secret: None,
            client_secret_env: None,
            user_agent: None,
            user_agent_env: None,
            client_auth: ClientAuth::default(),
            client_id_param: "client_id".to_owned(),
            scopes: Vec::new(),
            scope_separator: " ".to_owned(),
            pkce: Pkce::default(),
            authorize_params: BTreeMap::new(),
            issuer: None,
            account: AccountPointers::default(),
            metadata: BTreeMap::new(),
            default_lifetime_seconds: None,
            refresh_ahead_seconds: None,
            refresh: true,
            rotates: true,
            replay_window_seconds: 0,
            multi_account: false,
            revoke_tokens: vec![TokenKind::Refresh, TokenKind::Access],
            errors: Vec::new(),
            allow_insecure: false,
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ClientSecret>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(ClientSecret::new(text)))
}

fn class<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ErrorClass, D::Error> {
    let word = String::deserialize(deserializer)?;
    let known = schema::CLASSES.iter().find(|(name, _)| *name == word);
    known.map(|(_, class)| *class).ok_or_else(|| serde::de::Error::custom("not a class"))
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StatusReason>, D::Error> {
    let word = String::deserialize(deserializer)?;
    StatusReason::parse(&word).map(Some).ok_or_else(|| serde::de::Error::custom("not a reason"))
}
