//! Sessions whose queries are given up.

use std::str::FromStr;
use std::time::Duration;

use evergrant_testkit::{Cluster, TestDatabase};
use sqlx::Executor;
use sqlx::postgres::PgConnectOptions;

use super::server_time::ServerTime;
use super::session::Session;
use super::{LaneName, PooledConnection, PostgresPool, Route, Servers};
use crate::StoreError;

/// Longer than any test.
const LONG: Duration = Duration::from_mins(1);
/// Long enough for a query to reach the server.
const SHORT: Duration = Duration::from_millis(200);

fn pool(database: &TestDatabase, sessions: usize) -> PostgresPool {
    let options = PgConnectOptions::from_str(&database.url).unwrap();
    let options = options.application_name("evergrant");
    let settings = vec![("synchronous_commit", "on".to_owned())];
    PostgresPool::with_sessions(
        Route::new(Servers::only(options), settings, false),
        None,
        sessions,
    )
}

async fn acquire(pool: &PostgresPool, time_limit: Duration) -> PooledConnection {
    pool.acquire(LaneName::Callers, time_limit).await.unwrap()
}

/// Returns the process id and whether the session is in a transaction that wrote something.
async fn state(pool: &PostgresPool) -> (i32, Option<String>) {
    let sql = "SELECT pg_backend_pid() AS pid, pg_current_xact_id_if_assigned()::text AS wrote";
    let mut connection = acquire(pool, LONG).await;
    let row = connection
        .query(async |connection| connection.fetch_one(sql).await)
        .await;
    let row = row.unwrap();
    (sqlx::Row::get(&row, "pid"), sqlx::Row::get(&row, "wrote"))
}

#[tokio::test]
async fn given_up_query_is_cancelled_and_its_session_is_used_again() {
    let database = TestDatabase::postgres().await;
    let pool = pool(&database, 1);
    let (process_id, _) = state(&pool).await;
    let lock = database.begin("SELECT pg_advisory_xact_lock(1)").await;
    let waits = "SELECT pg_advisory_xact_lock(1)";
    let mut connection = pool.begin(LaneName::Callers, SHORT).await.unwrap();
    let write = "CREATE TABLE in_transaction (id integer)";
    connection
        .query(async |connection| connection.execute(write).await)
        .await
        .unwrap();
    let result = connection
        .query(async |connection| connection.execute(waits).await)
        .await;
    assert!(matches!(result, Err(StoreError::Busy)));
    drop(connection);
    assert_eq!(
        state(&pool).await,
        (process_id, None),
        "the same server process, without the transaction, while the lock is still held"
    );
    lock.commit().await;
}

#[tokio::test]
async fn cancelled_caller_does_not_leave_its_query_on_the_server() {
    let database = TestDatabase::postgres().await;
    let pool = pool(&database, 1);
    let lock = database.begin("SELECT pg_advisory_xact_lock(1)").await;
    let caller = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut connection = acquire(&pool, LONG).await;
            let waits = "SELECT pg_advisory_xact_lock(1)";
            connection
                .query(async |connection| connection.execute(waits).await)
                .await
        }
    });
    database.lock_is_waited_for().await;
    caller.abort();
    assert!(state(&pool).await.1.is_none(), "the session is free again");
    lock.commit().await;
}

#[tokio::test]
async fn broken_session_is_replaced_once_its_process_has_ended() {
    let database = TestDatabase::postgres().await;
    let pool = pool(&database, 1);
    let (process_id, _) = state(&pool).await;
    let mut connection = acquire(&pool, LONG).await;
    database
        .execute(&format!("SELECT pg_terminate_backend({process_id})"))
        .await;
    let result = connection
        .query(async |connection| connection.execute("SELECT 1").await)
        .await;
    assert!(result.unwrap_err().is_lost_connection());
    drop(connection);
    assert_ne!(state(&pool).await.0, process_id);
}

#[tokio::test]
async fn idle_transaction_is_ended_by_the_server() {
    let database = TestDatabase::postgres().await;
    let pool = pool(&database, 1);
    let mut paused = pool.begin(LaneName::Callers, LONG).await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(1)";
    paused
        .query(async |connection| connection.execute(lock).await)
        .await
        .unwrap();
    // Waits until the paused session is ended.
    database.begin(lock).await.commit().await;
    let result = paused
        .query(async |connection| connection.execute("SELECT 1").await)
        .await;
    assert!(result.unwrap_err().is_lost_connection());
}

/// Begins a transaction that writes something.
async fn writing(pool: &PostgresPool, time_limit: Duration) -> PooledConnection {
    let mut connection = pool.begin(LaneName::Callers, time_limit).await.unwrap();
    let write = "CREATE TABLE written (id integer)";
    connection
        .query(async |connection| connection.execute(write).await)
        .await
        .unwrap();
    connection
}

/// Waits until a commit waits for the standby.
async fn wait_for_replication(database: &TestDatabase) {
    let waiting = "SELECT 'x' FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    while database.texts(waiting).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commit_that_is_not_replicated_is_unknown() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let pool = pool(&database, 1);
    writing(&pool, LONG).await.commit().await.unwrap();
    database.execute("DROP TABLE written").await;
    cluster.require_missing_standby(true).await;

    let cancelled = tokio::spawn(writing(&pool, LONG).await.commit());
    wait_for_replication(&database).await;
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    database.execute(cancel).await;
    let result = cancelled.await.unwrap();
    assert!(
        matches!(result, Err(StoreError::CommitUnknown(None))),
        "the server reports success with a warning: {result:?}"
    );
    database.execute("DROP TABLE written").await;

    let result = writing(&pool, SHORT).await.commit().await;
    assert!(
        matches!(result, Err(StoreError::CommitUnknown(Some(_)))),
        "{result:?}"
    );
    assert!(state(&pool).await.1.is_none(), "the session is free again");
}

/// Returns the error of a session that the server refuses to `user`.
async fn refusal(database: &TestDatabase, user: &str) -> String {
    let options = PgConnectOptions::from_str(&database.url).unwrap();
    let route = Route::new(Servers::only(options.username(user)), Vec::new(), false);
    let opened = Session::open(&route, &ServerTime::default(), LONG).await;
    let error = opened.unwrap_err();
    assert!(error.is_outage(), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn refused_session_is_an_outage_that_names_its_cause() {
    let (database, other) = (
        TestDatabase::postgres().await,
        TestDatabase::postgres().await,
    );
    let name = database.url.rsplit('/').next().unwrap();
    let user = format!("few_{name}");
    other
        .execute(&format!("CREATE ROLE {user} LOGIN CONNECTION LIMIT 0"))
        .await;
    let full = refusal(&database, &user).await;
    assert!(full.contains("too many connections for role"), "{full}");
    other.execute(&format!("DROP ROLE {user}")).await;
    let missing = refusal(&database, &user).await;
    assert!(
        missing.contains("the server rejects the connection"),
        "{missing}"
    );
    let close = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false");
    other.execute(&close).await;
    let closed = refusal(&database, "postgres").await;
    assert!(
        closed.contains("accepts no connections to the database"),
        "{closed}"
    );
}
