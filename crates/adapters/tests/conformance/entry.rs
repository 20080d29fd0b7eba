//! A platform's own file, read a second time and by other code than the program's: what it declares
//! is what the suite asks for.

use std::collections::BTreeMap;

use evergrant_model::ProviderSlug;
use serde_json::Value;
use toml::Table;

/// What a fact must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FactType {
    /// Any value that is not itself made of values.
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
            other => panic!("a fact of the type {other}"),
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

/// The file of a platform.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) text: String,
    table: Table,
}

impl Entry {
    /// That of the catalogue.
    pub(crate) fn of(slug: &ProviderSlug) -> Self {
        let path = format!("{}/catalogue/{slug}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let table = text.parse().unwrap();
        Self { text, table }
    }

    /// An operator's own, out of the section that defines it.
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

    /// What stands at a path of keys.
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

    /// The settings without which the platform works in another way.
    pub(crate) fn optional_settings(&self) -> impl Iterator<Item = &str> {
        ["endpoints.userinfo_url_env", "client.pkce_env"]
            .into_iter()
            .filter_map(|key| self.text_at(key))
    }

    /// The setting that holds our secret there, if there is one.
    pub(crate) fn secret_setting(&self) -> Option<&str> {
        self.text_at("client_secret_env")
    }

    /// Our secret, where it is written down in the entry itself.
    pub(crate) fn secret(&self) -> Option<&str> {
        self.text_at("client_secret")
    }

    /// The settings that say where its hosts are.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.at("endpoints.hosts")
            .and_then(|hosts| hosts.as_table())
            .into_iter()
            .flat_map(Table::keys)
            .map(String::as_str)
    }

    /// Each address that is called, `docs` aside.
    pub(crate) fn addresses(&self) -> Vec<&str> {
        let own = self.table.iter().filter(|(key, _)| key.ends_with("_url"));
        let granted = ["tokens.long_lived_exchange", "tokens.renew"]
            .into_iter()
            .filter_map(|grant| self.at(grant)?.get("url"));
        own.map(|(_, address)| address)
            .chain(granted)
            .filter_map(|address| address.as_str())
            .collect()
    }

    pub(crate) fn speaks_graph(&self) -> bool {
        self.text_at("errors.codes") == Some("graph")
    }

    /// Every fact that it promises, with its type; what everybody shows is promised by being
    /// pointed at.
    pub(crate) fn facts(&self) -> BTreeMap<String, FactType> {
        let listed = self
            .at("account.facts")
            .and_then(|facts| facts.as_array())
            .into_iter()
            .flatten();
        let listed = listed
            .filter_map(|name| name.as_str())
            .map(|name| (name.to_owned(), FactType::Plain));
        // Without pointers of its own the claims of OpenID Connect are read.
        let account = self
            .at("account")
            .and_then(|account| account.as_table())
            .filter(|keys| keys.contains_key("id"));
        let shown = [
            ("username", "username"),
            ("display_name", "display_name"),
            ("avatar", "avatar_url"),
        ];
        let shown = shown
            .into_iter()
            .filter(|(key, _)| account.is_none_or(|account| account.contains_key(*key)));
        let shown = shown.map(|(_, name)| (name.to_owned(), FactType::Text));
        let pointed = self
            .at("account.metadata")
            .and_then(|facts| facts.as_table())
            .into_iter()
            .flatten();
        let pointed = pointed.map(|(name, at)| {
            let kind = at.get("type").and_then(|kind| kind.as_str());
            (name.clone(), kind.map_or(FactType::Plain, FactType::named))
        });
        listed.chain(shown).chain(pointed).collect()
    }
}
