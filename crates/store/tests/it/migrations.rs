//! Migrations: applied once, by whoever comes first, and no trouble to whoever comes late.

use evergrant_store::{Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{again, connect};

on_both_databases!(
    migrating_twice_is_migrating_once,
    pending_migrations_are_told_and_then_gone,
    processes_may_migrate_at_once,
    a_newer_schema_is_tolerated,
    a_changed_migration_is_refused,
);

async fn migrating_twice_is_migrating_once(database: TestDatabase) {
    let database = database.without_schema().await;
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let before = database.contents().await;
    store.migrate().await.unwrap();
    assert_eq!(database.contents().await, before);
    assert_eq!(again(&store, &held).await.id, held.id);
}

async fn pending_migrations_are_told_and_then_gone(database: TestDatabase) {
    let database = database.without_schema().await;
    let store = Store::open(&database.url).await.unwrap();
    assert_eq!(
        store.pending_migrations().await.unwrap(),
        ["1 first", "2 renewal", "3 console"]
    );
    assert_eq!(
        store.pending_migrations().await.unwrap(),
        ["1 first", "2 renewal", "3 console"],
        "asking applies nothing"
    );
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), [""; 0]);
}

async fn processes_may_migrate_at_once(database: TestDatabase) {
    let database = database.without_schema().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = database.url.clone();
        tasks.spawn(async move {
            let store = Store::open(&url).await.unwrap();
            store.migrate().await.unwrap();
            store.close().await;
        });
    }
    tasks.join_all().await;
    assert_eq!(database.contents().await["evergrant_migrations"].len(), 3);
    connect(&database.store().await, "reddit", "juniper").await;
}

async fn a_newer_schema_is_tolerated(database: TestDatabase) {
    let store = database.store().await;
    let success = if database.is_postgres() { "true" } else { "1" };
    let columns = "version, description, success, checksum, execution_time";
    database
        .execute(&format!(
            "INSERT INTO evergrant_migrations ({columns}) VALUES (999, 'later', {success}, '', 0)"
        ))
        .await;
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), [""; 0]);
    connect(&store, "reddit", "juniper").await;
}

async fn a_changed_migration_is_refused(database: TestDatabase) {
    let store = database.store().await;
    database
        .execute("UPDATE evergrant_migrations SET checksum = '' WHERE version = 1")
        .await;
    let migrated = store.migrate().await;
    assert!(
        matches!(migrated, Err(StoreError::Migration(_))),
        "{migrated:?}"
    );
}
