//! Opening a SQLite file.
//!
//! A file that cannot be used is left as it is: it is first inspected by a connection that changes
//! neither the file, nor its mode, nor its journal mode.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use crate::StoreError;
use crate::db::address::SqliteAddress;
use crate::db::database::Pools;
use crate::db::file_error::{FileError, FileFault};
use crate::db::sqlite_identity::{MAX_WAL_BYTES, OpenedFile};
use crate::db::sqlite_locks::ReplicaFiles;

/// Maximum time an operation waits for the lock of another process, or for a pooled connection.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of reading connections to a SQLite file.
const SQLITE_READERS: u32 = 4;
/// Maximum number of attempts to open a SQLite file that another process is creating.
const SQLITE_OPEN_ATTEMPTS: u32 = 100;
/// Length of the header of a SQLite database. SQLite would overwrite a file of one byte.
const HEADER_BYTES: u64 = 100;

/// Opens the file and restricts it to its owner.
///
/// # Errors
///
/// [`StoreError::File`] if the file cannot be used.
pub(crate) async fn open(address: &SqliteAddress) -> Result<Pools, StoreError> {
    let path = &address.path;
    if is_present(address)? {
        restrict(path).map_err(|error| FileError::of_io(path, &error))?;
    } else {
        create(path)?;
    }
    let pools = open_pools(path).await;
    let (writer, reader) = pools.map_err(|error| FileError::of_sqlite(path, &error))?;
    Ok(Pools::Sqlite {
        writer,
        reader,
        replicas: Arc::new(ReplicaFiles::beside(path)),
        file: Arc::new(OpenedFile::at(path)?),
    })
}

/// Opens the connections that write and those that read.
async fn open_pools(path: &Path) -> Result<(SqlitePool, SqlitePool), sqlx::Error> {
    let options = inspecting(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let limited = options
        .clone()
        .pragma("journal_size_limit", MAX_WAL_BYTES.to_string());
    let writer = pool(limited, 1).await?;
    // SQLite opens a file that it may not write for reading only. Taking the write lock shows it.
    writer
        .begin_with("BEGIN IMMEDIATE")
        .await?
        .rollback()
        .await?;
    let reader = pool(options.read_only(true), SQLITE_READERS).await?;
    Ok((writer, reader))
}

/// Opens a connection that changes nothing, if the file exists and is not empty.
///
/// # Errors
///
/// [`StoreError::File`] if the file is not a database, or does not exist and may not be created.
pub(crate) async fn inspect(
    address: &SqliteAddress,
) -> Result<Option<SqliteConnection>, StoreError> {
    if !is_present(address)? {
        return Ok(None);
    }
    let fault = |error: sqlx::Error| StoreError::from(FileError::of_sqlite(&address.path, &error));
    let mut connection = inspecting(&address.path).connect().await.map_err(fault)?;
    match sqlx::raw_sql("SELECT name FROM sqlite_master LIMIT 1")
        .fetch_all(&mut connection)
        .await
    {
        Ok(_) => Ok(Some(connection)),
        Err(error) => {
            // The connection is closed before the error is returned, so that no file stays open.
            let _ = connection.close().await;
            Err(fault(error))
        }
    }
}

fn inspecting(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(WAIT_TIMEOUT)
}

/// Returns whether the file exists; `false` if it is to be created.
///
/// The file itself is not opened here. POSIX releases all locks of a process on a file when the
/// process closes any descriptor of it, including locks that SQLite holds.
fn is_present(address: &SqliteAddress) -> Result<bool, FileError> {
    let path = &address.path;
    let fault = |fault| Err(FileError::new(path, fault));
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => fault(FileFault::NotAFile),
        Ok(metadata) if (1..HEADER_BYTES).contains(&metadata.len()) => {
            fault(FileFault::NotADatabase)
        }
        Ok(_) => Ok(true),
        Err(error) => match FileError::of_io(path, &error) {
            error if error.fault == FileFault::NoFile && address.may_create => Ok(false),
            error => Err(error),
        },
    }
}

/// Creates the file with mode 0600: it holds the grants of all users. SQLite copies the mode to the
/// WAL and shared-memory files, so it must be set before SQLite opens the file.
fn create(path: &Path) -> Result<(), FileError> {
    use std::os::unix::fs::OpenOptionsExt;
    let created = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match created {
        // Another process has created it meanwhile.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        created => created
            .map(drop)
            .map_err(|error| FileError::of_io(path, &error)),
    }
}

/// Sets the mode 0600.
fn restrict(path: &Path) -> Result<(), std::io::Error> {
    use std::os::unix::fs::PermissionsExt;
    const OWNER_ONLY: u32 = 0o600;
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o7777;
    if mode == OWNER_ONLY {
        return Ok(());
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(OWNER_ONLY))
}

async fn pool(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(WAIT_TIMEOUT)
        .test_before_acquire(false);
    for _ in 1..SQLITE_OPEN_ATTEMPTS {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => {
                tokio::time::sleep(WAIT_TIMEOUT / SQLITE_OPEN_ATTEMPTS).await;
            }
            opened => return opened,
        }
    }
    pool.connect_with(options).await
}

/// Returns whether SQLite reported BUSY. It does so at once, regardless of the busy timeout, while
/// another process switches a new file to WAL.
fn is_busy(error: &sqlx::Error) -> bool {
    const BUSY: &str = "5";
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some(BUSY))
}
