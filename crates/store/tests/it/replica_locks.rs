//! Locks that show whether the process that took a lease is alive.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use evergrant_resilience::refresh::lease::{AttemptOutcome, LeaseRequest, RefreshPolicy};
use evergrant_store::{Connection, LeaseAnswer, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres, on_sqlite};

use crate::support::{STRICT, at, connect, failure, trace};

on_sqlite!(
    lease_of_a_killed_process_is_taken_over_at_once,
    lease_of_a_closed_store_is_not_taken_over_early,
    file_that_does_not_name_a_replica_proves_nothing,
    files_of_ended_processes_are_removed_a_minute_after_their_last_lease,
);
on_postgres!(
    ended_session_ends_leases_only_where_replays_are_accepted,
    lease_taken_without_a_lock_is_not_taken_over_early,
    replica_that_lost_its_session_does_not_claim_its_lock,
    lock_returns_with_the_session_and_ends_leases_for_others_only,
);
on_both_databases!(lease_that_outlives_its_attempt_is_not_taken_over_early);

/// A provider that accepts refresh tokens any number of times.
const STEADY: RefreshPolicy = RefreshPolicy {
    rotates: false,
    ..STRICT
};

/// Requests the lease for a replica. Returns how long the token was in doubt if it is granted.
async fn request(
    store: &Store,
    connection: &Connection,
    replica: &str,
    refresh_policy: RefreshPolicy,
) -> Option<Option<i64>> {
    let request = LeaseRequest {
        known_generation: connection.lease.generation,
        database_up_for_ms: i64::MAX,
        refresh_policy,
    };
    let (refreshes, id) = (store.refreshes(), connection.id);
    let is_over = refreshes.is_lease_over(id, request, replica).await.unwrap();
    let answer = refreshes.take_lease(id, request, replica, at(20)).await;
    match answer.unwrap() {
        LeaseAnswer::Leased(leased) => {
            assert!(is_over, "the look at the lease agrees");
            Some(leased.ticket.in_doubt_for_ms)
        }
        LeaseAnswer::Busy { .. } => {
            assert!(!is_over, "the look at the lease agrees");
            None
        }
        other => panic!("{other:?}"),
    }
}

/// Returns the path of the lock file of a replica.
fn lock_file(database: &TestDatabase, replica: &str) -> PathBuf {
    let path = database.url.strip_prefix("sqlite://").unwrap();
    format!("{path}-replica-{replica}").into()
}

/// Makes the current lease one of this replica.
async fn give_lease_to(database: &TestDatabase, replica: &str) {
    let update = format!("UPDATE evergrant_connections SET lease_lock = '{replica}'");
    database.execute(&update).await;
}

async fn lease_of_a_killed_process_is_taken_over_at_once(database: TestDatabase) {
    let (first, second) = (database.store().await, database.store().await);
    let connection = connect(&first, "reddit", "juniper").await;
    assert_eq!(
        request(&first, &connection, "one", STRICT).await,
        Some(None)
    );
    assert_eq!(request(&second, &connection, "two", STEADY).await, None);
    // What a killed process leaves: its file, without a lock.
    File::create(lock_file(&database, "killed")).unwrap();
    give_lease_to(&database, "killed").await;
    let granted = request(&second, &connection, "two", STRICT).await;
    let in_doubt_for_ms = granted.unwrap().unwrap();
    assert!((0..10_000).contains(&in_doubt_for_ms), "{in_doubt_for_ms}");
    assert_eq!(
        request(&first, &connection, "one", STEADY).await,
        None,
        "the second process lives"
    );
}

async fn lease_of_a_closed_store_is_not_taken_over_early(database: TestDatabase) {
    let (first, second) = (database.store().await, database.store().await);
    let connection = connect(&first, "reddit", "juniper").await;
    assert!(request(&first, &connection, "one", STRICT).await.is_some());
    assert!(lock_file(&database, "one").exists());
    first.close().await;
    assert!(!lock_file(&database, "one").exists(), "nothing is left");
    assert_eq!(request(&second, &connection, "two", STRICT).await, None);
}

async fn file_that_does_not_name_a_replica_proves_nothing(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(request(&store, &connection, "one", STRICT).await.is_some());
    std::fs::create_dir(lock_file(&database, "")).unwrap();
    for id in ["", "/../evergrant.db"] {
        give_lease_to(&database, id).await;
        assert_eq!(request(&store, &connection, "two", STEADY).await, None);
    }
    assert!(request(&store, &connection, "../x", STRICT).await.is_none());
}

async fn files_of_ended_processes_are_removed_a_minute_after_their_last_lease(
    database: TestDatabase,
) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let [recent, old, running] =
        ["recent", "old", "running"].map(|id| File::create(lock_file(&database, id)).unwrap());
    let now = recent.metadata().unwrap().modified().unwrap();
    for file in [&old, &running] {
        file.set_modified(now - Duration::from_mins(2)).unwrap();
    }
    drop((recent, old));
    running.try_lock().unwrap();
    assert!(request(&store, &connection, "one", STRICT).await.is_some());
    let exists = |id| lock_file(&database, id).exists();
    assert_eq!(
        ["recent", "old", "running", "one"].map(exists),
        [true, false, true, true]
    );
}

/// Waits until the session that holds a replica's lock is gone.
async fn wait_for_no_lock(database: &TestDatabase) {
    let held = "SELECT 'x' FROM pg_locks WHERE locktype = 'advisory' AND classid = 1163282258
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while !database.texts(held).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn ended_session_ends_leases_only_where_replays_are_accepted(database: TestDatabase) {
    let (first, second) = (database.store().await, database.store().await);
    let connection = connect(&first, "reddit", "juniper").await;
    let session = first.listen("one").await.unwrap().unwrap();
    assert!(request(&first, &connection, "one", STRICT).await.is_some());
    assert_eq!(request(&second, &connection, "two", STEADY).await, None);
    drop(session);
    wait_for_no_lock(&database).await;
    assert_eq!(request(&second, &connection, "two", STRICT).await, None);
    let tolerant = RefreshPolicy {
        replay_window_ms: 60_000,
        ..STRICT
    };
    let granted = request(&second, &connection, "two", tolerant).await;
    assert!(granted.is_some_and(|in_doubt_for_ms| in_doubt_for_ms.is_some()));
}

async fn lease_taken_without_a_lock_is_not_taken_over_early(database: TestDatabase) {
    let (first, second) = (database.store().await, database.store().await);
    let connection = connect(&first, "reddit", "juniper").await;
    assert!(request(&first, &connection, "one", STRICT).await.is_some());
    assert_eq!(request(&second, &connection, "two", STEADY).await, None);
}

async fn replica_that_lost_its_session_does_not_claim_its_lock(database: TestDatabase) {
    let (first, second) = (database.store().await, database.store().await);
    let connection = connect(&first, "reddit", "juniper").await;
    let _session = first.listen("one").await.unwrap().unwrap();
    database
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE locktype = 'advisory' AND classid = 1163282258
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .await;
    wait_for_no_lock(&database).await;
    assert!(request(&first, &connection, "one", STRICT).await.is_some());
    assert_eq!(request(&second, &connection, "two", STEADY).await, None);
}

async fn lock_returns_with_the_session_and_ends_leases_for_others_only(database: TestDatabase) {
    let (first, second) = (database.store().await, database.store().await);
    let connection = connect(&first, "reddit", "juniper").await;
    drop(first.listen("one").await.unwrap().unwrap());
    let session = first.listen("one").await.unwrap().unwrap();
    assert!(request(&first, &connection, "one", STRICT).await.is_some());
    assert_eq!(request(&second, &connection, "two", STEADY).await, None);
    drop(session);
    wait_for_no_lock(&database).await;
    assert_eq!(request(&first, &connection, "one", STEADY).await, None);
    assert!(request(&second, &connection, "two", STEADY).await.is_some());
}

/// The provider may still be processing the request of an attempt that ended.
async fn lease_that_outlives_its_attempt_is_not_taken_over_early(database: TestDatabase) {
    let (first, second) = (database.store().await, database.store().await);
    let connection = connect(&first, "reddit", "juniper").await;
    let session = first.listen("one").await.unwrap();
    let leased = crate::support::leased(&first, &connection).await;
    give_lease_to(&database, "one").await;
    if !database.is_postgres() {
        File::create(lock_file(&database, "one")).unwrap();
    }
    drop(session);
    if database.is_postgres() {
        wait_for_no_lock(&database).await;
    }
    let in_flight = AttemptOutcome {
        dead: false,
        in_doubt: true,
        in_flight: true,
    };
    let recorded = first
        .refreshes()
        .record_failure(&leased, in_flight, &failure(&trace("late")))
        .await;
    assert!(recorded.unwrap());
    assert_eq!(request(&second, &connection, "two", STEADY).await, None);
}
