//! Opening a first connection to PostgreSQL, which finds out which of the servers is used and why
//! none is.
//!
//! A connection pool retries a refused connection until its timeout and then reports only that.
//! This connects once, at once, and keeps the reason.

use std::io::ErrorKind;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};
use tokio::time::{Instant, timeout_at};

use crate::StoreError;
use crate::db::address::{PostgresAddress, TargetSession, place_of};
use crate::db::connect_error::{ConnectError, ConnectFailure, ConnectFault};
use crate::db::postgres::pooler_options::through_pooler;

/// A start-up option that shows whether start-up options reach the server. Poolers drop or refuse
/// them.
const MARKER: (&str, &str) = ("evergrant.session", "direct");

/// A usable server, and a connection to it.
pub(crate) struct Server {
    pub(crate) connection: PgConnection,
    /// The options of a connection without settings.
    pub(crate) options: PgConnectOptions,
    /// Whether a connection pooler is in front of the server, which ignores the settings of a
    /// session.
    pub(crate) is_pooled: bool,
}

/// Connects to the first of the servers that accepts the connection and fits
/// `target_session_attrs`.
///
/// # Errors
///
/// [`StoreError::Connect`] with the reason for each server, [`StoreError::Address`] if a file of
/// the TLS parameters cannot be read.
pub(crate) async fn first_usable(address: &PostgresAddress) -> Result<Server, StoreError> {
    address.tls.check_files()?;
    let mut failures = Vec::new();
    for host in &address.hosts {
        let deadline = Instant::now() + address.connect_timeout;
        let mut attempts = address.tls.attempts().into_iter().peekable();
        while let Some(mode) = attempts.next() {
            let options = address.connect_options(host, mode)?;
            let place = place_of(&options);
            let connected = timeout_at(deadline, connect(options, address)).await;
            let fault = match connected.unwrap_or(Err(ConnectFault::Timeout)) {
                Ok(server) => return Ok(server),
                Err(fault) => fault,
            };
            let is_last = attempts.peek().is_none() || !fault.may_depend_on_tls();
            if is_last {
                failures.push(ConnectFailure { place, fault });
                break;
            }
        }
    }
    Err(StoreError::Connect(ConnectError { failures }))
}

async fn connect(
    options: PgConnectOptions,
    address: &PostgresAddress,
) -> Result<Server, ConnectFault> {
    look_up_host(&options).await?;
    let opened = open(&options, address).await;
    let (mut connection, is_pooled) = opened.map_err(|error| ConnectFault::of(&error, &options))?;
    if !fits(&mut connection, address.target)
        .await
        .map_err(|error| ConnectFault::of(&error, &options))?
    {
        // The server is not used, so it does not matter how the connection ends.
        let _ = connection.close().await;
        return Err(ConnectFault::RejectsWrites);
    }
    Ok(Server {
        connection,
        options,
        is_pooled,
    })
}

/// Opens a connection with settings; without them if a pooler refuses them. Returns whether they
/// have no effect.
async fn open(
    options: &PgConnectOptions,
    address: &PostgresAddress,
) -> Result<(PgConnection, bool), sqlx::Error> {
    const SHOW: &str = "SELECT current_setting('evergrant.session', true) AS session";
    let with_settings = options.clone().options(address.session_settings());
    match with_settings.options([MARKER]).connect().await {
        Ok(mut connection) => {
            let row = sqlx::raw_sql(SHOW).fetch_one(&mut connection).await?;
            let session: Option<String> = row.try_get("session")?;
            Ok((connection, session.as_deref() != Some(MARKER.1)))
        }
        Err(error) if is_refused_setting(&error) => {
            let plain = through_pooler(options.clone());
            Ok((plain.connect().await?, true))
        }
        Err(error) => Err(error),
    }
}

/// Returns whether a pooler refuses a parameter of the start-up message. PostgreSQL itself has
/// other codes for invalid parameters.
fn is_refused_setting(error: &sqlx::Error) -> bool {
    const PROTOCOL_VIOLATION: &str = "08P01";
    error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some(PROTOCOL_VIOLATION) && error.message().contains("parameter")
    })
}

/// Resolves the host name. The connection does so again, but does not report that this failed.
async fn look_up_host(options: &PgConnectOptions) -> Result<(), ConnectFault> {
    let is_socket = options.get_socket().is_some() || options.get_host().starts_with('/');
    if is_socket {
        return Ok(());
    }
    tokio::net::lookup_host((options.get_host(), options.get_port()))
        .await
        .map(drop)
        .map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => ConnectFault::Other(error.to_string()),
            _ => ConnectFault::UnknownHost,
        })
}

/// Returns whether the server may be used. The simple query protocol works through any pooler.
pub(crate) async fn fits(
    connection: &mut PgConnection,
    target: TargetSession,
) -> Result<bool, sqlx::Error> {
    const STATE: &str = "SELECT pg_is_in_recovery()::text AS standby, current_setting('transaction_read_only') AS read_only";
    if target == TargetSession::Any {
        return Ok(true);
    }
    let state = sqlx::raw_sql(STATE).fetch_one(connection).await?;
    let is_standby = state.try_get::<String, _>("standby")? == "true";
    let is_read_only = state.try_get::<String, _>("read_only")? == "on";
    Ok(!is_standby && (target == TargetSession::Primary || !is_read_only))
}
