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
    /// Returns no records if the process is running or the file is gone.
    fn take_over(&self, other: &Path) -> Result<Vec<Record>, Error> {
        let Ok(file) = File::open(other) else {
            return Ok(Vec::new());
        };
        if file.try_lock().is_err() {
            // The lock shows that its process is running.
            return Ok(Vec::new());
        }
        let records = unsettled_in(&file);
        for record in &records {
            self.add(record)?;
        }
        match std::fs::remove_file(other) {
            // If another process took it over at the same time, both write its records, and each is
            // stored only once.
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(records),
        }
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

    /// Appends an entry by `write`. An entry that cannot be written is removed again.
    fn append_with(
        &mut self,
        entry: &Entry,
        write: impl FnOnce(&File, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut text = serde_json::to_vec(entry)?;
        text.push(b'\n');
        if let Err(error) = write(&self.file, &text) {
            // An incomplete line would make the next one unreadable.
            self.truncate(self.bytes)?;
            return Err(error);
        }
        self.bytes += u64::try_from(text.len()).unwrap_or(0);
        Ok(())
    }

    /// Shortens the file to this length.
    fn truncate(&mut self, bytes: u64) -> Result<(), Error> {
        self.file.set_len(bytes)?;
        self.bytes = bytes;
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
mod tests {
    use super::*;

    /// A temporary folder, deleted when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir()
                .join(format!("evergrant-journal-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            Self(folder)
        }

        fn files(&self) -> usize {
            std::fs::read_dir(&self.0).unwrap().count()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn record(connection: i32) -> Record {
        let text = format!(
            r#"{{"connection":{connection},"provider":"acme","account":"a","generation":1,"attempt":2,"takenAtMs":3,
            "access":"encrypted access","refresh":"encrypted refresh","status":"connected","issuedAt":"2026-01-01T00:00:00Z",
            "correlationId":"c"}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn connections(records: &[Record]) -> Vec<i32> {
        records.iter().map(|record| record.connection).collect()
    }

    /// Simulates a killed process: the file stays on disk without its lock.
    fn kill(journal: Journal) {
        journal.contents().file.unlock().unwrap();
        std::mem::forget(journal);
    }

    #[test]
    fn unsettled_records_of_an_ended_process_are_taken_over() {
        let folder = Folder::new("inherits");
        let (first, inherited) = Journal::open(&folder.0, "first").unwrap();
        assert!(inherited.is_empty());
        for connection in 1..=3 {
            first.add(&record(connection)).unwrap();
        }
        first.settle(&record(2)).unwrap();
        kill(first);
        let (second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert_eq!(connections(&inherited), [1, 3]);
        assert_eq!(folder.files(), 1);
        kill(second);
        let (third, inherited) = Journal::open(&folder.0, "third").unwrap();
        assert_eq!(
            connections(&inherited),
            [1, 3],
            "records that were taken over are written to the new journal"
        );
        for record in &inherited {
            third.settle(record).unwrap();
        }
        drop(third);
        assert_eq!(folder.files(), 0);
    }

    #[test]
    fn journal_of_a_running_process_is_not_taken_over() {
        let folder = Folder::new("lives");
        let (first, _) = Journal::open(&folder.0, "first").unwrap();
        first.add(&record(1)).unwrap();
        let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert!(inherited.is_empty());
        assert_eq!(folder.files(), 2);
    }

    #[test]
    fn incomplete_line_is_skipped() {
        let folder = Folder::new("torn");
        let (first, _) = Journal::open(&folder.0, "first").unwrap();
        first.add(&record(1)).unwrap();
        first
            .contents()
            .file
            .write_all(b"{\"pending\":{\"connec")
            .unwrap();
        kill(first);
        let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert_eq!(connections(&inherited), [1]);
    }

    /// Redirects the journal's writes to `file` and returns the previous file.
    fn redirect(journal: &Journal, file: File) -> File {
        std::mem::replace(&mut journal.contents().file, file)
    }

    #[test]
    fn failed_write_keeps_other_records() {
        let folder = Folder::new("full");
        let (first, _) = Journal::open(&folder.0, "first").unwrap();
        first.add(&record(1)).unwrap();
        let file = redirect(
            &first,
            OpenOptions::new().write(true).open("/dev/full").unwrap(),
        );
        first.add(&record(2)).unwrap_err();
        redirect(&first, file);
        first.settle(&record(2)).unwrap();
        kill(first);
        let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert_eq!(connections(&inherited), [1]);
    }

    #[test]
    fn incomplete_line_is_truncated_before_the_next_write() {
        let folder = Folder::new("half");
        let (first, _) = Journal::open(&folder.0, "first").unwrap();
        first.add(&record(1)).unwrap();
        let entry = Entry::Pending(Box::new(record(2)));
        let disk_becomes_full = |mut file: &File, text: &[u8]| {
            file.write_all(&text[..20])?;
            Err(Error::from(ErrorKind::StorageFull))
        };
        let failed = first.contents().append_with(&entry, disk_becomes_full);
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::StorageFull);
        first.add(&record(3)).unwrap();
        kill(first);
        let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert_eq!(connections(&inherited), [1, 3]);
    }

    #[test]
    fn journal_of_a_starting_process_is_not_taken_over() {
        let folder = Folder::new("begins");
        let (_first, _) = Journal::open(&folder.0, "first").unwrap();
        let (_, unlocked) = paths(&folder.0, "second");
        std::fs::write(&unlocked, b"").unwrap();
        drop(Journal::open(&folder.0, "third").unwrap());
        assert!(
            unlocked.exists(),
            "a file under its first name is not taken over"
        );
    }

    #[test]
    fn file_is_private_and_empty_once_all_records_are_settled() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("private");
        let (journal, _) = Journal::open(&folder.0, "first").unwrap();
        journal.add(&record(1)).unwrap();
        let metadata = std::fs::metadata(&journal.path).unwrap();
        assert_eq!(
            (metadata.permissions().mode() & 0o777, metadata.len() > 0),
            (0o600, true)
        );
        journal.settle(&record(1)).unwrap();
        assert_eq!(std::fs::metadata(&journal.path).unwrap().len(), 0);
    }
}
