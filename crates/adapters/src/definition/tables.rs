//! A definition after validation against the schema.

use std::collections::BTreeMap;

use evergrant_model::{ClientSecret, StatusReason};
use serde::{Deserialize, Deserializer};

use super::account::AccountTable;
use super::enums::{
    AccessTokenIn, CallKind, ClientAuth, ClientPart, ErrorCodes, TokenKind, TokenRequest,
};
use crate::{ErrorClass, Pkce, RevocationReach};

/// The exchange of an access token for another one, at a provider without refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct AccessTokenGrant {
    /// Default: the token endpoint.
    pub(crate) url: Option<String>,
    pub(crate) grant_type: String,
    /// The parameter that carries the access token. Default: `access_token`.
    #[serde(default = "token_param")]
    pub(crate) token_param: String,
    /// The client credentials to send. Default: none.
    #[serde(default)]
    pub(crate) client: Vec<ClientPart>,
}

/// A scope, with its description for users if the definition has one.
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

/// A provider-specific classification of an error response.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ErrorRule {
    /// The call to which the rule applies. Default: every call.
    pub(crate) on: Option<CallKind>,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    /// JSON pointer to the value that must equal `code`. Default: the response's error code.
    pub(crate) code_at: Option<String>,
    /// Text that the response must contain, in any case.
    pub(crate) text: Option<String>,
    pub(crate) class: ErrorClass,
    #[serde(default, deserialize_with = "reason")]
    pub(crate) reason: Option<StatusReason>,
    /// Whether a second attempt must confirm the response.
    #[serde(default)]
    pub(crate) confirm: bool,
}

/// A valid definition. README.md documents each key.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) authorization_url: String,
    pub(crate) token_url: String,
    pub(crate) revocation_url: Option<String>,
    pub(crate) userinfo_url: String,
    pub(crate) client_id: Option<String>,
    pub(crate) client_id_env: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) client_secret_env: Option<String>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) pkce: Pkce,
    pub(crate) authorize_params: BTreeMap<String, String>,
    pub(crate) issuer: Option<String>,
    /// For each scope, the other names under which the provider grants it.
    pub(crate) scope_aliases: BTreeMap<String, OneOrMany>,
    pub(crate) scopes_not_returned: Vec<String>,
    /// The callback parameter with the granted scopes. Default: `scope`.
    pub(crate) callback_scope: Option<String>,
    pub(crate) denial_codes: Vec<String>,
    pub(crate) expiry: ExpiryTable,
    /// In seconds.
    pub(crate) refresh_timeout: Option<i64>,
    pub(crate) allow_insecure: bool,
    pub(crate) endpoints: EndpointTable,
    pub(crate) client: ClientTable,
    pub(crate) tokens: TokenTable,
    pub(crate) account: AccountTable,
    pub(crate) revocation: RevocationTable,
    pub(crate) errors: ErrorTable,
}

impl Definition {
    /// Returns whether the account's owner pastes session credentials.
    pub(crate) fn uses_session_credentials(&self) -> bool {
        self.kind.is_some()
    }
}

/// One text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// The `expiry` table: JSON pointers to the lifetimes in a token response. Without a pointer, the
/// usual members are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ExpiryTable {
    /// The lifetime of the access token, in seconds.
    pub(crate) seconds: Option<String>,
    /// When the access token expires: a date of RFC 3339, or a Unix time.
    pub(crate) at: Option<String>,
    /// The lifetime of the refresh token, in seconds.
    pub(crate) refresh_seconds: Option<String>,
}

/// The `endpoints` table: hosts, and how requests and responses are formed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointTable {
    pub(crate) hosts: BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) access_token_in: AccessTokenIn,
    pub(crate) userinfo_fields: BTreeMap<String, Vec<String>>,
    pub(crate) unwrap: Option<String>,
    /// For session credentials: the setting with the URL that checks a session.
    pub(crate) userinfo_url_env: Option<String>,
    /// For session credentials: the page on which the account's owner signs in.
    pub(crate) sign_in_url: Option<String>,
    /// The setting that overrides `sign_in_url`.
    pub(crate) sign_in_url_env: Option<String>,
}

/// The `client` table: how the client identifies itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct ClientTable {
    pub(crate) id_param: String,
    pub(crate) user_agent: Option<String>,
    pub(crate) user_agent_env: Option<String>,
    pub(crate) pkce_env: Option<String>,
    pub(crate) scope_separator: String,
    /// For session credentials: the setting that must be `true`.
    pub(crate) enabled_env: Option<String>,
}

impl Default for ClientTable {
    fn default() -> Self {
        Self {
            id_param: "client_id".to_owned(),
            user_agent: None,
            user_agent_env: None,
            pkce_env: None,
            scope_separator: " ".to_owned(),
            enabled_env: None,
        }
    }
}

/// The `tokens` table: how tokens are exchanged and refreshed.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct TokenTable {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) request: TokenRequest,
    pub(crate) scope_field: String,
    pub(crate) long_lived_exchange: Option<AccessTokenGrant>,
    pub(crate) refresh_exchange: Option<AccessTokenGrant>,
    pub(crate) default_lifetime_seconds: Option<i64>,
    pub(crate) refresh: bool,
    pub(crate) refresh_ahead_seconds: Option<i64>,
    pub(crate) refresh_at_percent: Option<i64>,
    pub(crate) refresh_not_before_seconds: i64,
    pub(crate) rotates_refresh_token: bool,
    pub(crate) replay_window_seconds: i64,
}

impl Default for TokenTable {
    fn default() -> Self {
        Self {
            kind: None,
            request: TokenRequest::default(),
            scope_field: "scope".to_owned(),
            long_lived_exchange: None,
            refresh_exchange: None,
            default_lifetime_seconds: None,
            refresh: true,
            refresh_ahead_seconds: None,
            refresh_at_percent: None,
            refresh_not_before_seconds: 0,
            rotates_refresh_token: true,
            replay_window_seconds: 0,
        }
    }
}

/// The `revocation` table: how a grant is revoked.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct RevocationTable {
    pub(crate) tokens: Vec<TokenKind>,
    pub(crate) reach: RevocationReach,
    pub(crate) person_key: Option<String>,
}

impl Default for RevocationTable {
    fn default() -> Self {
        let (reach, person_key) = (RevocationReach::default(), None);
        Self {
            tokens: vec![TokenKind::Refresh, TokenKind::Access],
            reach,
            person_key,
        }
    }
}

/// The `errors` table: how error responses are classified.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "ErrorKeys")]
pub(crate) struct ErrorTable {
    pub(crate) codes: ErrorCodes,
    pub(crate) rules: Vec<ErrorRule>,
}

/// The `errors` table, or its short form: a list of rules.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorKeys {
    Rules(Vec<ErrorRule>),
    Table {
        #[serde(default)]
        codes: ErrorCodes,
        #[serde(default)]
        rules: Vec<ErrorRule>,
    },
}

impl From<ErrorKeys> for ErrorTable {
    fn from(keys: ErrorKeys) -> Self {
        match keys {
            ErrorKeys::Rules(rules) => Self {
                codes: ErrorCodes::default(),
                rules,
            },
            ErrorKeys::Table { codes, rules } => Self { codes, rules },
        }
    }
}

fn token_param() -> String {
    "access_token".to_owned()
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ClientSecret>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(ClientSecret::new(text)))
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StatusReason>, D::Error> {
    let word = String::deserialize(deserializer)?;
    StatusReason::parse(&word)
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom("not a reason"))
}
