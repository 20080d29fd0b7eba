//! Locks that show which processes use a SQLite file: one file for each, `FILE-replica-ID`, which
//! its process locks exclusively. The operating system releases the lock when the process ends,
//! however it ends.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use evergrant_resilience::lock;

/// How long the file of an ended process is kept after the last lease that names it, so that
/// others find it unlocked. Three times the duration of a lease.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// The locks that this process holds, and those of others.
#[derive(Debug)]
pub(crate) struct ReplicaFiles {
    /// The path of a lock file without the id.
    prefix: PathBuf,
    /// By replica; a process has one, except in tests.
    held: Mutex<BTreeMap<String, File>>,
}

impl ReplicaFiles {
    /// Creates the locks beside `database`, without any file.
    pub(crate) fn beside(database: &Path) -> Self {
        let mut prefix = database.as_os_str().to_owned();
        prefix.push("-replica-");
        Self {
            prefix: prefix.into(),
            held: Mutex::default(),
        }
    }

    /// Makes sure that this process holds the lock of `replica`, which is about to take a lease.
    /// Returns `false` if it cannot; then others do not notice its end.
    pub(crate) fn hold(&self, replica: &str) -> bool {
        let held = self.try_hold(replica);
        if let Err(error) = &held {
            tracing::warn!(
                path = %self.path(replica).display(),
                error = error as &dyn std::error::Error,
                "failed to lock a file beside the database; if this process crashes, its refreshes \
                 can be taken over only after 20 seconds"
            );
        }
        held.is_ok()
    }

    fn try_hold(&self, replica: &str) -> Result<(), Error> {
        if !is_id(replica) {
            return Err(ErrorKind::InvalidInput.into());
        }
        let (path, mut held) = (self.path(replica), lock(&self.held));
        if let Some(file) = held.get(replica).filter(|file| is_at(file, &path)) {
            return mark_used(file);
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        file.try_lock()?;
        mark_used(&file)?;
        self.remove_old(file.metadata()?.modified()?);
        held.insert(replica.to_owned(), file);
        Ok(())
    }

    /// Returns whether the process of `replica` has ended. `false` if that is not certain: its file
    /// is gone, or cannot be read.
    pub(crate) fn has_ended(&self, replica: &str) -> bool {
        let is_ours = lock(&self.held).contains_key(replica);
        !is_ours && is_id(replica) && is_unlocked(&self.path(replica))
    }

    fn path(&self, replica: &str) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(replica);
        path.into()
    }

    /// Removes the files of processes that ended and whose leases have expired.
    fn remove_old(&self, now: SystemTime) {
        let folder = self.prefix.parent().filter(|path| path.as_os_str() != "");
        let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else {
            return;
        };
        let prefix = self.prefix.file_name().unwrap_or_default();
        for entry in entries.flatten() {
            let is_lock = entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_encoded_bytes());
            let used_at = entry.metadata().and_then(|metadata| metadata.modified());
            let is_old =
                used_at.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > KEPT_FOR));
            if is_lock && is_old && is_unlocked(&entry.path()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Removes the files of this process.
    pub(crate) fn release(&self) {
        for (replica, file) in std::mem::take(&mut *lock(&self.held)) {
            // First removed, then unlocked: an unlocked file would show a crash.
            let _ = std::fs::remove_file(self.path(&replica));
            drop(file);
        }
    }
}

impl Drop for ReplicaFiles {
    fn drop(&mut self) {
        self.release();
    }
}

/// Returns whether the file is still the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let places = file
        .metadata()
        .and_then(|own| Ok((own, std::fs::metadata(path)?)));
    places.is_ok_and(|(own, other)| (own.dev(), own.ino()) == (other.dev(), other.ino()))
}

/// Sets the file's time of change to the current time.
fn mark_used(file: &File) -> Result<(), Error> {
    let process = format!("{}\n", std::process::id());
    file.write_all_at(process.as_bytes(), 0)
}

fn is_unlocked(path: &Path) -> bool {
    // A shared lock, so that two processes that look at the same time do not disturb each other.
    let lock = File::open(path).and_then(|file| file.try_lock_shared().map_err(Error::from));
    lock.is_ok()
}

/// Returns whether this is the id of a replica, not a path.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
