//! The sources of settings: the environment, which takes precedence, and the file.

use std::env::VarError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::File;
use super::key::{self, Key};
use super::value::{Setting, Value};
use crate::failure::Problems;

/// Returns the value of an environment variable. Tests pass their own function.
pub(crate) type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Path of the file if `EVERGRANT_CONFIG` is not set.
const DEFAULT_FILE: &str = "evergrant.toml";

/// The environment and the file.
#[derive(Clone)]
pub(crate) struct Sources {
    environment: Arc<Lookup>,
    file: Arc<File>,
}

impl Sources {
    /// Returns the environment of the process, and the file that `EVERGRANT_CONFIG` or the default
    /// names.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the environment is read"
    )]
    pub(crate) fn from_process(problems: &mut Problems) -> Self {
        let names = key::ALL.iter().map(|key| key.env);
        for name in names.chain(key::ENVIRONMENT_ONLY) {
            if matches!(std::env::var(name), Err(VarError::NotUnicode(_))) {
                problems.add(
                    format!("{name} is not valid UTF-8"),
                    "set it to text; a key of random bytes is written in base64",
                );
            }
        }
        let lossy = |name: &str| match std::env::var(name) {
            Ok(value) => Some(value),
            Err(VarError::NotUnicode(value)) => Some(value.to_string_lossy().into_owned()),
            Err(VarError::NotPresent) => None,
        };
        Self::new(Arc::new(lossy), problems)
    }

    fn new(environment: Arc<Lookup>, problems: &mut Problems) -> Self {
        let path = environment(key::CONFIG)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let file = match path {
            Some(path) => read_file(&path, problems),
            None => read_default_file(problems),
        };
        Self {
            environment,
            file: Arc::new(file),
        }
    }

    /// Returns `environment`, and `text` as the content of the default file.
    #[cfg(test)]
    pub(super) fn from_text(environment: Arc<Lookup>, text: &str, problems: &mut Problems) -> Self {
        Self {
            environment,
            file: Arc::new(File::parse(
                Path::new(DEFAULT_FILE),
                text.to_owned(),
                problems,
            )),
        }
    }

    /// Returns the value of an environment variable, which may be empty.
    pub(super) fn environment(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// Returns the setting of `key`. An empty value counts as not set, because compose files and
    /// some shells cannot unset a variable.
    pub(super) fn get(&self, key: &Key) -> Option<Setting> {
        self.get_or_empty(key)
            .filter(|setting| !setting.text().is_empty())
    }

    /// Returns the setting of `key`, whose value may be empty.
    pub(super) fn get_or_empty(&self, key: &Key) -> Option<Setting> {
        let from_environment = || {
            self.environment(key.env).map(|text| Setting {
                value: Value::Text(text),
                name: key.env.to_owned(),
            })
        };
        from_environment().or_else(|| self.file.get(key.section, key.name))
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

fn read_file(path: &Path, problems: &mut Problems) -> File {
    match std::fs::read_to_string(path) {
        Ok(text) => File::parse(path, text, problems),
        Err(error) => {
            problems.add(
                format!("{}: cannot read {}: {error}", key::CONFIG, path.display()),
                "set it to the path of a readable file, or unset it",
            );
            File::default()
        }
    }
}

fn read_default_file(problems: &mut Problems) -> File {
    let path = Path::new(DEFAULT_FILE);
    match std::fs::read_to_string(path) {
        Ok(text) => File::parse(path, text, problems),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => File::default(),
        Err(error) => {
            problems.add(
                format!("cannot read {DEFAULT_FILE}: {error}"),
                "make it readable for this user, or delete it",
            );
            File::default()
        }
    }
}
