//! The file `evergrant.toml`. All faults are reported with their line; unknown keys are faults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::key;
use super::value::{Setting, Value};
use crate::failure::Problems;

/// Name of the section with the settings of providers.
pub(super) const PLATFORMS: &str = "platforms";
/// Name of the table of custom providers, which the adapters read.
const PROVIDERS: &str = "providers";

struct Entry {
    value: Value,
    /// Line in the file, from 1.
    line: usize,
}

/// The parsed file. Without `Debug`, because it may contain secrets.
#[derive(Default)]
pub(super) struct File {
    path: PathBuf,
    text: String,
    /// By section and key.
    entries: BTreeMap<(String, String), Entry>,
}

impl File {
    /// Parses `text`. Faults are added to `problems`, each with its line.
    pub(super) fn parse(path: &Path, text: String, problems: &mut Problems) -> Self {
        let mut file = Self {
            path: path.to_owned(),
            text: String::new(),
            entries: BTreeMap::new(),
        };
        let (document, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            problems.add(
                file.message_at(&text, at, error.message()),
                "see https://toml.io for the syntax",
            );
        }
        if errors.is_empty() {
            for (section, value) in document.get_ref() {
                file.read_section(
                    &text,
                    section.get_ref(),
                    section.span().start,
                    value.get_ref(),
                    problems,
                );
            }
            file.text = text;
        }
        file
    }

    /// Returns the setting of a key.
    pub(super) fn get(&self, section: &str, name: &str) -> Option<Setting> {
        let entry = self.entries.get(&(section.to_owned(), name.to_owned()))?;
        let name = format!(
            "{}, line {}: {section}.{name}",
            self.path.display(),
            entry.line
        );
        Some(Setting {
            value: entry.value.clone(),
            name,
        })
    }

    /// Returns the keys of a section with their settings.
    pub(super) fn section_settings<'a>(
        &'a self,
        section: &'a str,
    ) -> impl Iterator<Item = (&'a str, Setting)> {
        let keys = self.entries.keys().filter(move |(of, _)| of == section);
        keys.filter_map(|(of, name)| Some((name.as_str(), self.get(of, name)?)))
    }

    /// Returns the text of the file; empty if it is not valid TOML.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn read_section(
        &mut self,
        text: &str,
        name: &str,
        at: usize,
        value: &DeValue<'_>,
        problems: &mut Problems,
    ) {
        if name == PROVIDERS {
            return;
        }
        let keys = keys_of(name);
        if keys.is_empty() && name != PLATFORMS {
            let message = format_args!("unknown section or key `{name}`");
            return problems.add(
                self.message_at(text, at, message),
                format!("the sections are: {}", section_names().join(", ")),
            );
        }
        let DeValue::Table(table) = value else {
            let message = format_args!("`{name}` must be a section");
            return problems.add(
                self.message_at(text, at, message),
                format!("write [{name}] on its own line"),
            );
        };
        for (key, value) in table {
            let (key, at) = (key.get_ref(), key.span().start);
            self.read_entry(text, (name, &keys), (key, at), value.get_ref(), problems);
        }
    }

    fn read_entry(
        &mut self,
        text: &str,
        (section, known): (&str, &[&str]),
        (key, at): (&str, usize),
        value: &DeValue<'_>,
        problems: &mut Problems,
    ) {
        if section != PLATFORMS && !known.contains(&key) {
            let message = format_args!("[{section}] has no key `{key}`");
            return problems.add(
                self.message_at(text, at, message),
                format!("the keys of the section are: {}", known.join(", ")),
            );
        }
        let Some(value) = plain_value(value) else {
            let message = format_args!(
                "`{key}` must be a string, an integer, a boolean or a list of strings"
            );
            return problems.add(
                self.message_at(text, at, message),
                format!("write it as {key} = \"…\""),
            );
        };
        self.entries.insert(
            (section.to_owned(), key.to_owned()),
            Entry {
                value,
                line: line_of(text, at),
            },
        );
    }

    /// Prefixes a message with the path and the line of the byte offset `at`.
    fn message_at(&self, text: &str, at: usize, message: impl std::fmt::Display) -> String {
        format!(
            "{}, line {}: {message}",
            self.path.display(),
            line_of(text, at)
        )
    }
}

/// Returns the known keys of a section; empty if the section is unknown.
fn keys_of(section: &str) -> Vec<&'static str> {
    key::ALL
        .iter()
        .filter(|key| key.section == section)
        .map(|key| key.name)
        .collect()
}

fn section_names() -> Vec<&'static str> {
    let mut names: Vec<_> = key::ALL.iter().map(|key| key.section).collect();
    names.dedup();
    names.extend([PLATFORMS, "providers.NAME"]);
    names
}

fn plain_value(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Integer(number) => Some(Value::Text(number.to_string())),
        DeValue::Boolean(boolean) => Some(Value::Text(boolean.to_string())),
        DeValue::Array(items) => {
            let texts = items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Value::List)
        }
        _ => None,
    }
}

/// Returns the line, from 1, of the byte offset `at`.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
