//! The `account` table: how an account is read from a profile.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::enums::FactKind;

/// A JSON pointer to a fact in the profile, with its type. Without a type, any string, number or
/// boolean is accepted.
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

/// JSON pointers to the account's identity in the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountPointers {
    pub(crate) id: String,
    pub(crate) username: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) avatar: Option<String>,
}

impl Default for AccountPointers {
    /// Returns the pointers to the claims of `OpenID` Connect Core §5.1.
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

/// How accounts are read from profiles, and how they are described to users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "AccountKeys")]
pub(crate) struct AccountTable {
    pub(crate) pointers: AccountPointers,
    pub(crate) kind: Option<String>,
    pub(crate) sign_in_with: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) help: Option<String>,
    pub(crate) help_url: Option<String>,
    pub(crate) multi_account: bool,
    pub(crate) metadata: BTreeMap<String, Fact>,
    pub(crate) facts: Vec<String>,
}

/// The table's keys. If `id` is given, pointers that are absent have no default.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AccountKeys {
    id: Option<String>,
    username: Option<String>,
    display_name: Option<String>,
    avatar: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    sign_in_with: Option<String>,
    summary: Option<String>,
    help: Option<String>,
    help_url: Option<String>,
    multi_account: bool,
    metadata: BTreeMap<String, Fact>,
    facts: Vec<String>,
}

impl From<AccountKeys> for AccountTable {
    fn from(keys: AccountKeys) -> Self {
        let AccountKeys {
            id,
            username,
            display_name,
            avatar,
            kind,
            sign_in_with,
            summary,
            help,
            help_url,
            multi_account,
            metadata,
            facts,
        } = keys;
        let pointers = id.map_or_else(AccountPointers::default, |id| AccountPointers {
            id,
            username,
            display_name,
            avatar,
        });
        Self {
            pointers,
            kind,
            sign_in_with,
            summary,
            help,
            help_url,
            multi_account,
            metadata,
            facts,
        }
    }
}
