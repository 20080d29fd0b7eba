//! Behind a connection pooler in transaction mode, which gives each transaction another session.

use std::time::Duration;

use evergrant_store::{Store, StoreError};
use evergrant_testkit::{Pooler, TestDatabase};
use tokio::task::JoinSet;

use crate::support::{RefreshedTokens, connect, reload};

/// PgBouncer accepts start-up options with this line, and drops them.
const DROPS_OPTIONS: &str = "ignore_startup_parameters = extra_float_digits,options";

/// Migrates the database through the pooler and returns a store; `None` if there is no pooler.
async fn migrated(database: &TestDatabase, settings: &str) -> Option<(Pooler, Store)> {
    let pooler = Pooler::start(database.server(), settings)?;
    let store = Store::open(&database.url_through(pooler.address))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), [""; 0]);
    Some((pooler, store))
}

/// Connects and refreshes many accounts at once on five sessions of the server.
async fn assert_works(store: &Store) {
    let mut tasks = JoinSet::new();
    for index in 0..40 {
        let store = store.clone();
        tasks.spawn(async move {
            let connection = connect(&store, "reddit", &format!("account-{index}")).await;
            let tokens = RefreshedTokens::new("second access", None);
            assert!(tokens.store(&store, &connection).await);
            assert_eq!(reload(&store, &connection).await.lease.generation, 2);
            store.connections().check_readable().await.unwrap();
        });
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_works_behind_a_pooler_that_refuses_options() {
    let database = TestDatabase::postgres().await.without_schema().await;
    let Some((_pooler, store)) = migrated(&database, "").await else {
        return;
    };
    assert_works(&store).await;
    assert!(!store.can_listen(), "the pooler delivers no notifications");
    store.notify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_works_behind_a_pooler_that_drops_options() {
    let database = TestDatabase::postgres().await.without_schema().await;
    let Some((_pooler, store)) = migrated(&database, DROPS_OPTIONS).await else {
        return;
    };
    assert_works(&store).await;
    assert!(!store.can_listen());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_address_delivers_notifications_and_must_be_direct() {
    let database = TestDatabase::postgres().await.without_schema().await;
    let Some(pooler) = Pooler::start(database.server(), "") else {
        return;
    };
    let through_pooler = database.url_through(pooler.address);
    let store = Store::open_behind_pooler(&through_pooler, &database.url)
        .await
        .unwrap();
    store.migrate().await.unwrap();
    let mut listener = store.listen("observer").await.unwrap().unwrap();
    store.notify().await.unwrap();
    listener.notified().await.unwrap();
    assert_works(&store).await;
    let refused = Store::open_behind_pooler(&through_pooler, &through_pooler).await;
    assert!(
        matches!(&refused, Err(StoreError::DirectAddress(reason)) if reason.contains("pooler")),
        "{refused:?}"
    );
}

/// A query that waits for a lock is given up. The session of the server behind the pooler is free
/// again while the lock is still held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_up_query_is_cancelled_behind_a_pooler() {
    let database = TestDatabase::postgres().await.without_schema().await;
    let Some((_pooler, store)) = migrated(&database, "").await else {
        return;
    };
    let lock = "LOCK TABLE oauth_accounts IN ACCESS EXCLUSIVE MODE";
    let locker = database.begin(lock).await;
    let mut readers = JoinSet::new();
    for _ in 0..30 {
        let store = store.clone();
        readers.spawn(async move { store.connections().check_readable().await });
    }
    assert!(readers.join_all().await.iter().all(Result::is_err));
    let waiting = "SELECT pid::text FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let cancelled = async {
        while !database.texts(waiting).await.is_empty() {
            tokio::task::yield_now().await;
        }
        store.ping().await.unwrap();
    };
    // Shorter than the time limit of the server, so the client has cancelled the queries.
    tokio::time::timeout(Duration::from_secs(5), cancelled)
        .await
        .unwrap();
    locker.commit().await;
    store.connections().check_readable().await.unwrap();
}

#[tokio::test]
async fn direct_address_of_another_database_is_refused() {
    let database = TestDatabase::postgres().await;
    let other = TestDatabase::postgres().await;
    let refused = Store::open_behind_pooler(&database.url, &other.url).await;
    assert!(
        matches!(&refused, Err(StoreError::DirectAddress(reason)) if reason.contains("another database")),
        "{refused:?}"
    );
    Store::open_behind_pooler(&database.url, &database.url)
        .await
        .unwrap();
}
