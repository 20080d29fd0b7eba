//! The journal's file: records of ended processes, and writes that fail.

use super::*;

/// A temporary folder, deleted when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("evergrant-journal-{name}-{}", std::process::id()));
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
fn entries_that_are_no_readable_files_are_left_alone() {
    let folder = Folder::new("foreign");
    let (first, _) = Journal::open(&folder.0, "first").unwrap();
    first.add(&record(1)).unwrap();
    kill(first);
    std::fs::create_dir(folder.0.join("refreshes-x.journal")).unwrap();
    let missing = folder.0.join("missing");
    std::os::unix::fs::symlink(missing, folder.0.join("link.journal")).unwrap();
    let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
    assert_eq!(connections(&inherited), [1]);
    assert_eq!(folder.files(), 3);
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

/// Writes like a disk that becomes full.
fn write_half(mut file: &File, text: &[u8]) -> Result<(), Error> {
    file.write_all(&text[..text.len() / 2])?;
    Err(Error::from(ErrorKind::StorageFull))
}

#[test]
fn incomplete_line_that_stayed_is_truncated_before_the_next_write() {
    let folder = Folder::new("stuck");
    let (first, _) = Journal::open(&folder.0, "first").unwrap();
    first.add(&record(1)).unwrap();
    // A file that cannot be truncated.
    let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    let file = redirect(&first, null);
    let entry = Entry::Pending(Box::new(record(2)));
    let failed = first
        .contents()
        .append_with(&entry, |_, text| write_half(&file, text));
    failed.unwrap_err();
    redirect(&first, file);
    first.add(&record(3)).unwrap();
    kill(first);
    let (_second, inherited) = Journal::open(&folder.0, "second").unwrap();
    assert_eq!(connections(&inherited), [1, 3]);
}

#[test]
fn incomplete_line_is_truncated_when_the_write_fails() {
    let folder = Folder::new("half");
    let (first, _) = Journal::open(&folder.0, "first").unwrap();
    first.add(&record(1)).unwrap();
    let entry = Entry::Pending(Box::new(record(2)));
    let failed = first.contents().append_with(&entry, write_half);
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::StorageFull);
    let length = std::fs::metadata(&first.path).unwrap().len();
    assert_eq!(
        length,
        first.contents().bytes,
        "only complete lines are left"
    );
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
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder.0), mode(&journal.path)), (0o700, 0o600));
    let written = std::fs::metadata(&journal.path).unwrap().len();
    assert!(written > 0);
    journal.settle(&record(2)).unwrap();
    assert_eq!(
        std::fs::metadata(&journal.path).unwrap().len(),
        written,
        "a record that is not in the journal is not marked"
    );
    journal.settle(&record(1)).unwrap();
    assert_eq!(std::fs::metadata(&journal.path).unwrap().len(), 0);
}

#[test]
fn removal_of_a_journal_fails_unless_it_is_gone() {
    let folder = Folder::new("stays");
    let other = folder.0.join(format!("other.{EXTENSION}"));
    // Like a file without the permission to remove it, also for root.
    std::fs::create_dir_all(&other).unwrap();
    assert!(remove_if_present(&other).is_err());
    std::fs::remove_dir(&other).unwrap();
    remove_if_present(&other).unwrap();
}
