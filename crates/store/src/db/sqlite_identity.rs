//! Which file a process has opened. If the file is removed or replaced, SQLite goes on with the one
//! that it has open, which no other process sees: what is written to it is lost.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::db::file_error::{FileError, FileFault};

/// Size of the WAL file from which it is truncated, in bytes.
pub(crate) const MAX_WAL_BYTES: u64 = 16 << 20;

/// An opened file: its path, and the device and inode that it had then.
#[derive(Debug)]
pub(crate) struct OpenedFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    is_fault_logged: AtomicBool,
}

impl OpenedFile {
    /// Identifies the file at `path`, which was opened just now.
    pub(crate) fn at(path: &Path) -> Result<Self, FileError> {
        let metadata = std::fs::metadata(path).map_err(|error| FileError::of_io(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            is_fault_logged: AtomicBool::new(false),
        })
    }

    /// Returns the path with which the file was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the path still leads to this file. Logs the first failure.
    pub(crate) fn check(&self) -> Result<(), FileError> {
        let fault = match std::fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == (self.device, self.inode) => None,
            Ok(_) => Some(FileFault::Replaced),
            Err(error) => match FileError::of_io(&self.path, &error).fault {
                FileFault::NoFile | FileFault::NoFolder(_) => Some(FileFault::Removed),
                // The file may still be there.
                _ => None,
            },
        };
        let was_logged = self.is_fault_logged.swap(fault.is_some(), Ordering::SeqCst);
        let Some(fault) = fault else {
            return Ok(());
        };
        let error = FileError::new(&self.path, fault);
        if !was_logged {
            tracing::error!(
                path = %self.path.display(),
                fault = %error.fault,
                "the database file was removed or replaced while this process uses it; nothing is \
                 written any more. Put the file back or restore a backup, and restart this process"
            );
        }
        Err(error)
    }

    /// Returns whether the WAL file is too large.
    pub(crate) fn has_large_wal(&self) -> bool {
        let mut wal = self.path.clone().into_os_string();
        wal.push("-wal");
        std::fs::metadata(wal).is_ok_and(|wal| wal.len() > MAX_WAL_BYTES)
    }
}
