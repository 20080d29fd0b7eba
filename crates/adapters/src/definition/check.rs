//! Walks a TOML document along the schema and reports every fault with its place, not just the
//! first.

use std::collections::BTreeMap;

use evergrant_model::ProviderSlug;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::catalogue;
use super::custom::CustomProvider;
use super::fault::{DefinitionFault, suggestion};
use super::moved_keys::new_place;
use super::place::Place;
use super::schema::{EITHER, EITHER_OF_CLIENT, FIELDS, Field, Kind, SESSION_FIELDS};
use super::tables::Definition;
use super::values::{host_name, placeholders};

/// Reads the `[providers.*]` sections of an `evergrant.toml`, in the order of their names; all else
/// in it is ignored.
///
/// # Errors
///
/// Every fault, in the order of their places. Whether a host may be called is asked by
/// [`crate::Registry::new`], which knows the program's policy.
pub fn parse_providers(toml_text: &str) -> Result<Vec<CustomProvider>, Vec<DefinitionFault>> {
    let document = document(toml_text)?;
    let mut walk = Walk {
        text: toml_text,
        faults: Vec::new(),
    };
    let mut found = Vec::new();
    if let Some(sections) = document.get("providers") {
        match sections.get_ref() {
            DeValue::Table(sections) => found = walk.sections(sections),
            _ => walk.fault(
                sections.span().start,
                "`providers` must be a table of sections",
            ),
        }
    }
    walk.finish(found)
}

/// Reads a file of the catalogue, which is a section without its header.
pub(crate) fn read_file(toml_text: &str) -> Result<Definition, Vec<DefinitionFault>> {
    let document = document(toml_text)?;
    let mut walk = Walk {
        text: toml_text,
        faults: Vec::new(),
    };
    let fields = if document.contains_key("kind") {
        SESSION_FIELDS
    } else {
        FIELDS
    };
    let definition = walk.definition(0, &DeValue::Table(document), fields);
    walk.finish(definition)
        .and_then(|definition| definition.ok_or_else(Vec::new))
}

fn document(text: &str) -> Result<DeTable<'_>, Vec<DefinitionFault>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(document.into_inner());
    }
    let mut walk = Walk {
        text,
        faults: Vec::new(),
    };
    for error in errors {
        walk.fault(error.span().map_or(0, |span| span.start), error.message());
    }
    walk.finish(DeTable::new())
}

struct Walk<'t> {
    text: &'t str,
    faults: Vec<DefinitionFault>,
}

impl Walk<'_> {
    fn fault(&mut self, offset: usize, message: impl Into<String>) {
        let Place { line, column } = Place::of(self.text, offset);
        self.faults.push(DefinitionFault {
            line,
            column,
            message: message.into(),
        });
    }

    fn finish<T>(mut self, found: T) -> Result<T, Vec<DefinitionFault>> {
        self.faults.sort();
        if self.faults.is_empty() {
            Ok(found)
        } else {
            Err(self.faults)
        }
    }

    fn sections(&mut self, sections: &DeTable<'_>) -> Vec<CustomProvider> {
        let mut found = Vec::new();
        for (key, section) in sections {
            let at = key.span().start;
            let slug = self.slug(at, key.get_ref());
            let definition = self.definition(at, section.get_ref(), FIELDS);
            if let (Some(slug), Some(definition), Some(table)) =
                (slug, definition, section.get_ref().as_table())
            {
                found.push(CustomProvider {
                    slug,
                    definition,
                    places: self.places(at, table),
                });
            }
        }
        found
    }

    fn slug(&mut self, at: usize, text: &str) -> Option<ProviderSlug> {
        match ProviderSlug::new(text) {
            Ok(slug) if catalogue::has(&slug) => {
                self.fault(
                    at,
                    format!("`{slug}` is a platform of the catalogue; choose another name"),
                );
                None
            }
            Ok(slug) => Some(slug),
            Err(invalid) => {
                self.fault(at, invalid.expectation());
                None
            }
        }
    }

    /// Where each key stands, those of tables by their path; `""` stands for the section.
    fn places(&self, at: usize, table: &DeTable<'_>) -> BTreeMap<String, Place> {
        let mut places = BTreeMap::from([(String::new(), Place::of(self.text, at))]);
        self.add_places("", table, &mut places);
        places
    }

    fn add_places(&self, path: &str, table: &DeTable<'_>, places: &mut BTreeMap<String, Place>) {
        for (key, value) in table {
            let path = join(path, key.get_ref());
            if let DeValue::Table(table) = value.get_ref() {
                self.add_places(&path, table, places);
            }
            places.insert(path, Place::of(self.text, value.span().start));
        }
    }

    /// The definition, if nothing is wrong with it.
    fn definition(
        &mut self,
        at: usize,
        section: &DeValue<'_>,
        fields: &[Field],
    ) -> Option<Definition> {
        let before = self.faults.len();
        let DeValue::Table(table) = section else {
            self.fault(at, "a platform is a table of keys");
            return None;
        };
        self.table(at, "", table, fields);
        self.pointers(table);
        if fields.iter().any(|field| field.name == "client_id") {
            self.pairs(at, table);
            self.client_id_param(table);
            self.placeholders(table);
        }
        if self.faults.len() > before {
            return None;
        }
        let whole = Spanned::new(at..at, section.clone());
        match Definition::deserialize(ValueDeserializer::from(whole)) {
            Ok(definition) => Some(definition),
            Err(error) => {
                self.fault(error.span().map_or(at, |span| span.start), error.message());
                None
            }
        }
    }

    fn table(&mut self, at: usize, path: &str, table: &DeTable<'_>, fields: &[Field]) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if let Some(field) = fields.iter().find(|field| field.name == name) {
                self.value(&join(path, name), value, &field.kind);
            } else {
                let hint = new_place(name).map_or_else(
                    || suggestion(name, fields.iter().map(|field| field.name)),
                    |place| format!("; it is `{place}` now, and scripts/convert-provider-toml moves all keys"),
                );
                self.fault(
                    key.span().start,
                    format!("`{}` is not a key here{hint}", join(path, name)),
                );
            }
        }
        for field in fields
            .iter()
            .filter(|field| field.required && !table.contains_key(field.name))
        {
            self.fault(at, format!("`{}` is missing", join(path, field.name)));
        }
    }

    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>, kind: &Kind) {
        let at = value.span().start;
        match (kind, value.get_ref()) {
            (Kind::Table(fields) | Kind::ShortOr(_, fields), DeValue::Table(table)) => {
                self.table(at, path, table, fields);
            }
            (Kind::Map(kind, reserved), DeValue::Table(table)) => {
                self.map(path, table, kind, reserved)
            }
            (Kind::Each(kind), DeValue::Array(list)) => {
                for item in list {
                    self.value(path, item, kind);
                }
            }
            (Kind::ShortOr(short @ Kind::Each(_), _), DeValue::Array(_))
            | (Kind::ShortOr(short, _), DeValue::String(_)) => self.value(path, value, short),
            (Kind::Flag, DeValue::Boolean(_)) => {}
            (Kind::Number(least, most), DeValue::Integer(number)) => {
                let inside = i64::from_str_radix(number.as_str(), number.radix())
                    .is_ok_and(|n| (*least..=*most).contains(&n));
                if !inside {
                    self.fault(at, format!("`{path}` must be from {least} to {most}"));
                }
            }
            (kind, DeValue::String(text)) => self.text(at, path, text, kind),
            (kind, other) => {
                let article = if other.type_str().starts_with(['a', 'i']) {
                    "an"
                } else {
                    "a"
                };
                self.fault(
                    at,
                    format!(
                        "`{path}` must be {}, not {article} {}",
                        kind.words(),
                        other.type_str()
                    ),
                );
            }
        }
    }

    fn map(&mut self, path: &str, table: &DeTable<'_>, kind: &Kind, reserved: &[&str]) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if reserved.contains(&name) {
                self.fault(
                    key.span().start,
                    format!("`{path}` may not set `{name}`, which Evergrant sets itself"),
                );
            }
            self.value(&join(path, name), value, kind);
        }
    }

    fn text(&mut self, at: usize, path: &str, text: &str, kind: &Kind) {
        if kind.accepts(text) {
            return;
        }
        let hint = match kind {
            Kind::Word(words) => suggestion(text, words.iter().copied()),
            _ => String::new(),
        };
        self.fault(at, format!("`{path}` must be {}{hint}", kind.words()));
    }

    /// A value and the setting that holds it exclude each other; a client needs an id, and a secret
    /// unless it is public.
    fn pairs(&mut self, at: usize, table: &DeTable<'_>) {
        let public = table
            .get("client_auth")
            .and_then(|value| value.get_ref().as_str())
            == Some("none");
        for (plain, env) in EITHER {
            let needed = *plain == "client_id" || (*plain == "client_secret" && !public);
            if needed && !table.contains_key(*plain) && !table.contains_key(*env) {
                self.fault(at, format!("`{plain}` or `{env}` is missing"));
            }
            self.not_both("", table, (plain, env));
        }
        if let Some(client) = inner(table, "client") {
            self.not_both("client", client, EITHER_OF_CLIENT);
        }
    }

    fn not_both(&mut self, path: &str, table: &DeTable<'_>, (plain, env): (&str, &str)) {
        if let (Some((first, _)), Some((second, _))) =
            (table.get_key_value(plain), table.get_key_value(env))
        {
            let later = first.span().start.max(second.span().start);
            self.fault(
                later,
                format!(
                    "give `{}` or `{}`, not both",
                    join(path, plain),
                    join(path, env)
                ),
            );
        }
    }

    /// The parameter with the client's id is the engine's, whatever its name.
    fn client_id_param(&mut self, table: &DeTable<'_>) {
        let own =
            inner(table, "client").and_then(|client| client.get("id_param")?.get_ref().as_str());
        let clash = own.and_then(|own| inner(table, "authorize_params")?.get_key_value(own));
        if let Some((key, _)) = clash {
            self.fault(
                key.span().start,
                "`authorize_params` may not set the client's id",
            );
        }
    }

    /// Pointers into the profile are of no use without the one to the account's id.
    fn pointers(&mut self, table: &DeTable<'_>) {
        let Some(account) = inner(table, "account").filter(|account| !account.contains_key("id"))
        else {
            return;
        };
        if ["username", "display_name", "avatar"]
            .iter()
            .any(|key| account.contains_key(*key))
        {
            let at = table.get("account").map_or(0, |value| value.span().start);
            self.fault(at, "`account.id` is missing");
        }
    }

    /// Each `{NAME}` that begins an address must be one of the hosts, each other one of the
    /// variables.
    fn placeholders(&mut self, table: &DeTable<'_>) {
        let known = |map: &str, name: &str| {
            let map = inner(table, "endpoints").and_then(|endpoints| inner(endpoints, map));
            map.is_some_and(|map| map.contains_key(name))
        };
        let own = table
            .iter()
            .filter(|(key, _)| key.get_ref().ends_with("_url"))
            .map(|(_, value)| value);
        let tokens = inner(table, "tokens");
        let granted = ["long_lived_exchange", "renew"]
            .iter()
            .filter_map(|key| inner(tokens?, key)?.get("url"));
        for value in own.chain(granted) {
            let Some(address) = value.get_ref().as_str() else {
                continue;
            };
            let host = host_name(address);
            if let Some(name) = host.filter(|name| !known("hosts", name)) {
                self.fault(
                    value.span().start,
                    format!("`{name}` is not one of `endpoints.hosts`"),
                );
            }
            for name in placeholders(address)
                .skip(usize::from(host.is_some()))
                .filter(|name| !known("variables", name))
            {
                self.fault(
                    value.span().start,
                    format!("`{name}` is not one of `endpoints.variables`"),
                );
            }
        }
    }
}

/// The table at `key`.
fn inner<'t, 'd>(table: &'t DeTable<'d>, key: &str) -> Option<&'t DeTable<'d>> {
    table.get(key)?.get_ref().as_table()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
