//! The address of a PostgreSQL database.

use std::fmt::{self, Write};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::refusal::invalid;
use super::tls::Tls;
use crate::StoreError;

/// Name of the connections in `pg_stat_activity`, if the URL does not set it.
const APPLICATION_NAME: &str = "evergrant";

/// One or more servers with the same database, and how to connect to them.
#[derive(Clone)]
pub(crate) struct PostgresAddress {
    /// At least one host, in the order in which they are tried.
    pub(crate) hosts: Vec<Host>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    /// The schema of all tables, as in Prisma's URLs; `None`: that of the server's `search_path`.
    pub(crate) schema: Option<String>,
    pub(super) application_name: Option<String>,
    /// Command-line options of the session, such as `-c work_mem=8MB`.
    pub(super) options: Option<String>,
    pub(crate) tls: Tls,
    pub(crate) target: TargetSession,
    /// Maximum time to connect to one host.
    pub(crate) connect_timeout: Duration,
    pub(super) without_effect: Vec<String>,
}

/// A server: a host name, an IP address, or the folder of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// `None`: the default host, which is a local socket if there is one, else localhost.
    pub(crate) name: Option<String>,
    /// `None`: the default port.
    pub(crate) port: Option<u16>,
}

/// Which of several servers may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TargetSession {
    /// The first that accepts the connection.
    #[default]
    Any,
    /// The first that accepts writes.
    ReadWrite,
    /// The first that is not a standby.
    Primary,
}

/// Shows the hosts only: the other parts are credentials, or may contain them.
impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresAddress")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl Host {
    pub(super) fn new(name: &str, port: Option<u16>) -> Self {
        Self {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            port,
        }
    }
}

impl PostgresAddress {
    /// Returns the options of a connection to `host` with the TLS mode `mode`, without the settings
    /// of [`session_settings`](Self::session_settings).
    pub(crate) fn connect_options(
        &self,
        host: &Host,
        mode: PgSslMode,
    ) -> Result<PgConnectOptions, StoreError> {
        // Only sqlx's own parser of URLs looks up the password file. Its syntax has no lists of
        // hosts and no schema, so it gets a URL with the parts of this host.
        let mut url = String::from("postgres:///?");
        let port = host.port.map(|port| port.to_string());
        let parts = [
            ("host", host.name.as_deref()),
            ("port", port.as_deref()),
            ("dbname", self.database.as_deref()),
            ("user", self.user.as_deref()),
            ("password", self.password.as_deref()),
            ("options", self.options.as_deref()),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                push_parameter(&mut url, name, value);
            }
        }
        let options = PgConnectOptions::from_str(&url)
            .map_err(|_| invalid("the postgres:// URL is malformed"))?;
        let is_socket = options.get_socket().is_some() || options.get_host().starts_with('/');
        let mode = if is_socket { PgSslMode::Disable } else { mode };
        Ok(self
            .with_files(options.ssl_mode(mode))
            .application_name(self.application_name.as_deref().unwrap_or(APPLICATION_NAME)))
    }

    fn with_files(&self, mut options: PgConnectOptions) -> PgConnectOptions {
        if let Some(path) = &self.tls.root_certificate {
            options = options.ssl_root_cert(path);
        }
        if let Some((certificate, key)) = &self.tls.client {
            options = options.ssl_client_cert(certificate).ssl_client_key(key);
        }
        options
    }

    /// Returns the settings that every session must have: name and value.
    pub(crate) fn session_settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("timezone", "UTC".to_owned()),
            ("synchronous_commit", "on".to_owned()),
        ];
        if let Some(schema) = &self.schema {
            settings.push(("search_path", quoted(schema)));
        }
        settings
    }
}

/// Quotes an identifier.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Returns where a connection goes, for messages: `host:port` or the path of a socket.
pub(crate) fn place_of(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    let folder = options.get_socket().map(|path| path.display().to_string());
    match folder {
        Some(folder) => format!("{folder}/.s.PGSQL.{port}"),
        None if host.starts_with('/') => format!("{host}/.s.PGSQL.{port}"),
        None if host.contains(':') => format!("[{host}]:{port}"),
        None => format!("{host}:{port}"),
    }
}

/// Appends a percent-encoded parameter to a URL.
fn push_parameter(url: &mut String, name: &str, value: &str) {
    let _ = write!(url, "{name}=");
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url.push('&');
}
