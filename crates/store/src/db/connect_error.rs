//! Why no connection to PostgreSQL could be opened.

use std::fmt;
use std::io::ErrorKind;

use sqlx::postgres::PgConnectOptions;

/// Why none of the servers of `DATABASE_URL` can be used. The message names each server and the
/// reason, and contains no password.
#[derive(Debug)]
pub struct ConnectError {
    /// The servers in the order in which they were tried; at least one.
    pub failures: Vec<ConnectFailure>,
}

/// Why one server cannot be used.
#[derive(Debug)]
pub struct ConnectFailure {
    /// `host:port`, or the path of a socket.
    pub place: String,
    /// The reason.
    pub fault: ConnectFault,
}

/// The reasons why a server cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectFault {
    /// No program listens on the port.
    #[error("the connection is refused: no server listens there")]
    Refused,
    /// The host name does not exist, or the name server does not answer.
    #[error("the host name cannot be resolved")]
    UnknownHost,
    /// The server did not answer within the time to connect.
    #[error("the server did not answer in time")]
    Timeout,
    /// There is no route to the network of the server.
    #[error("the network of the server cannot be reached: {0}")]
    Unreachable(String),
    /// There is no socket in the folder.
    #[error("the socket does not exist")]
    NoSocket,
    /// This operating system user may not use the socket.
    #[error("permission to use the socket is denied")]
    SocketPermission,
    /// The password is wrong or missing.
    #[error("the server rejects the password of user {0}")]
    Password(String),
    /// The server has no such user, or its access rules reject the connection. Says what the server
    /// says.
    #[error("the server rejects the connection: {0}")]
    AccessRules(String),
    /// The server accepts only encrypted connections.
    #[error("the server requires an encrypted connection (TLS)")]
    TlsRequired,
    /// The server accepts only connections without TLS.
    #[error("the server does not support encrypted connections (TLS)")]
    TlsUnsupported,
    /// The certificate of the server is not trusted, or the TLS handshake failed otherwise.
    #[error("the encrypted connection (TLS) failed: {0}")]
    Tls(String),
    /// The server has no database of this name.
    #[error("there is no database {0}")]
    NoDatabase(String),
    /// The user may not connect to the database.
    #[error("user {0} may not connect to the database")]
    DatabasePermission(String),
    /// The database is closed for connections. Says what the server says.
    #[error("the server accepts no connections to the database: {0}")]
    DatabaseClosed(String),
    /// All connections that the server, the database or the user may have are in use. Says which
    /// limit is reached.
    #[error("the server accepts no more connections: {0}")]
    TooManyConnections(String),
    /// The server is starting, stopping or recovering.
    #[error("the server does not accept connections yet: {0}")]
    NotReady(String),
    /// The server does not fit `target_session_attrs`.
    #[error("the server accepts no writes, which target_session_attrs requires")]
    RejectsWrites,
    /// Another protocol is spoken at this address.
    #[error("the server does not speak the PostgreSQL protocol: {0}")]
    NotPostgres(String),
    /// Any other reason, as the operating system or the server describes it.
    #[error("{0}")]
    Other(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot connect to the database")?;
        for (index, failure) in self.failures.iter().enumerate() {
            let separator = if index == 0 { " at" } else { "; at" };
            write!(f, "{separator} {}: {}", failure.place, failure.fault)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {}

impl ConnectFault {
    /// Returns whether the connection may succeed with another TLS mode.
    pub(crate) fn may_depend_on_tls(&self) -> bool {
        matches!(
            self,
            Self::AccessRules(_) | Self::TlsRequired | Self::TlsUnsupported | Self::Tls(_)
        )
    }

    pub(crate) fn of(error: &sqlx::Error, options: &PgConnectOptions) -> Self {
        match error {
            sqlx::Error::Io(error) => Self::of_io(error),
            sqlx::Error::Database(error) => Self::of_server(
                error.code().as_deref().unwrap_or(""),
                error.message(),
                options,
            ),
            sqlx::Error::Tls(error) => Self::of_tls(&error.to_string()),
            sqlx::Error::Protocol(text) => Self::NotPostgres(text.clone()),
            error => Self::Other(error.to_string()),
        }
    }

    fn of_io(error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::NotFound => Self::NoSocket,
            ErrorKind::PermissionDenied => Self::SocketPermission,
            ErrorKind::TimedOut => Self::Timeout,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                Self::Unreachable(error.to_string())
            }
            // rustls reports a failed handshake, such as an unknown issuer, as invalid data.
            ErrorKind::InvalidData => Self::Tls(error.to_string()),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
                Self::NotPostgres("it closed the connection".to_owned())
            }
            _ => Self::Other(error.to_string()),
        }
    }

    fn of_tls(text: &str) -> Self {
        if text.contains("does not support TLS") {
            Self::TlsUnsupported
        } else {
            Self::Tls(text.to_owned())
        }
    }

    /// Maps an error of the server by its SQLSTATE.
    fn of_server(code: &str, message: &str, options: &PgConnectOptions) -> Self {
        let user = options.get_username().to_owned();
        match code {
            "28P01" => Self::Password(user),
            // The only sign is in the message, which the server may translate; it then counts as
            // rejected by the access rules.
            "28000" if message.ends_with("no encryption") => Self::TlsRequired,
            "28000" => Self::AccessRules(message.to_owned()),
            "3D000" => Self::NoDatabase(options.get_database().unwrap_or(&user).to_owned()),
            "42501" => Self::DatabasePermission(user),
            "55000" => Self::DatabaseClosed(message.to_owned()),
            "53300" => Self::TooManyConnections(message.to_owned()),
            "57P03" | "57P01" | "57P02" => Self::NotReady(message.to_owned()),
            _ => Self::Other(message.to_owned()),
        }
    }
}
