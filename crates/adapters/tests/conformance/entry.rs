//! The definition file of a provider, read independently of the program's own parser. The suite
//! takes its expectations from here.

use std::collections::BTreeMap;

use evergrant_model::ProviderSlug;
use serde_json::Value;
use toml::Table;

/// The declared type of a metadata fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FactType {
    /// Any scalar: text, number or boolean.
    Plain,
    Text,
    Integer,
    Number,
    Boolean,
}

impl FactType {
    fn named(name: &str) -> Self {
        match name {
            "text" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            other => panic!("unknown fact type {other}"),
        }
    }

    pub(crate) fn fits(self, value: &Value) -> bool {
        match self {
            Self::Plain => value.is_string() || value.is_number() || value.is_boolean(),
            Self::Text => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
        }
    }
}

/// A provider's definition.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) text: String,
    table: Table,
}

impl Entry {
    /// Reads the catalogue file.
    pub(crate) fn of(slug: &ProviderSlug) -> Self {
        let path = format!("{}/catalogue/{slug}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let table = text.parse().unwrap();
        Self { text, table }
    }

    /// Reads the `[providers.<slug>]` section of an operator's configuration.
    pub(crate) fn in_section(text: &str, slug: &ProviderSlug) -> Self {
        let section: Table = text.parse().unwrap();
        let table = section["providers"][slug.as_str()]
            .as_table()
            .unwrap()
            .clone();
        Self {
            text: text.to_owned(),
            table,
        }
    }

    /// Returns the value at `key` or `table.key`.
    fn at(&self, path: &str) -> Option<&toml::Value> {
        let (last, tables) = path
            .rsplit_once('.')
            .map_or((path, None), |(tables, last)| (last, Some(tables)));
        let table = tables.map_or(Some(&self.table), |key| self.table.get(key)?.as_table());
        table?.get(last)
    }

    fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// Returns the names of the optional settings that change how the provider behaves.
    pub(crate) fn optional_settings(&self) -> impl Iterator<Item = &str> {
        ["endpoints.userinfo_url_env", "client.pkce_env"]
            .into_iter()
            .filter_map(|key| self.text_at(key))
    }

    /// Returns the name of the setting that holds the client secret, if the entry names one.
    pub(crate) fn secret_setting(&self) -> Option<&str> {
        self.text_at("client_secret_env")
    }

    /// Returns the client secret if the entry itself contains it.
    pub(crate) fn secret(&self) -> Option<&str> {
        self.text_at("client_secret")
    }

    /// Returns the names of the settings that override the hosts.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.at("endpoints.hosts")
            .and_then(|hosts| hosts.as_table())
            .into_iter()
            .flat_map(Table::keys)
            .map(String::as_str)
    }

    /// Returns every URL that is called. The documentation URL is not among them.
    pub(crate) fn urls(&self) -> Vec<&str> {
        let own = self.table.iter().filter(|(key, _)| key.ends_with("_url"));
        let exchanges = ["tokens.long_lived_exchange", "tokens.refresh_exchange"]
            .into_iter()
            .filter_map(|exchange| self.at(exchange)?.get("url"));
        own.map(|(_, url)| url)
            .chain(exchanges)
            .filter_map(|url| url.as_str())
            .collect()
    }

    pub(crate) fn uses_graph_errors(&self) -> bool {
        self.text_at("errors.codes") == Some("graph")
    }

    /// Returns every declared metadata fact with its type: the listed facts, the typed metadata,
    /// and the name and avatar facts whose pointer is set.
    pub(crate) fn facts(&self) -> BTreeMap<String, FactType> {
        let listed = self
            .at("account.facts")
            .and_then(|facts| facts.as_array())
            .into_iter()
            .flatten();
        let listed = listed
            .filter_map(|name| name.as_str())
            .map(|name| (name.to_owned(), FactType::Plain));
        // Without an account id pointer, the OpenID Connect claims are read.
        let account = self
            .at("account")
            .and_then(|account| account.as_table())
            .filter(|keys| keys.contains_key("id"));
        let common = [
            ("username", "username"),
            ("display_name", "display_name"),
            ("avatar", "avatar_url"),
        ];
        let common = common
            .into_iter()
            .filter(|(key, _)| account.is_none_or(|account| account.contains_key(*key)));
        let common = common.map(|(_, name)| (name.to_owned(), FactType::Text));
        let pointed = self
            .at("account.metadata")
            .and_then(|facts| facts.as_table())
            .into_iter()
            .flatten();
        let pointed = pointed.map(|(name, at)| {
            let kind = at.get("type").and_then(|kind| kind.as_str());
            (name.clone(), kind.map_or(FactType::Plain, FactType::named))
        });
        listed.chain(common).chain(pointed).collect()
    }
}
