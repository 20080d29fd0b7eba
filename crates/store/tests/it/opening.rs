//! Opening a database: only addresses we understand, and a file for nobody but its owner.

use std::os::unix::fs::PermissionsExt;

use evergrant_store::{Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases, on_sqlite};

use crate::support::{connect, new_user};

on_both_databases!(
    what_was_just_written_is_read,
    a_closed_database_fails_without_harm
);
on_sqlite!(the_file_is_for_its_owner_alone);

#[tokio::test]
async fn refuses_addresses_of_no_known_form() {
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
async fn no_error_repeats_the_address() {
    // One that cannot be read, and one where nobody listens.
    for url in [
        "postgres://app:hush@[bad/evergrant",
        "postgres://app:hush@127.0.0.1:1/evergrant",
    ] {
        let error = Store::open(url).await.unwrap_err();
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| {
            error.source()
        });
        let told: Vec<_> = chain.map(|error| format!("{error} {error:?}")).collect();
        assert!(!told.concat().contains("hush"), "{told:?}");
    }
}

async fn the_file_is_for_its_owner_alone(database: TestDatabase) {
    let path = database.url.strip_prefix("sqlite://").unwrap();
    let files = ["", "-wal", "-shm"].map(|ending| format!("{path}{ending}"));
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
    assert_eq!(modes(), [0o600; 3], "a file that was there");
}

/// SQLite's readers are other connections than its writer.
async fn what_was_just_written_is_read(database: TestDatabase) {
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

async fn a_closed_database_fails_without_harm(database: TestDatabase) {
    let store = database.store().await;
    store.ping().await.unwrap();
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Database(_))));
}
