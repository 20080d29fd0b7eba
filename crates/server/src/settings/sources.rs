//! Where a setting may come from, and which of two wins.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::File;
use super::key::{self, Key};
use super::value::{Given, Value};
use crate::failure::Problems;

/// A setting's value by its name; the program passes the environment, a test what it likes.
pub(crate) type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The file that is read where `EVERGRANT_CONFIG` names no other.
const USUAL_FILE: &str = "evergrant.toml";

/// The environment over the file.
#[derive(Clone)]
pub(crate) struct Sources {
    environment: Arc<Lookup>,
    file: Arc<File>,
}

impl Sources {
    /// The process's environment and the file that it names, or the one in the working directory.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the environment is read"
    )]
    pub(crate) fn of_process(problems: &mut Problems) -> Self {
        Self::new(Arc::new(|name| std::env::var(name).ok()), problems)
    }

    /// `environment`, and the file that it names or the one in the working directory.
    pub(crate) fn new(environment: Arc<Lookup>, problems: &mut Problems) -> Self {
        let named = environment(key::CONFIG)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let file = match named {
            Some(path) => read_named(&path, problems),
            None => read_usual(problems),
        };
        Self {
            environment,
            file: Arc::new(file),
        }
    }

    /// `environment` over `text` as if that stood in the usual file.
    #[cfg(test)]
    pub(super) fn of_text(environment: Arc<Lookup>, text: &str, problems: &mut Problems) -> Self {
        Self {
            environment,
            file: Arc::new(File::parse(
                Path::new(USUAL_FILE),
                text.to_owned(),
                problems,
            )),
        }
    }

    /// What the environment says, even if that is nothing.
    pub(super) fn environment(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// What was given for `key`. An empty variable counts as none, as in the shells and compose
    /// files that cannot unset one.
    pub(super) fn given(&self, key: &Key) -> Option<Given> {
        self.given_or_empty(key)
            .filter(|given| !given.text().is_empty())
    }

    /// The same where an empty value has a meaning of its own.
    pub(super) fn given_or_empty(&self, key: &Key) -> Option<Given> {
        let from_environment = || {
            self.environment(key.env).map(|text| Given {
                value: Value::Text(text),
                name: key.env.to_owned(),
            })
        };
        from_environment().or_else(|| self.file.given(key.section, key.name))
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

fn read_named(path: &Path, problems: &mut Problems) -> File {
    match std::fs::read_to_string(path) {
        Ok(text) => File::parse(path, text, problems),
        Err(error) => {
            let what = format!(
                "{}: {} cannot be read: {error}",
                key::CONFIG,
                path.display()
            );
            problems.add(what, "name a file that is there, or unset it");
            File::default()
        }
    }
}

fn read_usual(problems: &mut Problems) -> File {
    let path = Path::new(USUAL_FILE);
    match std::fs::read_to_string(path) {
        Ok(text) => File::parse(path, text, problems),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => File::default(),
        Err(error) => {
            problems.add(
                format!("{USUAL_FILE} cannot be read: {error}"),
                "mend it or move it away",
            );
            File::default()
        }
    }
}
