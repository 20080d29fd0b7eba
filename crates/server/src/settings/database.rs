//! The section `[database]`: the database of users, connections and API keys.

use super::{Sources, key};
use crate::failure::Problems;

/// The database. Without a derived `Debug`, because the URL may contain a password.
pub(crate) struct Database {
    /// `sqlite://PATH` or `postgres://…`; `None` if not set.
    pub(crate) url: Option<String>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    pub(crate) fn read(sources: &Sources) -> Self {
        Self {
            url: sources
                .get(&key::DATABASE_URL)
                .map(|setting| setting.text()),
        }
    }

    /// Returns the URL. If it is not set, adds a problem and returns an empty string.
    pub(crate) fn required(&self, problems: &mut Problems) -> String {
        if self.url.is_none() {
            let remedy = "set it to sqlite:///var/lib/evergrant/evergrant.db or postgres://user:password@host/database";
            problems.add("DATABASE_URL is not set", remedy);
        }
        self.url.clone().unwrap_or_default()
    }
}
