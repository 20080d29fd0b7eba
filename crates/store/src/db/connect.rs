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

/// A usable server: a connection to it, and the options with which the connection was opened.
pub(crate) struct Server {
    pub(crate) connection: PgConnection,
    pub(crate) options: PgConnectOptions,
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
            let options = address
                .connect_options(host, mode)?
                .options(address.session_settings());
            let place = place_of(&options);
            let connected = timeout_at(deadline, connect(options, address.target)).await;
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

async fn connect(options: PgConnectOptions, target: TargetSession) -> Result<Server, ConnectFault> {
    look_up_host(&options).await?;
    let mut connection = options
        .connect()
        .await
        .map_err(|error| ConnectFault::of(&error, &options))?;
    if !fits(&mut connection, target)
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
