//! The parameters of a PostgreSQL URL.

use std::time::Duration;

use super::postgres::{Host, PostgresAddress, TargetSession};
use super::refusal::{WITHOUT_EFFECT, invalid, unsupported};
use super::tls::TlsParameters;
use super::url_parts::{UrlParts, parse_port};
use crate::StoreError;

/// Maximum time to connect to one host, if the URL does not set it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Parameters with an effect, for the message about an unsupported one.
const SUPPORTED: &[&str] = &[
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "schema",
    "application_name",
    "options",
    "connect_timeout",
    "target_session_attrs",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslaccept",
];

/// Parameters of libpq of which only the values that describe this program are accepted.
const FIXED: &[(&str, &[&str])] = &[
    (
        "client_encoding",
        &["UTF8", "utf8", "UTF-8", "utf-8", "auto"],
    ),
    ("gssencmode", &["disable", "prefer"]),
    ("load_balance_hosts", &["disable"]),
    ("sslnegotiation", &["postgres"]),
    ("sslcompression", &["0"]),
    ("sslsni", &["1"]),
    ("sslcertmode", &["allow"]),
    ("ssl_min_protocol_version", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("ssl_max_protocol_version", &["TLSv1.3"]),
];

/// The parts of an address while its parameters are read.
pub(super) struct Builder {
    parts: UrlParts,
    addresses: Vec<String>,
    tls: TlsParameters,
    target: TargetSession,
    schema: Option<String>,
    application_name: Option<String>,
    fallback_application_name: Option<String>,
    options: Option<String>,
    connect_timeout: Duration,
    without_effect: Vec<String>,
}

impl Builder {
    pub(super) fn new(parts: UrlParts) -> Self {
        Self {
            parts,
            addresses: Vec::new(),
            tls: TlsParameters::default(),
            target: TargetSession::default(),
            schema: None,
            application_name: None,
            fallback_application_name: None,
            options: None,
            connect_timeout: CONNECT_TIMEOUT,
            without_effect: Vec::new(),
        }
    }

    /// Applies all parameters. As for libpq, they override the other parts of the URL.
    pub(super) fn build(mut self) -> Result<PostgresAddress, StoreError> {
        for (name, value) in std::mem::take(&mut self.parts.parameters) {
            self.set(&name, value)?;
        }
        let hosts = self.hosts()?;
        Ok(PostgresAddress {
            hosts,
            user: self.parts.user,
            password: self.parts.password,
            database: self.parts.database,
            schema: self.schema,
            application_name: self.application_name.or(self.fallback_application_name),
            options: self.options,
            tls: self.tls.finish()?,
            target: self.target,
            connect_timeout: self.connect_timeout,
            without_effect: self.without_effect,
        })
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), StoreError> {
        match name {
            "host" => self.parts.hosts = list(&value),
            "hostaddr" => self.addresses = list(&value),
            "port" => {
                let ports = value.split(',').map(parse_port);
                self.parts.ports = ports.collect::<Result<_, _>>()?;
            }
            "dbname" => self.parts.database = Some(value),
            "user" => self.parts.user = Some(value),
            "password" => self.parts.password = Some(value),
            "schema" => self.schema = Some(schema(value)?),
            "application_name" => self.application_name = Some(value),
            "fallback_application_name" => self.fallback_application_name = Some(value),
            "options" => self.options = Some(value),
            "connect_timeout" => self.connect_timeout = connect_timeout(&value)?,
            "target_session_attrs" => self.target = target(&value)?,
            _ if self.tls.set(name, &value)? => {}
            _ => self.set_without_effect(name, &value)?,
        }
        Ok(())
    }

    fn set_without_effect(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        if WITHOUT_EFFECT.contains(&name) {
            self.without_effect.push(name.to_owned());
            return Ok(());
        }
        match FIXED.iter().find(|(fixed, _)| *fixed == name) {
            Some((_, values)) if values.contains(&value) => Ok(()),
            Some((_, values)) => Err(invalid(format!("{name} must be {}", values.join(" or ")))),
            None => Err(unsupported(name, SUPPORTED)),
        }
    }

    /// Combines the lists of hosts and ports. One port is that of all hosts.
    fn hosts(&mut self) -> Result<Vec<Host>, StoreError> {
        if !self.addresses.is_empty() {
            if self
                .addresses
                .iter()
                .any(|address| address.parse::<std::net::IpAddr>().is_err())
            {
                return Err(invalid("hostaddr must be an IP address"));
            }
            self.parts.hosts = std::mem::take(&mut self.addresses);
        }
        let (names, ports) = (&self.parts.hosts, &self.parts.ports);
        if ports.len() != names.len() && ports.len() != 1 {
            return Err(invalid(
                "the number of ports differs from the number of hosts",
            ));
        }
        if names.iter().any(|name| name.starts_with('@')) {
            return Err(invalid("abstract sockets (host=@…) are not supported"));
        }
        let ports = ports.iter().cycle();
        Ok(names
            .iter()
            .zip(ports)
            .map(|(name, port)| Host::new(name, *port))
            .collect())
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::to_owned).collect()
}

fn schema(value: String) -> Result<String, StoreError> {
    if value.is_empty() {
        return Err(invalid("schema must not be empty"));
    }
    Ok(value)
}

/// Parses a number of seconds. 0 is the default; libpq would wait without limit.
fn connect_timeout(value: &str) -> Result<Duration, StoreError> {
    match value.parse::<u16>() {
        Ok(0) => Ok(CONNECT_TIMEOUT),
        Ok(seconds) => Ok(Duration::from_secs(seconds.into())),
        Err(_) => Err(invalid(
            "connect_timeout must be a number of seconds, at most 65535",
        )),
    }
}

fn target(value: &str) -> Result<TargetSession, StoreError> {
    match value {
        "any" => Ok(TargetSession::Any),
        "read-write" => Ok(TargetSession::ReadWrite),
        "primary" => Ok(TargetSession::Primary),
        "read-only" | "standby" | "prefer-standby" => Err(invalid(format!(
            "target_session_attrs={value} selects a server that accepts no writes; use read-write or primary"
        ))),
        _ => Err(invalid(
            "target_session_attrs must be any, read-write or primary",
        )),
    }
}
