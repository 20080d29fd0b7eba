//! Why a SQLite file could not be opened.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Why the file of `DATABASE_URL` cannot be used.
#[derive(Debug)]
pub struct FileError {
    /// Path of the file.
    pub path: PathBuf,
    /// The reason.
    pub fault: FileFault,
}

/// The reasons why a SQLite file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// The folder does not exist.
    #[error("the folder {} does not exist", .0.display())]
    NoFolder(PathBuf),
    /// The file does not exist, and the caller does not create it.
    #[error("the file does not exist")]
    NoFile,
    /// The path is a folder or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// The content of the file is not a SQLite database.
    #[error("it is not a SQLite database")]
    NotADatabase,
    /// This operating system user may not use the file or its folder.
    #[error("permission denied")]
    Permission,
    /// The file or its file system cannot be written.
    #[error("it is read-only")]
    ReadOnly,
    /// Another process holds a lock on the file for longer than the time to wait.
    #[error("another process has locked it")]
    Locked,
    /// The file was removed after this process had opened it.
    #[error("it was removed while this process uses it")]
    Removed,
    /// Another file has taken its place after this process had opened it.
    #[error("it was replaced while this process uses it")]
    Replaced,
    /// Any other reason, as the operating system or SQLite describes it.
    #[error("{0}")]
    Other(String),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "cannot open the database file {path}: {}", self.fault)
    }
}

impl std::error::Error for FileError {}

impl FileError {
    pub(crate) fn new(path: &Path, fault: FileFault) -> Self {
        Self {
            path: path.to_owned(),
            fault,
        }
    }

    /// Creates the error for an operation of the operating system on the file.
    pub(crate) fn of_io(path: &Path, error: &std::io::Error) -> Self {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let fault = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => match folder {
                Some(folder) if !folder.is_dir() => FileFault::NoFolder(folder.to_owned()),
                _ => FileFault::NoFile,
            },
            ErrorKind::PermissionDenied => FileFault::Permission,
            ErrorKind::ReadOnlyFilesystem => FileFault::ReadOnly,
            _ => FileFault::Other(error.to_string()),
        };
        Self::new(path, fault)
    }

    /// Creates the error for an operation of SQLite on the file.
    pub(crate) fn of_sqlite(path: &Path, error: &sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        let primary = code
            .and_then(|code| code.parse::<u32>().ok())
            .map(|code| code & 0xff);
        let fault = match primary {
            Some(3 | 23) => FileFault::Permission,
            Some(5 | 6) => FileFault::Locked,
            Some(8) => FileFault::ReadOnly,
            // SQLite does not say why it cannot open the file; an operation on it does.
            Some(14) => return Self::of_open(path),
            Some(11 | 26) => FileFault::NotADatabase,
            _ => FileFault::Other(error.to_string()),
        };
        Self::new(path, fault)
    }

    fn of_open(path: &Path) -> Self {
        match std::fs::metadata(path) {
            Err(error) => Self::of_io(path, &error),
            Ok(metadata) if !metadata.is_file() => Self::new(path, FileFault::NotAFile),
            Ok(_) => Self::new(path, FileFault::Permission),
        }
    }
}
