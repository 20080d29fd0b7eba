//! How sessions of a server are opened: directly, or through a connection pooler.
//!
//! A pooler in transaction mode gives each transaction another session of the server. What a
//! session is set to at its start is lost, and so are prepared statements. So through a pooler each
//! statement runs in an explicit transaction that sets its limits first, and is not given a name.
//! See `docs/decisions/0033-connection-poolers.md`.

use sqlx::postgres::PgConnectOptions;

use crate::db::postgres::limits::{LIMITS, MIGRATION_LIMITS};
use crate::db::postgres::pooler_options::through_pooler;
use crate::db::postgres::servers::Servers;

/// The way to a server.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    servers: Servers,
    /// The settings of each session.
    settings: Vec<(&'static str, String)>,
    /// The statements that begin a transaction through a pooler; `None` for a direct route.
    begin: Option<String>,
}

impl Route {
    /// Creates a route to one of the servers, with these settings.
    pub(crate) fn new(
        servers: Servers,
        settings: Vec<(&'static str, String)>,
        is_pooled: bool,
    ) -> Self {
        let begin = is_pooled.then(|| begin_with(&settings));
        Self {
            servers,
            settings,
            begin,
        }
    }

    /// Returns the servers to which the route may lead.
    pub(super) fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Returns whether a pooler may give each transaction another session.
    pub(crate) fn is_pooled(&self) -> bool {
        self.begin.is_some()
    }

    /// Returns the statements that begin a transaction through a pooler; `None` for a direct route.
    /// Their first row has the columns `pid` and `started_at`.
    pub(super) fn pooled_begin(&self) -> Option<&str> {
        self.begin.as_deref()
    }

    /// Returns the options of a session for requests and jobs.
    pub(super) fn session_options(&self) -> PgConnectOptions {
        if self.is_pooled() {
            return through_pooler(self.servers.current());
        }
        self.servers
            .current()
            .options(self.settings.iter().map(|(name, value)| (*name, value)))
            .options(LIMITS)
    }

    /// Returns the options of the session of a migration, which sets its limits itself.
    pub(super) fn migration_options(&self) -> PgConnectOptions {
        through_pooler(self.servers.current())
    }

    /// Returns the statements that begin a transaction that only reads, on a session without
    /// settings.
    pub(crate) fn inspection_begin(&self) -> String {
        let set = set_local(&self.settings, &LIMITS);
        format!("BEGIN READ ONLY; SELECT {set}")
    }

    /// Returns the statements that begin the transaction of a migration.
    pub(super) fn migration_begin(&self) -> String {
        format!(
            "BEGIN; SELECT {}",
            set_local(&self.settings, &MIGRATION_LIMITS)
        )
    }
}

/// Returns the statements that begin a transaction with settings and limits.
fn begin_with(settings: &[(&'static str, String)]) -> String {
    format!(
        "BEGIN; SELECT pid, extract(epoch from xact_start)::text AS started_at, {}
        FROM pg_stat_get_activity(pg_backend_pid())",
        set_local(settings, &LIMITS)
    )
}

/// Returns expressions that set these settings until the end of the transaction. SET LOCAL would
/// quote the value of `search_path` again.
fn set_local(settings: &[(&'static str, String)], limits: &[(&str, &str)]) -> String {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    let all = settings.chain(limits.iter().copied());
    let set = all.map(|(name, value)| format!("set_config('{name}', {}, true)", literal(value)));
    set.collect::<Vec<_>>().join(", ")
}

/// Returns a string as a literal of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transaction_through_a_pooler_sets_every_limit() {
        let settings = vec![("search_path", "\"it's\"".to_owned())];
        let begin = begin_with(&settings);
        assert!(
            begin.contains("set_config('search_path', '\"it''s\"', true)"),
            "{begin}"
        );
        for (name, value) in LIMITS {
            let set = format!("set_config('{name}', '{value}', true)");
            assert!(begin.contains(&set), "{begin}");
        }
    }
}
