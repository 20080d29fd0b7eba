//! The address of a SQLite file: `sqlite://PATH`.

use std::path::{Path, PathBuf};

use super::refusal::{WITHOUT_EFFECT, invalid, unsupported};
use super::url_parts::parameters_of;
use crate::StoreError;

/// The path of a SQLite file, and whether it may be created.
#[derive(Debug, Clone)]
pub(crate) struct SqliteAddress {
    pub(crate) path: PathBuf,
    /// Whether the file is created if it does not exist: `mode=rwc`, the default.
    pub(crate) may_create: bool,
    pub(super) without_effect: Vec<String>,
}

impl SqliteAddress {
    /// Returns the address of an existing file.
    pub(crate) fn existing(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            may_create: false,
            without_effect: Vec::new(),
        }
    }

    /// Parses the part of the URL after `sqlite://`.
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        if path.is_empty() || path == ":memory:" {
            return Err(invalid("sqlite:// must be followed by the path of a file"));
        }
        let mut address = Self {
            path: PathBuf::from(path),
            may_create: true,
            without_effect: Vec::new(),
        };
        for (name, value) in parameters_of(query)? {
            address.set(&name, &value)?;
        }
        Ok(address)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        match (name, value) {
            ("mode", "rwc") => self.may_create = true,
            ("mode", "rw") => self.may_create = false,
            ("mode", _) => {
                return Err(invalid(
                    "the parameter mode must be rwc (the file is created if it does not exist) or rw; the \
                     database must be writable",
                ));
            }
            _ if WITHOUT_EFFECT.contains(&name) => self.without_effect.push(name.to_owned()),
            _ => return Err(unsupported(name, &["mode"])),
        }
        Ok(())
    }
}
