//! Opening the pools of a database.

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

/// How long a query may wait for a connection of the pool or for another writer.
const PATIENCE: Duration = Duration::from_secs(5);
const SQLITE_READERS: u32 = 4;
/// How often a file is tried that another process is just making.
const SQLITE_TRIES: u32 = 100;
const POSTGRES_CONNECTIONS: u32 = 16;

/// Opens the database at `url`: `sqlite://PATH` (made if it is missing) or `postgres://…`.
pub(crate) async fn open(url: &str) -> Result<Pools, StoreError> {
    match url.split_once("://") {
        Some(("sqlite", path)) => open_sqlite(sqlite_path(path)?).await,
        Some(("postgres" | "postgresql", _)) => open_postgres(url).await,
        _ => Err(StoreError::Address(
            "it must begin with sqlite:// or postgres://".to_owned(),
        )),
    }
}

fn sqlite_path(text: &str) -> Result<PathBuf, StoreError> {
    let path = text.split_once('?').map_or(text, |(path, _)| path);
    if path.is_empty() || path == ":memory:" {
        return Err(StoreError::Address(
            "sqlite:// needs the path of a file".to_owned(),
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
        .busy_timeout(PATIENCE);
    only_for_the_owner(&path)?;
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
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false);
    for _ in 1..SQLITE_TRIES {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(PATIENCE / SQLITE_TRIES).await,
            opened => return Ok(opened?),
        }
    }
    Ok(pool.connect_with(options).await?)
}

/// While one process turns a new file to WAL, SQLite refuses the others at once, whatever the busy
/// time-out says.
fn is_busy(error: &sqlx::Error) -> bool {
    const BUSY: &str = "5";
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some(BUSY))
}

/// The file holds every user's grants, encrypted or not: nobody but its owner has business with it.
/// SQLite gives the files beside it the same rights, so it must have them before SQLite opens it.
///
/// A file that is there is not opened: closing it again would end the locks that SQLite holds on it
/// in this process.
fn only_for_the_owner(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let made = match std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        }
        made => made.map(drop),
    };
    made.map_err(|error| StoreError::Database(sqlx::Error::Io(error)))
}

async fn open_postgres(url: &str) -> Result<Pools, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Address("the postgres:// address cannot be read".to_owned()))?
        .application_name("evergrant")
        .options([("timezone", "UTC"), ("synchronous_commit", "on")]);
    let history = Arc::<PoolHistory>::default();
    let known = Arc::clone(&history);
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let is_suspect = known.is_suspect(meta.idle_for);
            Box::pin(async move { Ok(!is_suspect || connection.ping().await.is_ok()) })
        })
        .max_lifetime(Duration::from_mins(30))
        .connect_with(options)
        .await?;
    Ok(Pools::Postgres(PostgresPool::new(pool, history)))
}
