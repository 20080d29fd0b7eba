//! Migrations: applied once, by one of several processes, and compatible with newer schemas.

use evergrant_store::{Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{connect, reload};

on_both_databases!(
    second_migration_changes_nothing,
    pending_migrations_are_listed_until_applied,
    processes_can_migrate_concurrently,
    newer_schema_is_accepted,
    interrupted_migration_is_rejected,
);

async fn second_migration_changes_nothing(database: TestDatabase) {
    let database = database.without_schema().await;
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let before = database.contents().await;
    store.migrate().await.unwrap();
    assert_eq!(database.contents().await, before);
    assert_eq!(reload(&store, &connection).await.id, connection.id);
}

async fn pending_migrations_are_listed_until_applied(database: TestDatabase) {
    let database = database.without_schema().await;
    let store = Store::open(&database.url).await.unwrap();
    for _ in 0..2 {
        let pending = store.pending_migrations().await.unwrap();
        assert_eq!(pending, ["1 initial"], "listing applies nothing");
    }
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), [""; 0]);
}

async fn processes_can_migrate_concurrently(database: TestDatabase) {
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
    assert_eq!(database.contents().await["evergrant_migrations"].len(), 1);
    connect(&database.store().await, "reddit", "juniper").await;
}

async fn newer_schema_is_accepted(database: TestDatabase) {
    let store = database.store().await;
    let success = if database.is_postgres() { "true" } else { "1" };
    let columns = "version, description, success, checksum, execution_time";
    for version in [2, 3, 999] {
        let row = format!("{version}, 'later', {success}, '', 0");
        let insert = format!("INSERT INTO evergrant_migrations ({columns}) VALUES ({row})");
        database.execute(&insert).await;
    }
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), [""; 0]);
    connect(&store, "reddit", "juniper").await;
}

async fn interrupted_migration_is_rejected(database: TestDatabase) {
    let store = database.store().await;
    let success = if database.is_postgres() { "false" } else { "0" };
    database
        .execute(&format!(
            "UPDATE evergrant_migrations SET success = {success}"
        ))
        .await;
    let migrated = store.migrate().await;
    let Err(StoreError::Migration { reason, .. }) = migrated else {
        panic!("{migrated:?}");
    };
    assert_eq!(
        reason,
        "migration 1 was interrupted; delete its row from evergrant_migrations and migrate again"
    );
}
