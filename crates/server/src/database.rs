//! The database of a command: opening it, applying migrations, and checking that its tokens are
//! encrypted with the configured keys.

use std::time::Duration;

use evergrant_encryption::TokenCipher;
use evergrant_model::SystemClock;
use evergrant_service::{KeyCheckError, check_key};
use evergrant_store::{Store, StoreError};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::failure::{Failure, root_cause};

/// Port of a PostgreSQL URL without a port.
const POSTGRES_PORT: u16 = 5432;
/// Maximum time of the connection attempt that finds out why a server could not be reached.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the database at `url`.
///
/// # Errors
///
/// A failure if the URL is malformed or the database cannot be reached. It names the host and port
/// or the file, but not the URL, which may contain a password.
pub(crate) async fn open(url: &str) -> Result<Store, Failure> {
    match Store::open(url).await {
        Ok(store) => Ok(store),
        Err(StoreError::Address(reason)) => Err(Failure::new(
            format!("DATABASE_URL: {reason}"),
            "write it as sqlite:///var/lib/evergrant/evergrant.db or postgres://user:password@host/database",
        )),
        Err(error) => Err(open_failure(url, &error).await),
    }
}

async fn open_failure(url: &str, error: &StoreError) -> Failure {
    if let Some(path) = url.strip_prefix("sqlite://") {
        return Failure::new(
            format!(
                "cannot open the database file {path}: {}",
                root_cause(error)
            ),
            "check DATABASE_URL, and that the folder exists and this user may write to it",
        );
    }
    let address = postgres_address(url);
    let place = address
        .as_ref()
        .map(|address| format!(" at {address}"))
        .unwrap_or_default();
    let cause = match (error, &address) {
        (StoreError::Busy | StoreError::Unresponsive, Some(address)) => probe(address).await,
        _ => root_cause(error),
    };
    Failure::new(
        format!("cannot connect to the database{place}: {cause}"),
        "check DATABASE_URL and that the server is running",
    )
}

/// Returns `HOST:PORT` of a PostgreSQL URL; `None` if it has no host, as for a Unix socket.
fn postgres_address(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(format!("{host}:{}", url.port().unwrap_or(POSTGRES_PORT)))
}

/// Returns why the server at `address` cannot be reached. The connection pool retries until its
/// timeout and reports only that.
async fn probe(address: &str) -> String {
    match timeout(PROBE_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Err(error)) => error.to_string(),
        _ => "the server did not respond in time".to_owned(),
    }
}

/// Applies the pending migrations and returns their names.
///
/// # Errors
///
/// A failure if the database user may not change the schema, or the database does not respond.
pub(crate) async fn migrate(store: &Store) -> Result<Vec<String>, Failure> {
    let pending = pending_migrations(store).await?;
    if !pending.is_empty() {
        store
            .migrate()
            .await
            .map_err(|error| migration_failure(&error))?;
    }
    Ok(pending)
}

fn migration_failure(error: &StoreError) -> Failure {
    if matches!(error, StoreError::DevelopmentSchema) {
        return query_failure(error);
    }
    Failure::new(
        format!(
            "DATABASE_URL: cannot migrate the schema: {}",
            root_cause(error)
        ),
        "run `evergrant migrate` as a database user who may create and alter tables",
    )
}

/// Returns the names of the migrations that have not been applied.
///
/// # Errors
///
/// A failure if the database does not respond, or has the schema of a development version.
pub(crate) async fn pending_migrations(store: &Store) -> Result<Vec<String>, Failure> {
    store
        .pending_migrations()
        .await
        .map_err(|error| query_failure(&error))
}

/// Applies the pending migrations and checks that the stored tokens are encrypted with the
/// configured keys. With other keys, nothing is written.
///
/// # Errors
///
/// A failure that names the setting of the key, or that of the database.
pub(crate) async fn prepare(
    store: &Store,
    cipher: &TokenCipher,
    key_name: &str,
) -> Result<(), Failure> {
    let is_migrated = pending_migrations(store).await?.is_empty();
    if !is_migrated && has_undecryptable_token(store, cipher).await {
        return Err(wrong_key(key_name));
    }
    migrate(store).await?;
    check_key(store, cipher, &SystemClock)
        .await
        .map_err(|error| match error {
            KeyCheckError::WrongKey => wrong_key(key_name),
            KeyCheckError::Store(error) => query_failure(&error),
            KeyCheckError::Cipher(error) => Failure::new(format!("{key_name}: {error}"), ""),
        })
}

/// Returns whether the tables of another program contain a token that none of the configured keys
/// decrypts. `false` if the tables do not exist.
async fn has_undecryptable_token(store: &Store, cipher: &TokenCipher) -> bool {
    store
        .key_checks()
        .any_token()
        .await
        .ok()
        .flatten()
        .is_some_and(|token| !cipher.is_encrypted(token.as_str()))
}

fn wrong_key(name: &str) -> Failure {
    Failure::new(
        format!("{name}: this database is encrypted with another key; nothing was changed"),
        "set the key that was used before; add a key that was replaced to TOKEN_ENCRYPTION_KEYS_PREVIOUS",
    )
}

/// Returns the failure for a query on an open database.
pub(crate) fn query_failure(error: &StoreError) -> Failure {
    if matches!(error, StoreError::DevelopmentSchema) {
        return Failure::new(
            format!("DATABASE_URL: {error}"),
            "create a new database, or drop the evergrant_* tables and run `evergrant migrate`: this deletes flows, \
             API keys and sessions; users, and the connections' tokens in oauth_accounts, are kept",
        );
    }
    Failure::new(
        format!(
            "DATABASE_URL: a database query failed: {}",
            root_cause(error)
        ),
        "check that the server is running and that `evergrant migrate` has been run",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_postgres_url_has_no_credentials() {
        for (url, address) in [
            ("postgres://u:hush@db.example/d", Some("db.example:5432")),
            (
                "postgres://u:hush@[::1]:6432/d?sslmode=require",
                Some("[::1]:6432"),
            ),
            ("postgres:///d?host=/run/postgresql", None),
        ] {
            assert_eq!(postgres_address(url).as_deref(), address, "{url}");
        }
    }
}
