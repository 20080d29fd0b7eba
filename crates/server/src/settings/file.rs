//! `evergrant.toml`: read leniently enough to name every fault with its line, and strictly enough
//! that no misspelt key is ignored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::key;
use super::value::{Given, Value};
use crate::failure::Problems;

/// The section of the platforms' own settings.
pub(super) const PLATFORMS: &str = "platforms";
/// The sections of the operator's own platforms, which the adapters read.
const PROVIDERS: &str = "providers";

struct Entry {
    value: Value,
    line: usize,
}

/// The file, taken apart. Without `Debug`: it may hold secrets.
#[derive(Default)]
pub(super) struct File {
    path: PathBuf,
    text: String,
    entries: BTreeMap<(String, String), Entry>,
}

impl File {
    /// Takes `text` apart; faults are noted with their lines.
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
                file.place(&text, at, error.message()),
                "see https://toml.io for the form",
            );
        }
        if errors.is_empty() {
            for (section, table) in document.get_ref() {
                file.section(
                    &text,
                    section.get_ref(),
                    section.span().start,
                    table.get_ref(),
                    problems,
                );
            }
            file.text = text;
        }
        file
    }

    /// What the file says for a key.
    pub(super) fn given(&self, section: &str, name: &str) -> Option<Given> {
        let entry = self.entries.get(&(section.to_owned(), name.to_owned()))?;
        let name = format!(
            "{}, line {}: {section}.{name}",
            self.path.display(),
            entry.line
        );
        Some(Given {
            value: entry.value.clone(),
            name,
        })
    }

    /// Every key of a section with its value and the name to call it by.
    pub(super) fn all_of<'a>(&'a self, section: &'a str) -> impl Iterator<Item = (&'a str, Given)> {
        let keys = self.entries.keys().filter(move |(of, _)| of == section);
        keys.filter_map(|(of, name)| Some((name.as_str(), self.given(of, name)?)))
    }

    /// The whole text; empty where it is no TOML.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn section(
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
        let keys: Vec<_> = key::ALL
            .iter()
            .filter(|key| key.section == name)
            .map(|key| key.name)
            .collect();
        if keys.is_empty() && name != PLATFORMS {
            let mut known: Vec<_> = key::ALL.iter().map(|key| key.section).collect();
            known.dedup();
            known.extend([PLATFORMS, "providers.NAME"]);
            let what = self.place(
                text,
                at,
                format_args!("there is no section or key `{name}`"),
            );
            return problems.add(what, format!("the sections are: {}", known.join(", ")));
        }
        let DeValue::Table(table) = value else {
            let what = self.place(text, at, format_args!("`{name}` is a section"));
            return problems.add(what, format!("write [{name}] on a line of its own"));
        };
        for (key, value) in table {
            self.entry(
                text,
                name,
                &keys,
                (key.get_ref(), key.span().start),
                value.get_ref(),
                problems,
            );
        }
    }

    fn entry(
        &mut self,
        text: &str,
        section: &str,
        known: &[&str],
        (key, at): (&str, usize),
        value: &DeValue<'_>,
        problems: &mut Problems,
    ) {
        if section != PLATFORMS && !known.contains(&key) {
            let what = self.place(text, at, format_args!("[{section}] has no key `{key}`"));
            return problems.add(what, format!("its keys are: {}", known.join(", ")));
        }
        let Some(value) = plain(value) else {
            let what = self.place(
                text,
                at,
                format_args!("`{key}` is neither a text, a number nor a list of texts"),
            );
            return problems.add(what, format!("write it as {key} = \"…\""));
        };
        self.entries.insert(
            (section.to_owned(), key.to_owned()),
            Entry {
                value,
                line: line_of(text, at),
            },
        );
    }

    fn place(&self, text: &str, at: usize, what: impl std::fmt::Display) -> String {
        format!(
            "{}, line {}: {what}",
            self.path.display(),
            line_of(text, at)
        )
    }
}

fn plain(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Integer(number) => Some(Value::Text(number.to_string())),
        DeValue::Boolean(truth) => Some(Value::Text(truth.to_string())),
        DeValue::Array(items) => {
            let texts = items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Value::List)
        }
        _ => None,
    }
}

/// The line, from 1, in which the byte `at` stands.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
