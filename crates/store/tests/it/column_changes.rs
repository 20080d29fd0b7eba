//! The app changes the columns of the shared tables while replicas run.

use evergrant_store::Store;
use evergrant_testkit::TestDatabase;
use tokio::task::JoinSet;

use crate::support::connect;

/// Reads connections on several sessions at once.
async fn read_on_many_sessions(store: &Store) {
    let mut reads = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        reads.spawn(async move { store.connections().check_readable().await });
    }
    for read in reads.join_all().await {
        read.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_succeed_after_column_has_changed_its_type() {
    let database = TestDatabase::postgres().await;
    let store = database.store().await;
    connect(&store, "reddit", "juniper").await;
    read_on_many_sessions(&store).await;
    database
        .execute("ALTER TABLE oauth_accounts ALTER COLUMN provider TYPE varchar(100)")
        .await;
    read_on_many_sessions(&store).await;
}
