//! Opening the connection pools of a database.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, SqlitePool};

use crate::StoreError;
use crate::db::database::Pools;
use crate::db::pg_connection::{PoolHistory, PostgresPool};

/// Maximum time a query waits for a pooled connection, or on SQLite for another writer.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of reading connections to a SQLite file.
const SQLITE_READERS: u32 = 4;
/// Maximum number of attempts to open a SQLite file that another process is creating.
const SQLITE_OPEN_ATTEMPTS: u32 = 100;
/// Maximum number of connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Maximum age of a connection to PostgreSQL.
const POSTGRES_MAX_LIFETIME: Duration = Duration::from_mins(30);

/// Opens the database at `url`: `sqlite://PATH` (created if it does not exist) or `postgres://…`.
pub(crate) async fn open(url: &str) -> Result<Pools, StoreError> {
    match url.split_once("://") {
        Some(("sqlite", path)) => open_sqlite(sqlite_path(path)?).await,
        Some(("postgres" | "postgresql", _)) => open_postgres(url).await,
        _ => Err(StoreError::Address(
            "it must start with sqlite:// or postgres://".to_owned(),
        )),
    }
}

fn sqlite_path(text: &str) -> Result<PathBuf, StoreError> {
    let path = text.split_once('?').map_or(text, |(path, _)| path);
    if path.is_empty() || path == ":memory:" {
        return Err(StoreError::Address(
            "sqlite:// must be followed by the path of a file".to_owned(),
        ));
    }
    Ok(PathBuf::from(path))
}

async fn open_sqlite(path: PathBuf) -> Result<Pools, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(WAIT_TIMEOUT);
    restrict_to_owner(&path)?;
    let writer = sqlite_pool(options.clone(), 1).await?;
    let reader = sqlite_pool(options.read_only(true), SQLITE_READERS).await?;
    Ok(Pools::Sqlite { writer, reader })
}

async fn sqlite_pool(
    options: SqliteConnectOptions,
    connections: u32,
) -> Result<SqlitePool, StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(WAIT_TIMEOUT)
        .test_before_acquire(false);
    for _ in 1..SQLITE_OPEN_ATTEMPTS {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => {
                tokio::time::sleep(WAIT_TIMEOUT / SQLITE_OPEN_ATTEMPTS).await;
            }
            opened => return Ok(opened?),
        }
    }
    Ok(pool.connect_with(options).await?)
}

/// Returns whether SQLite reported BUSY. It does so at once, regardless of the busy timeout, while
/// another process switches a new file to WAL.
fn is_busy(error: &sqlx::Error) -> bool {
    const BUSY: &str = "5";
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some(BUSY))
}

/// Creates the file, or restricts an existing one, to mode 0600: it holds the grants of all users.
/// SQLite copies the mode to the WAL and shared-memory files, so it must be set before SQLite opens
/// the file.
///
/// An existing file is not opened here. POSIX releases all locks of a process on a file when the
/// process closes any descriptor of it, including locks that SQLite holds.
fn restrict_to_owner(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let created = match std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => restrict_file(path),
        created => created.map(drop),
    };
    created.map_err(|error| StoreError::Database(sqlx::Error::Io(error)))
}

/// Sets the mode 0600. A path that is not a regular file, such as a folder, keeps its mode.
fn restrict_file(path: &Path) -> Result<(), std::io::Error> {
    use std::os::unix::fs::PermissionsExt;
    if !std::fs::metadata(path)?.is_file() {
        let message = "the path is not a regular file";
        return Err(std::io::Error::new(ErrorKind::InvalidInput, message));
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

async fn open_postgres(url: &str) -> Result<Pools, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Address("the postgres:// URL is malformed".to_owned()))?
        .application_name("evergrant")
        .options([("timezone", "UTC"), ("synchronous_commit", "on")]);
    let history = Arc::<PoolHistory>::default();
    let known = Arc::clone(&history);
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(WAIT_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let is_suspect = known.is_suspect(meta.idle_for);
            Box::pin(async move { Ok(!is_suspect || connection.ping().await.is_ok()) })
        })
        .max_lifetime(POSTGRES_MAX_LIFETIME)
        .connect_with(options)
        .await?;
    Ok(Pools::Postgres(PostgresPool::new(pool, history)))
}
