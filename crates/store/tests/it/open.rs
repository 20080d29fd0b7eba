//! Opening and closing a database.

use std::os::unix::fs::PermissionsExt;

use evergrant_store::{Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases, on_sqlite};

use crate::support::{connect, new_user};

on_both_databases!(
    committed_write_is_visible_to_readers,
    closed_database_returns_error
);
on_sqlite!(database_file_is_accessible_to_owner_only);

#[tokio::test]
async fn malformed_urls_are_rejected() {
    for url in [
        "",
        "evergrant.db",
        "mysql://db/evergrant",
        "sqlite://",
        "sqlite://:memory:",
        "sqlite://?mode=rwc",
    ] {
        let opened = Store::open(url).await;
        assert!(
            matches!(opened, Err(StoreError::Address(_))),
            "{url}: {opened:?}"
        );
    }
}

#[tokio::test]
async fn errors_do_not_contain_url() {
    // A malformed URL, and one where no server listens.
    for url in [
        "postgres://app:hush@[bad/evergrant",
        "postgres://app:hush@127.0.0.1:1/evergrant",
    ] {
        let error = Store::open(url).await.unwrap_err();
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| {
            error.source()
        });
        let texts: Vec<_> = chain.map(|error| format!("{error} {error:?}")).collect();
        assert!(!texts.concat().contains("hush"), "{texts:?}");
    }
}

async fn database_file_is_accessible_to_owner_only(database: TestDatabase) {
    let path = database.url.strip_prefix("sqlite://").unwrap();
    let files = ["", "-wal", "-shm"].map(|suffix| format!("{path}{suffix}"));
    let modes = || {
        files
            .each_ref()
            .map(|file| std::fs::metadata(file).unwrap().permissions().mode() & 0o777)
    };
    let store = database.store().await;
    assert_eq!(modes(), [0o600; 3], "a new file");
    store.close().await;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = database.store().await;
    connect(&store, "reddit", "juniper").await;
    assert_eq!(modes(), [0o600; 3], "an existing file");
}

/// On SQLite, reads and writes use different connections.
#[tokio::test]
async fn path_of_a_folder_is_rejected_and_keeps_its_mode() {
    let folder = std::env::temp_dir().join(format!("evergrant-folder-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let mode = || std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
    let before = mode();
    let opened = Store::open(&format!("sqlite://{}", folder.display())).await;
    let after = mode();
    std::fs::remove_dir(&folder).unwrap();
    assert!(opened.is_err());
    assert_eq!(after, before);
}

async fn committed_write_is_visible_to_readers(database: TestDatabase) {
    let store = database.store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..25 {
                let user = new_user(&store).await;
                assert!(store.users().by_id(user).await.unwrap().is_some());
            }
        });
    }
    tasks.join_all().await;
}

async fn closed_database_returns_error(database: TestDatabase) {
    let store = database.store().await;
    store.ping().await.unwrap();
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Database(_))));
}
