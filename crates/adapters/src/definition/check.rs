//! Validates a TOML document against the schema and reports every fault with its position, not only
//! the first.

use std::collections::BTreeMap;

use evergrant_model::ProviderSlug;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::catalogue;
use super::custom::CustomProvider;
use super::fault::{DefinitionFault, suggestion};
use super::moved_keys::current_key;
use super::position::Position;
use super::schema::{FIELDS, Field, Kind, SESSION_FIELDS};
use super::tables::Definition;

/// Parses the `[providers.*]` sections of an `evergrant.toml`, sorted by name. Other sections are
/// ignored.
///
/// # Errors
///
/// Every fault, sorted by position. [`crate::Registry::new`] checks later whether the hosts may be
/// called, since that depends on the network policy.
pub fn parse_providers(toml_text: &str) -> Result<Vec<CustomProvider>, Vec<DefinitionFault>> {
    let document = document(toml_text)?;
    let mut validator = Validator::new(toml_text);
    let mut providers = Vec::new();
    if let Some(sections) = document.get("providers") {
        match sections.get_ref() {
            DeValue::Table(sections) => providers = validator.sections(sections),
            _ => validator.fault(
                sections.span().start,
                "`providers` must be a table of sections",
            ),
        }
    }
    validator.finish(providers)
}

/// Parses a file of the catalogue, which is a section without its header.
pub(crate) fn read_file(toml_text: &str) -> Result<Definition, Vec<DefinitionFault>> {
    let document = document(toml_text)?;
    let mut validator = Validator::new(toml_text);
    let fields = if document.contains_key("kind") {
        SESSION_FIELDS
    } else {
        FIELDS
    };
    let definition = validator.definition(0, &DeValue::Table(document), fields);
    validator
        .finish(definition)
        .and_then(|definition| definition.ok_or_else(Vec::new))
}

/// Parses TOML and reports every syntax error.
fn document(text: &str) -> Result<DeTable<'_>, Vec<DefinitionFault>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(document.into_inner());
    }
    let mut validator = Validator::new(text);
    for error in errors {
        validator.fault(error.span().map_or(0, |span| span.start), error.message());
    }
    validator.finish(DeTable::new())
}

/// Collects the faults of one document. Offsets (`at`) are bytes of its text.
pub(super) struct Validator<'t> {
    text: &'t str,
    faults: Vec<DefinitionFault>,
}

impl<'t> Validator<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            faults: Vec::new(),
        }
    }

    pub(super) fn fault(&mut self, offset: usize, message: impl Into<String>) {
        let Position { line, column } = Position::of(self.text, offset);
        self.faults.push(DefinitionFault {
            line,
            column,
            message: message.into(),
        });
    }

    /// Returns `value` if there are no faults.
    fn finish<T>(mut self, value: T) -> Result<T, Vec<DefinitionFault>> {
        self.faults.sort();
        if self.faults.is_empty() {
            Ok(value)
        } else {
            Err(self.faults)
        }
    }

    fn sections(&mut self, sections: &DeTable<'_>) -> Vec<CustomProvider> {
        let mut providers = Vec::new();
        for (key, section) in sections {
            let at = key.span().start;
            let slug = self.slug(at, key.get_ref());
            let definition = self.definition(at, section.get_ref(), FIELDS);
            if let (Some(slug), Some(definition), Some(table)) =
                (slug, definition, section.get_ref().as_table())
            {
                providers.push(CustomProvider {
                    slug,
                    definition,
                    positions: self.positions(at, table),
                });
            }
        }
        providers
    }

    fn slug(&mut self, at: usize, text: &str) -> Option<ProviderSlug> {
        match ProviderSlug::new(text) {
            Ok(slug) if catalogue::has(&slug) => {
                self.fault(
                    at,
                    format!("`{slug}` is a provider of the catalogue; choose another name"),
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

    /// Returns the position of each value by the path of its key, and that of the section by `""`.
    fn positions(&self, at: usize, table: &DeTable<'_>) -> BTreeMap<String, Position> {
        let mut positions = BTreeMap::from([(String::new(), Position::of(self.text, at))]);
        self.add_positions("", table, &mut positions);
        positions
    }

    fn add_positions(
        &self,
        path: &str,
        table: &DeTable<'_>,
        positions: &mut BTreeMap<String, Position>,
    ) {
        for (key, value) in table {
            let path = join(path, key.get_ref());
            if let DeValue::Table(table) = value.get_ref() {
                self.add_positions(&path, table, positions);
            }
            positions.insert(path, Position::of(self.text, value.span().start));
        }
    }

    /// Returns the definition if its section has no faults.
    fn definition(
        &mut self,
        at: usize,
        section: &DeValue<'_>,
        fields: &[Field],
    ) -> Option<Definition> {
        let faults_before = self.faults.len();
        let DeValue::Table(table) = section else {
            self.fault(at, "a provider must be a table");
            return None;
        };
        self.table(at, "", table, fields);
        self.check_account_pointers(table);
        self.check_error_rules(table);
        if fields.iter().any(|field| field.name == "client_id") {
            self.check_exclusive_keys(at, table);
            self.check_client_id_param(table);
            self.check_authorization_request(table);
            self.check_placeholders(table);
        }
        if self.faults.len() > faults_before {
            return None;
        }
        let section = Spanned::new(at..at, section.clone());
        match Definition::deserialize(ValueDeserializer::from(section)) {
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
                let path = join(path, name);
                let hint = unknown_key_hint(name, fields);
                self.fault(key.span().start, format!("unknown key `{path}`{hint}"));
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
                self.map(path, table, kind, reserved);
            }
            (Kind::List(kind) | Kind::OneOrMany(kind), DeValue::Array(list)) => {
                for item in list {
                    self.value(path, item, kind);
                }
            }
            (Kind::ShortOr(short @ Kind::List(_), _), DeValue::Array(_))
            | (Kind::ShortOr(short, _) | Kind::OneOrMany(short), DeValue::String(_)) => {
                self.value(path, value, short);
            }
            (Kind::Boolean, DeValue::Boolean(_)) => {}
            (Kind::Integer(min, max), DeValue::Integer(number)) => {
                let is_in_range = i64::from_str_radix(number.as_str(), number.radix())
                    .is_ok_and(|number| (*min..=*max).contains(&number));
                if !is_in_range {
                    self.fault(at, format!("`{path}` must be between {min} and {max}"));
                }
            }
            (kind, DeValue::String(text)) => self.text(at, path, text, kind),
            (kind, other) => self.wrong_type(at, path, kind, other.type_str()),
        }
    }

    fn wrong_type(&mut self, at: usize, path: &str, kind: &Kind, found: &str) {
        let article = if found.starts_with(['a', 'i']) {
            "an"
        } else {
            "a"
        };
        let expectation = kind.expectation();
        self.fault(
            at,
            format!("`{path}` must be {expectation}, not {article} {found}"),
        );
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
            Kind::OneOf(words) => suggestion(text, words.iter().copied()),
            _ => String::new(),
        };
        self.fault(at, format!("`{path}` must be {}{hint}", kind.expectation()));
    }
}

/// Returns the current name of a key of earlier versions, or else a similar key of `fields`.
fn unknown_key_hint(name: &str, fields: &[Field]) -> String {
    current_key(name).map_or_else(
        || suggestion(name, fields.iter().map(|field| field.name)),
        |key| format!("; it is now `{key}`; scripts/convert-provider-toml converts the whole file"),
    )
}

/// Returns the path of the key `name` in the table at `path`.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
