//! The section `[database]`: the database of users, connections and API keys.

use super::{Sources, key};
use crate::failure::Problems;

/// How the database is reached. Without `Debug`, because the URLs may contain a password.
pub(crate) struct DatabaseUrls {
    /// `sqlite://PATH` or `postgres://…`.
    pub(crate) url: String,
    /// The PostgreSQL server itself, if `url` leads through a connection pooler.
    pub(crate) direct: Option<String>,
}

/// The database. Without a derived `Debug`, because the URL may contain a password.
pub(crate) struct Database {
    /// `sqlite://PATH` or `postgres://…`; `None` if not set.
    pub(crate) url: Option<String>,
    /// The PostgreSQL server itself, if `url` leads through a connection pooler; `None` if not set.
    pub(crate) direct_url: Option<String>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    pub(crate) fn read(sources: &Sources) -> Self {
        let text = |key| sources.get(key).map(|setting| setting.text());
        Self {
            url: text(&key::DATABASE_URL),
            direct_url: text(&key::DATABASE_DIRECT_URL),
        }
    }

    /// Returns the URLs; `None` if the first is not set.
    pub(crate) fn urls(&self) -> Option<DatabaseUrls> {
        self.url.clone().map(|url| DatabaseUrls {
            url,
            direct: self.direct_url.clone(),
        })
    }

    /// Returns the URLs. If the first is not set, adds a problem and returns an empty string for
    /// it.
    pub(crate) fn required(&self, problems: &mut Problems) -> DatabaseUrls {
        if self.url.is_none() {
            let remedy = "set it to sqlite:///var/lib/evergrant/evergrant.db or postgres://user:password@host/database";
            problems.add("DATABASE_URL is not set", remedy);
        }
        self.urls().unwrap_or_else(|| DatabaseUrls {
            url: String::new(),
            direct: None,
        })
    }
}
