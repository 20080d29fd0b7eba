//! What a definition holds once it has passed the schema.

use std::collections::BTreeMap;

use evergrant_model::{ClientSecret, StatusReason};
use serde::{Deserialize, Deserializer};

use super::words::{AccessTokenIn, CallKind, ClientAuth, ClientPart, ErrorCodes, FactKind, TokenKind, TokenRequest};
use crate::{ErrorClass, Pkce, RevocationReach};

/// How an access token is exchanged for another one, where the platform gives no refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct AccessTokenGrant {
    /// The token endpoint's where absent.
    pub(crate) url: Option<String>,
    pub(crate) grant_type: String,
    /// The parameter that carries the access token.
    #[serde(default = "token_param")]
    pub(crate) token_param: String,
    #[serde(default)]
    pub(crate) client: Vec<ClientPart>,
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
    pub(crate) on: Option<CallKind>,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) class: ErrorClass,
    #[serde(default, deserialize_with = "reason")]
    pub(crate) reason: Option<StatusReason>,
    /// Whether the answer should be asked for once more before it is believed.
    #[serde(default)]
    pub(crate) confirm: bool,
}

/// A definition whose every key has passed the schema.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default = "Definition::standard")]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own in the file")]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) account_type: Option<String>,
    pub(crate) sign_in_with: Option<String>,
    pub(crate) token_type: Option<String>,
    pub(crate) authorization_url: String,
    pub(crate) token_url: String,
    pub(crate) revocation_url: Option<String>,
    pub(crate) userinfo_url: String,
    pub(crate) hosts: BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, String>,
    /// For a pasted session: the setting that must be `true`.
    pub(crate) enabled_env: Option<String>,
    /// For a pasted session: the setting that holds the address which checks it.
    pub(crate) userinfo_url_env: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_id_env: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) client_secret_env: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) user_agent_env: Option<String>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) client_id_param: String,
    pub(crate) token_request: TokenRequest,
    pub(crate) unwrap: Option<String>,
    #[serde(rename = "lengthen")]
    pub(crate) long_lived_exchange: Option<AccessTokenGrant>,
    pub(crate) renew: Option<AccessTokenGrant>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) scope_separator: String,
    pub(crate) scope_field: String,
    pub(crate) pkce: Pkce,
    pub(crate) pkce_env: Option<String>,
    pub(crate) authorize_params: BTreeMap<String, String>,
    pub(crate) issuer: Option<String>,
    pub(crate) access_token_in: AccessTokenIn,
    pub(crate) userinfo_fields: BTreeMap<String, Vec<String>>,
    pub(crate) account: AccountPointers,
    pub(crate) metadata: BTreeMap<String, Fact>,
    pub(crate) facts: Vec<String>,
    pub(crate) default_lifetime_seconds: Option<i64>,
    pub(crate) refresh_ahead_seconds: Option<i64>,
    pub(crate) refresh_at_percent: Option<i64>,
    pub(crate) refresh_not_before_seconds: i64,
    pub(crate) refresh: bool,
    pub(crate) rotates: bool,
    pub(crate) replay_window_seconds: i64,
    pub(crate) multi_account: bool,
    pub(crate) revoke_tokens: Vec<TokenKind>,
    pub(crate) revocation_reach: RevocationReach,
    pub(crate) person_key: Option<String>,
    pub(crate) error_codes: ErrorCodes,
    pub(crate) errors: Vec<ErrorRule>,
    pub(crate) allow_insecure: bool,
}

impl Definition {
    /// What holds for every key that is not there.
    pub(crate) fn standard() -> Self {
        Self {
            client_id_param: "client_id".to_owned(),
            scope_separator: " ".to_owned(),
            scope_field: "scope".to_owned(),
            refresh: true,
            rotates: true,
            revoke_tokens: vec![TokenKind::Refresh, TokenKind::Access],
            ..Self::default()
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
    StatusReason::parse(&word).map(Some).ok_or_else(|| serde::de::Error::custom("not a reason"))
}
