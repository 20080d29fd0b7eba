//! The file of a SQLite database: a copy of it, its WAL, and what happens if it is taken away.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use evergrant_store::{BackupError, FileFault, Restoration, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_sqlite};
use sqlx::{Connection, SqliteConnection};

use crate::support::{at, new_user};

on_sqlite!(
    backup_is_a_copy_of_a_database_in_use,
    backup_replaces_a_file_only_on_request,
    backup_replaces_a_closed_database,
    backup_does_not_replace_a_database_in_use,
    damaged_backup_is_refused,
    nothing_is_written_to_a_file_that_was_taken_away,
    large_wal_is_truncated_when_no_reader_needs_it,
);

fn path(database: &TestDatabase) -> PathBuf {
    Path::new(database.url.strip_prefix("sqlite://").unwrap()).to_owned()
}

fn beside(database: &TestDatabase, name: &str) -> PathBuf {
    path(database).with_file_name(name)
}

async fn users(url: &str) -> usize {
    let database = TestDatabase::at(url);
    database.texts("SELECT 'x' FROM users").await.len()
}

async fn restore(url: &str, file: &Path, overwrite: bool) -> Result<(), BackupError> {
    let restoration = Restoration::prepare(url, file, overwrite).await?;
    restoration.open().await?.close().await;
    restoration.finish().await
}

async fn backup_is_a_copy_of_a_database_in_use(database: TestDatabase) {
    let store = database.store().await;
    new_user(&store).await;
    let file = beside(&database, "backup.db");
    store.back_up(&file, false).await.unwrap();
    new_user(&store).await;
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(users(&format!("sqlite://{}", file.display())).await, 1);
    assert_eq!(users(&database.url).await, 2);
}

async fn backup_replaces_a_file_only_on_request(database: TestDatabase) {
    let store = database.store().await;
    let file = beside(&database, "backup.db");
    store.back_up(&file, false).await.unwrap();
    let exists = store.back_up(&file, false).await;
    assert!(matches!(exists, Err(BackupError::Exists(_))), "{exists:?}");
    new_user(&store).await;
    store.back_up(&file, true).await.unwrap();
    assert_eq!(users(&format!("sqlite://{}", file.display())).await, 1);
    let own = store.back_up(&path(&database), true).await;
    assert!(matches!(own, Err(BackupError::SameFile(_))), "{own:?}");
    assert_eq!(users(&database.url).await, 1);
}

async fn backup_replaces_a_closed_database(database: TestDatabase) {
    let store = database.store().await;
    let file = beside(&database, "backup.db");
    store.back_up(&file, false).await.unwrap();
    new_user(&store).await;
    store.close().await;
    let exists = restore(&database.url, &file, false).await;
    assert!(matches!(exists, Err(BackupError::Exists(_))), "{exists:?}");
    assert_eq!(users(&database.url).await, 1);
    restore(&database.url, &file, true).await.unwrap();
    assert_eq!(users(&database.url).await, 0);
    let store = Store::open_existing(&database.url).await.unwrap();
    new_user(&store).await;
}

async fn backup_does_not_replace_a_database_in_use(database: TestDatabase) {
    let store = database.store().await;
    let file = beside(&database, "backup.db");
    store.back_up(&file, false).await.unwrap();
    new_user(&store).await;
    let refused = restore(&database.url, &file, true).await;
    assert!(matches!(refused, Err(BackupError::InUse(_))), "{refused:?}");
    new_user(&store).await;
    assert_eq!(users(&database.url).await, 2);
    assert!(!beside(&database, "evergrant.db.partial").exists());
}

async fn damaged_backup_is_refused(database: TestDatabase) {
    let store = database.store().await;
    for _ in 0..2_000 {
        new_user(&store).await;
    }
    let file = beside(&database, "backup.db");
    store.back_up(&file, false).await.unwrap();
    store.close().await;
    let mut bytes = std::fs::read(&file).unwrap();
    let length = bytes.len();
    bytes[length / 2..length / 2 + 8_192].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let refused = restore(&database.url, &file, true).await;
    assert!(
        matches!(refused, Err(BackupError::Damaged { .. })),
        "{refused:?}"
    );
    assert_eq!(users(&database.url).await, 2_000);
}

async fn nothing_is_written_to_a_file_that_was_taken_away(database: TestDatabase) {
    let store = database.store().await;
    let (file, elsewhere) = (path(&database), beside(&database, "elsewhere.db"));
    std::fs::rename(&file, &elsewhere).unwrap();
    let fault = |store: &Store| store.check_file().err().map(|error| error.fault);
    assert_eq!(fault(&store), Some(FileFault::Removed));
    let refused = store.events().delete_before(at(0)).await;
    assert!(matches!(refused, Err(StoreError::File(_))), "{refused:?}");
    std::fs::copy(&elsewhere, &file).unwrap();
    assert_eq!(fault(&store), Some(FileFault::Replaced));
    std::fs::remove_file(&file).unwrap();
    std::fs::rename(&elsewhere, &file).unwrap();
    assert_eq!(fault(&store), None);
    new_user(&store).await;
}

async fn large_wal_is_truncated_when_no_reader_needs_it(database: TestDatabase) {
    let store = database.store().await;
    let size = || {
        std::fs::metadata(beside(&database, "evergrant.db-wal"))
            .unwrap()
            .len()
    };
    let mut reader = SqliteConnection::connect(&database.url).await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM users")
        .fetch_one(&mut *reading)
        .await
        .unwrap();
    let name = "n".repeat(200);
    let insert = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO users (name) SELECT '{name}' FROM n"
    );
    database.execute(&insert).await;
    assert!(size() > 20 << 20, "{} bytes", size());
    assert!(!store.truncate_wal().await.unwrap(), "a reader needs it");
    drop(reading);
    reader.close().await.unwrap();
    assert!(store.truncate_wal().await.unwrap());
    assert_eq!(size(), 0);
    assert!(!store.truncate_wal().await.unwrap(), "it is small");
}
