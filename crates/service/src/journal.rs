//! Renewed pairs on disk, for as long as the database does not take them.
//!
//! One file a process, locked while the process lives, each pair encrypted and flushed before anybody relies on it. The
//! next process that starts with the same folder takes over what a dead one has left.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Error, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::unstored::Record;

const ENDING: &str = "journal";

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// A pair that waits.
    Waiting(Box<Record>),
    /// A pair that waits no more.
    Settled { connection: i32, attempt: i64 },
}

/// See the module's text.
pub(crate) struct Journal {
    path: PathBuf,
    written: Mutex<Written>,
}

struct Written {
    file: File,
    waiting: usize,
}

impl Journal {
    /// A journal of our own in `folder`, with what processes that are gone have left there.
    pub(crate) fn open(folder: &Path, owner: &str) -> Result<(Self, Vec<Record>), Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("renewals-{owner}.{ENDING}"));
        let file = OpenOptions::new().create_new(true).append(true).read(true).mode(0o600).open(&path)?;
        file.try_lock().map_err(Error::from)?;
        let journal = Self { path, written: Mutex::new(Written { file, waiting: 0 }) };
        let mut inherited = Vec::new();
        for left in std::fs::read_dir(folder)? {
            let left = left?.path();
            if left != journal.path && left.extension().is_some_and(|ending| ending == ENDING) {
                inherited.extend(journal.take_over(&left)?);
            }
        }
        Ok((journal, inherited))
    }

    /// Copies what a dead process has left into our own file, then removes its file.
    fn take_over(&self, left: &Path) -> Result<Vec<Record>, Error> {
        let Ok(file) = File::open(left) else { return Ok(Vec::new()) };
        if file.try_lock().is_err() {
            // Its process lives.
            return Ok(Vec::new());
        }
        let records = waiting_in(&file);
        for record in &records {
            self.add(record)?;
        }
        std::fs::remove_file(left)?;
        Ok(records)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a pair down; it is on disk when this returns.
    pub(crate) fn add(&self, record: &Record) -> Result<(), Error> {
        let mut written = self.written();
        written.append(&Line::Waiting(Box::new(record.clone())))?;
        written.waiting += 1;
        Ok(())
    }

    /// Notes that a pair is stored, or of no use any more.
    pub(crate) fn settle(&self, record: &Record) -> Result<(), Error> {
        let mut written = self.written();
        written.waiting = written.waiting.saturating_sub(1);
        if written.waiting > 0 {
            return written.append(&Line::Settled { connection: record.connection, attempt: record.attempt });
        }
        written.file.set_len(0)?;
        written.file.rewind()?;
        written.file.sync_data()
    }
}

impl Written {
    fn append(&mut self, line: &Line) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()
    }
}

impl Drop for Journal {
    /// An empty journal is of no use to anybody.
    fn drop(&mut self) {
        if self.written().waiting == 0 {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The pairs in a file that were not settled. A line that was cut off in writing says nothing.
fn waiting_in(file: &File) -> Vec<Record> {
    let mut waiting = BTreeMap::new();
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Line::Waiting(record)) => drop(waiting.insert((record.connection, record.attempt), *record)),
            Ok(Line::Settled { connection, attempt }) => drop(waiting.remove(&(connection, attempt))),
            Err(_) => tracing::warn!("a line of a journal was cut off and is left out"),
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
            let folder = std::env::temp_dir().join(format!("evergrant-journal-{name}-{}", std::process::id()));
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
    fn what_a_dead_process_left_is_taken_over_and_what_it_settled_is_not() {
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
        assert_eq!(connections(&inherited), [1, 3], "taken over means written down");
        for record in &inherited {
            third.settle(record).unwrap();
        }
        drop(third);
        assert_eq!(folder.files(), 0);
    }

    #[test]
    fn what_a_living_process_holds_is_its_own() {
        let folder = Folder::new("lives");
        let (first, _) = Journal::open(&folder.0, "first").unwrap();
        first.add(&record(1)).unwrap();
        let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert!(inherited.is_empty());
        assert_eq!(folder.files(), 2);
    }

    #[test]
    fn a_line_that_was_cut_off_costs_nothing_but_itself() {
        let folder = Folder::new("torn");
        let (first, _) = Journal::open(&folder.0, "first").unwrap();
        first.add(&record(1)).unwrap();
        first.written().file.write_all(b"{\"waiting\":{\"connec").unwrap();
        kill(first);
        let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
        assert_eq!(connections(&inherited), [1]);
    }

    #[test]
    fn the_file_is_for_its_owner_alone_and_holds_nothing_when_nothing_waits() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("private");
        let (journal, _) = Journal::open(&folder.0, "first").unwrap();
        journal.add(&record(1)).unwrap();
        let metadata = std::fs::metadata(&journal.path).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.len() > 0), (0o600, true));
        journal.settle(&record(1)).unwrap();
        assert_eq!(std::fs::metadata(&journal.path).unwrap().len(), 0);
    }
}
