//! A replica loses the session that holds its lock during a call: it crashed, or only the session
//! ended.

use evergrant_model::{ErrorCode, UserId};
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch, acme_definition};
use evergrant_service::IntegrationsService;
use evergrant_testkit::{OpenTransaction, TestDatabase, on_postgres};
use tokio::task::JoinHandle;

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, read, slug, until, wait_for_polls,
};

on_postgres!(
    terminated_session_causes_no_second_call_at_a_strict_provider,
    terminated_session_is_taken_over_where_both_calls_are_accepted,
);

/// Locks of replicas.
const LOCKS: &str = "FROM pg_locks WHERE locktype = 'advisory' AND classid = 1163282258
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// A replica that runs its jobs, with a refresh in flight, and another replica.
struct Scene {
    env: TestEnv,
    user: UserId,
    account: String,
    holder: JoinHandle<Result<String, ErrorCode>>,
    other: IntegrationsService,
}

impl Scene {
    /// Starts a refresh whose response the provider holds.
    async fn new(database: TestDatabase, replay_window_seconds: i64) -> Self {
        let env = TestEnv::new(database).await;
        if replay_window_seconds > 0 {
            let rotation = Switch::RefreshToken(RefreshMode::RotateGrace);
            env.sandbox.set("acme", rotation).unwrap();
        }
        let window = format!("tokens.replay_window_seconds = {replay_window_seconds}\n");
        let definition = format!("{}{window}", acme_definition(&env.sandbox_url));
        let (user, account) = env.connected_user("acme").await;
        let (first, other) = (
            env.replica_with(&definition).await,
            env.replica_with(&definition).await,
        );
        let process = first.clone();
        tokio::spawn(async move { process.process().run(std::future::pending()).await });
        let locks = format!("SELECT 'x' {LOCKS}");
        until(async || env.database.texts(&locks).await.len() == 1).await;
        env.advance_seconds(ACME_LIFETIME_SECONDS);
        env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
        let holder = tokio::spawn({
            let account = account.clone();
            async move { read(&first, user, "acme", &account).await }
        });
        env.wait_for_calls("acme", REFRESH, 1).await;
        Self {
            env,
            user,
            account,
            holder,
            other,
        }
    }

    /// Ends the session that holds the lock, and keeps the replica from acquiring it again.
    async fn end_session(&self) -> OpenTransaction {
        let database = &self.env.database;
        let id = database
            .texts("SELECT lease_lock FROM evergrant_connections WHERE lease_lock IS NOT NULL");
        let lock = format!(
            "SELECT pg_advisory_xact_lock_shared(1163282258, hashtext('{}'))",
            id.await[0]
        );
        let terminate = format!("SELECT pg_terminate_backend(pid)::text {LOCKS} AND granted");
        let (locked, ()) = tokio::join!(database.begin(&lock), async {
            database.lock_is_waited_for().await;
            database.execute(&terminate).await;
        });
        locked
    }

    /// Reads the token from the other replica.
    fn read(&self) -> JoinHandle<Result<String, ErrorCode>> {
        let (replica, user, account) = (self.other.clone(), self.user, self.account.clone());
        tokio::spawn(async move { read(&replica, user, "acme", &account).await })
    }
}

async fn terminated_session_causes_no_second_call_at_a_strict_provider(database: TestDatabase) {
    let scene = Scene::new(database, 0).await;
    let _locked = scene.end_session().await;
    let waiting = scene.read();
    let process = scene.other.clone();
    tokio::spawn(async move { process.process().run(std::future::pending()).await });
    // The waiting call looks at the lease with every poll.
    for _ in 0..2 {
        wait_for_polls(&scene.other).await;
    }
    let env = &scene.env;
    assert_eq!(env.calls("acme", REFRESH), 1);
    env.sandbox.release();
    let token = scene.holder.await.unwrap();
    assert!(token.is_ok(), "{token:?}");
    assert_eq!(waiting.await.unwrap(), token);
    assert_eq!(env.calls("acme", REFRESH), 1);
}

async fn terminated_session_is_taken_over_where_both_calls_are_accepted(database: TestDatabase) {
    let scene = Scene::new(database, 60).await;
    let env = &scene.env;
    let locked = scene.end_session().await;
    let token = scene.read().await.unwrap();
    assert_eq!(env.calls("acme", REFRESH), 2, "at once, without the holder");
    locked.commit().await;
    env.sandbox.release();
    assert_eq!(scene.holder.await.unwrap(), token, "the newer token");
    assert_eq!(env.stored_token(scene.user, &scene.account).await, token);
    let (provider, account) = (slug("acme"), account_id(&scene.account));
    let refreshed = scene
        .other
        .refresh_token(&call(), scene.user, &provider, &account)
        .await;
    assert!(refreshed.is_ok(), "the grant is alive");
}
