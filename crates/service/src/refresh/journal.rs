//! The refresh journal: a copy on disk of refreshed tokens that the database has not accepted yet.
//!
//! Each process has one file, which it locks while it runs. The tokens are encrypted, and flushed
//! to disk before any caller receives them. The next process that starts with the same folder takes
//! over the file of a process that has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use evergrant_resilience::lock;
use serde::{Deserialize, Serialize};

use crate::refresh::record::Record;

/// The file extension of journals.
const EXTENSION: &str = "journal";

/// One entry of a journal; each is a line of JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Entry {
    /// A record that is not stored in the database yet.
    Pending(Box<Record>),
    /// The record with this key is stored or obsolete.
    Settled { connection: i32, attempt: i64 },
}

/// The journal of this process.
pub(crate) struct Journal {
    path: PathBuf,
    contents: Mutex<Contents>,
}

/// The open file and what it contains.
struct Contents {
    file: File,
    /// The length of the complete lines, in bytes.
    bytes: u64,
    /// Whether an incomplete line may follow them.
    is_torn: bool,
    /// The records in the file that are not settled, by connection and attempt.
    unsettled: BTreeSet<(i32, i64)>,
}

impl Journal {
    /// Creates a journal in `folder`, and returns it with the unsettled records of ended processes.
    ///
    /// # Errors
    ///
    /// An I/O error if the journal cannot be created or the folder cannot be read.
    pub(crate) fn open(folder: &Path, owner: &str) -> Result<(Self, Vec<Record>), Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let (path, unlocked) = paths(folder, owner);
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .open(&unlocked)?;
        file.try_lock().map_err(Error::from)?;
        // The file gets its final name only after it is locked, because an unlocked journal is
        // taken for that of an ended process.
        std::fs::rename(&unlocked, &path)?;
        File::open(folder)?.sync_all()?;
        let journal = Self {
            path,
            contents: Mutex::new(Contents {
                file,
                bytes: 0,
                is_torn: false,
                unsettled: BTreeSet::new(),
            }),
        };
        let mut inherited = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let other = entry?.path();
            let is_journal = other.extension().is_some_and(|text| text == EXTENSION);
            if is_journal && other != journal.path {
                inherited.extend(journal.take_over(&other)?);
            }
        }
        Ok((journal, inherited))
    }

    /// Copies the unsettled records of an ended process into this journal, then removes its file.
    /// Returns no records if the process is running or the file is gone. A folder, or a file that
    /// may not be read, is reported and left alone.
    fn take_over(&self, other: &Path) -> Result<Vec<Record>, Error> {
        let file = match open_file(other) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                tracing::error!(
                    path = %other.display(),
                    error = &error as &dyn std::error::Error,
                    "ignored a refresh journal that cannot be read; refreshed tokens in it are not stored"
                );
                return Ok(Vec::new());
            }
        };
        if file.try_lock().is_err() {
            // The lock shows that its process is running.
            return Ok(Vec::new());
        }
        let records = unsettled_in(&file);
        for record in &records {
            self.add(record)?;
        }
        // If another process took it over at the same time, both write its records, and each is
        // stored only once.
        remove_if_present(other)?;
        Ok(records)
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }

    /// Writes a record. It is flushed to disk when this returns.
    ///
    /// # Errors
    ///
    /// An I/O error if the record cannot be written; earlier records are unaffected.
    pub(crate) fn add(&self, record: &Record) -> Result<(), Error> {
        let mut contents = self.contents();
        contents.append(&Entry::Pending(Box::new(record.clone())))?;
        contents.unsettled.insert(record.key());
        Ok(())
    }

    /// Marks a record as stored or obsolete. Does nothing if it is not in this journal.
    ///
    /// # Errors
    ///
    /// An I/O error if the mark cannot be written.
    pub(crate) fn settle(&self, record: &Record) -> Result<(), Error> {
        let mut contents = self.contents();
        if !contents.unsettled.remove(&record.key()) {
            return Ok(());
        }
        if !contents.unsettled.is_empty() {
            return contents.append(&Entry::Settled {
                connection: record.connection,
                attempt: record.attempt,
            });
        }
        contents.truncate(0)?;
        contents.file.sync_data()
    }
}

impl Contents {
    /// Appends an entry and flushes it to disk.
    fn append(&mut self, entry: &Entry) -> Result<(), Error> {
        self.append_with(entry, |mut file, text| {
            file.write_all(text)?;
            file.sync_data()
        })
    }

    /// Appends an entry by `write`. An entry that cannot be written is removed again, at the latest
    /// before the next one: an incomplete line would make that unreadable.
    fn append_with(
        &mut self,
        entry: &Entry,
        write: impl FnOnce(&File, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut text = serde_json::to_vec(entry)?;
        text.push(b'\n');
        if self.is_torn {
            self.truncate(self.bytes)?;
        }
        if let Err(error) = write(&self.file, &text) {
            self.is_torn = true;
            // A disk that rejects writes may reject this too.
            let _ = self.truncate(self.bytes);
            return Err(error);
        }
        self.bytes += u64::try_from(text.len()).unwrap_or(0);
        Ok(())
    }

    /// Shortens the file to this length.
    fn truncate(&mut self, bytes: u64) -> Result<(), Error> {
        self.file.set_len(bytes)?;
        (self.bytes, self.is_torn) = (bytes, false);
        Ok(())
    }
}

impl Drop for Journal {
    /// Deletes the file if all records are settled.
    fn drop(&mut self) {
        if self.contents().unsettled.is_empty() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Returns the path of a process's journal, and its path before it is locked.
fn paths(folder: &Path, owner: &str) -> (PathBuf, PathBuf) {
    (
        folder.join(format!("refreshes-{owner}.{EXTENSION}")),
        folder.join(format!("refreshes-{owner}.new")),
    )
}

/// Opens a regular file. Opening a named pipe would wait for a writer.
fn open_file(path: &Path) -> Result<File, Error> {
    if std::fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(Error::new(ErrorKind::InvalidInput, "not a regular file"))
    }
}

/// Removes a file, unless it is gone already.
fn remove_if_present(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Returns the unsettled records of a journal. An incomplete line is skipped: the process ended
/// while it wrote it.
fn unsettled_in(file: &File) -> Vec<Record> {
    let mut unsettled = BTreeMap::new();
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Entry::Pending(record)) => drop(unsettled.insert(record.key(), *record)),
            Ok(Entry::Settled {
                connection,
                attempt,
            }) => drop(unsettled.remove(&(connection, attempt))),
            Err(_) => tracing::warn!("skipped an incomplete line of the refresh journal"),
        }
    }
    unsettled.into_values().collect()
}

#[cfg(test)]
mod tests;
