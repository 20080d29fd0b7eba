//! `[database]`: where users, connections and keys are.

use super::{Sources, key};
use crate::failure::Problems;

/// Where the database is. Its address may hold a password.
pub(crate) struct Database {
    /// `sqlite://PATH` or `postgres://…`; `None` where nothing is set.
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
            url: sources.given(&key::DATABASE_URL).map(|given| given.text()),
        }
    }

    /// The address; a missing one is noted.
    pub(crate) fn required(&self, problems: &mut Problems) -> String {
        if self.url.is_none() {
            let remedy = "set it to sqlite:///var/lib/evergrant/evergrant.db or postgres://user:password@host/database";
            problems.add("DATABASE_URL is not set", remedy);
        }
        self.url.clone().unwrap_or_default()
    }
}
