//! Copying a SQLite database to a file, and back.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::StoreError;
use crate::db::address::{DatabaseAddress, SqliteAddress};
use crate::db::database::{Database, Pools};
use crate::db::file_error::{FileError, FileFault};
use crate::db::{inspect, open, sqlite_file};
use crate::store::Store;

/// Why a backup or a restore failed. The database is then as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database is not a SQLite file.
    #[error("the database is not a SQLite file")]
    NotSqlite,
    /// The file to write exists.
    #[error("the file {} exists", .0.display())]
    Exists(PathBuf),
    /// The backup is the database itself.
    #[error("the file {} is the database itself", .0.display())]
    SameFile(PathBuf),
    /// A process uses the database that is to be replaced.
    #[error("a process uses the database file {}", .0.display())]
    InUse(PathBuf),
    /// The content of the file is damaged.
    #[error("the file {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A query failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Copies the SQLite database to `file`, consistently while other processes use it. The copy is
    /// readable by its owner only. An existing file is replaced only if `overwrite` is set.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; `file` is then as it was.
    pub async fn back_up(&self, file: &Path, overwrite: bool) -> Result<(), BackupError> {
        let Pools::Sqlite {
            reader,
            file: database,
            ..
        } = &self.database.pools
        else {
            return Err(BackupError::NotSqlite);
        };
        check_target(file, overwrite)?;
        if is_same(database.path(), file) {
            return Err(BackupError::SameFile(file.to_owned()));
        }
        let partial = Partial::create(file)?;
        let mut connection = reader.acquire().await.map_err(StoreError::from)?;
        partial.copy_from(&mut connection).await?;
        drop(connection);
        partial.install(file)
    }
}

/// A backup that is about to replace a database: a copy beside it, which is removed unless it
/// replaces the database.
#[derive(Debug)]
pub struct Restoration {
    target: PathBuf,
    partial: Partial,
}

impl Restoration {
    /// Checks that the backup in `file` is undamaged and may replace the SQLite database at `url`,
    /// and copies it beside that. An existing database is replaced only if `overwrite` is set.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; nothing is changed.
    pub async fn prepare(url: &str, file: &Path, overwrite: bool) -> Result<Self, BackupError> {
        let DatabaseAddress::Sqlite(SqliteAddress { path, .. }) = url.parse()? else {
            return Err(BackupError::NotSqlite);
        };
        let source = SqliteAddress::existing(file);
        let Some(mut connection) = sqlite_file::inspect(&source).await? else {
            return Err(FileError::new(file, FileFault::NoFile).into());
        };
        if is_same(&path, file) {
            return Err(BackupError::SameFile(file.to_owned()));
        }
        check_target(&path, overwrite)?;
        release(&path).await?;
        check_integrity(&mut connection, file).await?;
        inspect::sqlite(&mut connection).await?;
        let partial = Partial::create(&path)?;
        partial.copy_from(&mut connection).await?;
        connection.close().await.map_err(StoreError::from)?;
        Ok(Self {
            target: path,
            partial,
        })
    }

    /// Opens the copy, for checks of its content. It must be closed before
    /// [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be opened.
    pub async fn open(&self) -> Result<Store, StoreError> {
        let address = DatabaseAddress::Sqlite(SqliteAddress::existing(&self.partial.path));
        let pools = open::open(&address, None).await?;
        Ok(Store::on(Database::new(pools)))
    }

    /// Replaces the database by the copy.
    ///
    /// # Errors
    ///
    /// [`BackupError::InUse`] if a process has opened the database meanwhile; other variants if the
    /// files cannot be written.
    pub async fn finish(self) -> Result<(), BackupError> {
        release(&self.target).await?;
        // Those of a database that was removed or damaged would be applied to the new one.
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(with_suffix(&self.target, suffix));
        }
        self.partial.install(&self.target)
    }
}

/// A file that is being written. Removed when it is dropped, unless it was installed.
#[derive(Debug)]
struct Partial {
    path: PathBuf,
}

impl Partial {
    /// Creates an empty file beside `file`, readable by its owner only.
    fn create(file: &Path) -> Result<Self, BackupError> {
        let path = with_suffix(file, ".partial");
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match created {
            Ok(_) => Ok(Self { path }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(BackupError::Exists(path))
            }
            Err(error) => Err(FileError::of_io(&path, &error).into()),
        }
    }

    /// Writes the database of `connection` to the file.
    async fn copy_from(&self, connection: &mut SqliteConnection) -> Result<(), BackupError> {
        let path = self.path.to_str().ok_or_else(|| {
            let fault = FileFault::Other("the path is not valid Unicode".to_owned());
            FileError::new(&self.path, fault)
        })?;
        let copied = sqlx::query("VACUUM INTO $1")
            .bind(path)
            .execute(connection)
            .await;
        copied.map_err(|error| FileError::of_sqlite(&self.path, &error))?;
        Ok(())
    }

    /// Moves the file to its place, durably.
    fn install(self, file: &Path) -> Result<(), BackupError> {
        let moved = File::open(&self.path)
            .and_then(|written| written.sync_all())
            .and_then(|()| std::fs::rename(&self.path, file))
            .and_then(|()| File::open(folder_of(file))?.sync_all());
        moved.map_err(|error| FileError::of_io(file, &error).into())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

/// Makes sure that no process has the database open, and that nothing of it remains outside the
/// file. SQLite switches a database from WAL to another journal only without other connections.
async fn release(database: &Path) -> Result<(), BackupError> {
    if !database.exists() {
        return Ok(());
    }
    let options = SqliteConnectOptions::new().filename(database);
    let switched = async {
        let mut connection = options
            .busy_timeout(std::time::Duration::ZERO)
            .connect()
            .await?;
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE")
            .fetch_one(&mut connection)
            .await;
        connection.close().await?;
        mode
    };
    match switched.await {
        Ok(mode) if mode == "delete" => Ok(()),
        Ok(_) => Err(BackupError::InUse(database.to_owned())),
        Err(error) => match FileError::of_sqlite(database, &error) {
            error if error.fault == FileFault::Locked => {
                Err(BackupError::InUse(database.to_owned()))
            }
            // A damaged database is what a backup replaces.
            error if error.fault == FileFault::NotADatabase => Ok(()),
            error => Err(error.into()),
        },
    }
}

async fn check_integrity(
    connection: &mut SqliteConnection,
    file: &Path,
) -> Result<(), BackupError> {
    let found = sqlx::query_scalar::<_, String>("PRAGMA integrity_check(1)")
        .fetch_all(connection)
        .await;
    let reason = match found {
        Ok(found) if found == ["ok"] => return Ok(()),
        Ok(found) => found.join("; "),
        Err(error) => error.to_string(),
    };
    Err(BackupError::Damaged {
        path: file.to_owned(),
        reason,
    })
}

fn check_target(file: &Path, overwrite: bool) -> Result<(), BackupError> {
    match std::fs::symlink_metadata(file) {
        Ok(found) if !found.is_file() => Err(FileError::new(file, FileFault::NotAFile).into()),
        Ok(_) if !overwrite => Err(BackupError::Exists(file.to_owned())),
        _ => Ok(()),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let found = std::fs::metadata(one).and_then(|one| Ok((one, std::fs::metadata(other)?)));
    found.is_ok_and(|(one, other)| (one.dev(), one.ino()) == (other.dev(), other.ino()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn folder_of(file: &Path) -> &Path {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
