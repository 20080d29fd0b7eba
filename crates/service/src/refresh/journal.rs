//! Refreshed tokens on disk, for as long as the database does not accept them.
//!
//! Each process has one file, which it locks while it runs. A pair is encrypted and flushed before
//! any caller relies on it. The next process that starts with the same folder takes over the file
//! of a process that has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use evergrant_resilience::lock;
use serde::{Deserialize, Serialize};

use crate::refresh::record::Record;

const ENDING: &str = "journal";

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// A pair that is not stored yet.
    Waiting(Box<Record>),
    /// A pair that is stored, or no longer needed.
    Settled { connection: i32, attempt: i64 },
}

/// The journal of this process.
pub(crate) struct Journal {
    path: PathBuf,
    written: Mutex<Written>,
}

struct Written {
    file: File,
    /// The length of the file's complete lines.
    bytes: u64,
    /// The pairs in the file that are not settled, by connection and attempt.
    waiting: BTreeSet<(i32, i64)>,
}

impl Journal {
    /// Creates a journal in `folder` and returns it with the pairs that ended processes left there.
    pub(crate) fn open(folder: &Path, owner: &str) -> Result<(Self, Vec<Record>), Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let (path, unlocked) = names(folder, owner);
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .open(&unlocked)?;
        file.try_lock().map_err(Error::from)?;
        // The file gets its final name only once it is locked: an unlocked journal counts as an
        // ended process's.
        std::fs::rename(&unlocked, &path)?;
        File::open(folder)?.sync_all()?;
        let journal = Self {
            path,
            written: Mutex::new(Written {
                file,
                bytes: 0,
                waiting: BTreeSet::new(),
            }),
        };
        let mut inherited = Vec::new();
        for left in std::fs::read_dir(folder)? {
            let left = left?.path();
            if left != journal.path && left.extension().is_some_and(|ending| ending == ENDING) {
                inherited.extend(journal.take_over(&left)?);
            }
        }
        Ok((journal, inherited))
    }

    /// Copies the pairs of an ended process into this journal, then removes its file.
    fn take_over(&self, left: &Path) -> Result<Vec<Record>, Error> {
        let Ok(file) = File::open(left) else {
            return Ok(Vec::new());
        };
        if file.try_lock().is_err() {
            // Its process is running.
            return Ok(Vec::new());
        }
        let records = waiting_in(&file);
        for record in &records {
            self.add(record)?;
        }
        match std::fs::remove_file(left) {
            // Another process took it over at the same time: a pair that is written twice is stored
            // once.
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(records),
        }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        lock(&self.written)
    }

    /// Writes a pair; it is on disk when this returns.
    pub(crate) fn add(&self, record: &Record) -> Result<(), Error> {
        let mut written = self.written();
        written.append(&Line::Waiting(Box::new(record.clone())))?;
        written.waiting.insert((record.connection, record.attempt));
        Ok(())
    }

    /// Records that a pair is stored, or no longer needed.
    pub(crate) fn settle(&self, record: &Record) -> Result<(), Error> {
        let mut written = self.written();
        if !written.waiting.remove(&(record.connection, record.attempt)) {
            // It was never written here.
            return Ok(());
        }
        if !written.waiting.is_empty() {
            return written.append(&Line::Settled {
                connection: record.connection,
                attempt: record.attempt,
            });
        }
        written.truncate(0)?;
        written.file.sync_data()
    }
}

impl Written {
    fn append(&mut self, line: &Line) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        if let Err(error) = self
            .file
            .write_all(&text)
            .and_then(|()| self.file.sync_data())
        {
            // An incomplete line would make the next one unreadable.
            self.truncate(self.bytes)?;
            return Err(error);
        }
        self.bytes += u64::try_from(text.len()).unwrap_or(0);
        Ok(())
    }

    fn truncate(&mut self, bytes: u64) -> Result<(), Error> {
        self.file.set_len(bytes)?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Journal {
    /// Removes an empty journal.
    fn drop(&mut self) {
        if self.written().waiting.is_empty() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The name of a process's journal, and its name before it is locked.
fn names(folder: &Path, owner: &str) -> (PathBuf, PathBuf) {
    (
        folder.join(format!("refreshes-{owner}.{ENDING}")),
        folder.join(format!("refreshes-{owner}.new")),
    )
}

/// The pairs in a file that were not settled. An incomplete line is skipped.
fn waiting_in(file: &File) -> Vec<Record> {
    let mut waiting = BTreeMap::new();
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Line::Waiting(record)) => {
                drop(waiting.insert((record.connection, record.attempt), *record))
            }
            Ok(Line::Settled {
                connection,
                attempt,
            }) => drop(waiting.remove(&(connection, attempt))),
            Err(_) => tracing::warn!("skipped an incomplete line of the refresh journal"),
        }
    }
    waiting.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "access":"sealed access","refresh":"sealed refresh","status":"connected","issuedAt":"2026-01-01T00:00:00Z",
            "correlationId":"c"}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn connections(records: &[Record]) -> Vec<i32> {
        records.iter().map(|record| record.connection).collect()
    }

    /// What stays on disk when a process is killed: the file, without its lock.
    fn kill(journal: Journal) {
        journal.written().file.unlock().unwrap();
        std::mem::forget(journal);
    }

    #[test]
    fn unsettled_pairs_of_an_ended_process_are_taken_over() {
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
            "taken over means written down"
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
            .written()
            .file
            .write_all(b"{\"waiting\":{\"connec")
            .unwrap();
        kill(first);
        let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert_eq!(connections(&inherited), [1]);
    }

    /// Lets the journal write to this file instead; answers the one that it has written to so far.
    fn write_to(journal: &Journal, file: File) -> File {
        std::mem::replace(&mut journal.written().file, file)
    }

    #[test]
    fn failed_write_keeps_other_pairs() {
        let folder = Folder::new("full");
        let (first, _) = Journal::open(&folder.0, "first").unwrap();
        first.add(&record(1)).unwrap();
        let file = write_to(
            &first,
            OpenOptions::new().write(true).open("/dev/full").unwrap(),
        );
        first.add(&record(2)).unwrap_err();
        write_to(&first, file);
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
        first
            .written()
            .file
            .write_all(b"{\"waiting\":{\"connec")
            .unwrap();
        // As where the disk was full.
        let whole = first.written().bytes;
        first.written().truncate(whole).unwrap();
        first.add(&record(2)).unwrap();
        kill(first);
        let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert_eq!(connections(&inherited), [1, 2]);
    }

    #[test]
    fn journal_of_a_starting_process_is_not_taken_over() {
        let folder = Folder::new("begins");
        let (_first, _) = Journal::open(&folder.0, "first").unwrap();
        let (_, unlocked) = names(&folder.0, "second");
        std::fs::write(&unlocked, b"").unwrap();
        drop(Journal::open(&folder.0, "third").unwrap());
        assert!(unlocked.exists(), "its process has not locked it yet");
    }

    #[test]
    fn file_is_private_and_empty_when_no_pair_waits() {
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
