//! A response to a refresh that arrives after the provider's time is over. It is stored if it
//! arrives before the lease ends.

use std::sync::Arc;
use std::time::Duration;

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason, UserId};
use evergrant_sandbox::{FaultKind, RefreshMode, Switch};
use evergrant_testkit::TestDatabase;
use tokio::task::JoinHandle;
use tokio::time::advance;

use crate::harness::{FrozenTime, REFRESH, TestEnv};

/// The default timeout of a refresh.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The default duration of a lease.
const LEASE: Duration = Duration::from_secs(20);

/// A refresh that the provider has received and not answered.
struct Scene {
    env: Arc<TestEnv>,
    user: UserId,
    account: String,
    refresh: JoinHandle<Result<(), ErrorCode>>,
}

impl Scene {
    async fn new(database: TestDatabase) -> Self {
        let env = Arc::new(TestEnv::new(database).await);
        let strict = Switch::RefreshToken(RefreshMode::RotateStrict);
        env.sandbox.set("acme", strict).unwrap();
        let (user, account) = env.connected_user("acme").await;
        env.advance_seconds(60);
        env.fault("acme", REFRESH, FaultKind::Hold);
        let (caller, id) = (Arc::clone(&env), account.clone());
        let refresh =
            tokio::spawn(async move { caller.refresh(user, "acme", &id).await.map(drop) });
        env.wait_for_calls("acme", REFRESH, 1).await;
        Self {
            env,
            user,
            account,
            refresh,
        }
    }
}

async fn response_within_the_lease_is_stored(database: TestDatabase) {
    let scene = Scene::new(database).await;
    let frozen = FrozenTime::start();
    advance(TIMEOUT + Duration::from_secs(2)).await;
    assert!(!scene.refresh.is_finished(), "the response is awaited");
    scene.env.sandbox.release();
    assert_eq!(scene.refresh.await.unwrap(), Ok(()));
    drop(frozen);
    let row = scene.env.row(scene.user, "acme", &scene.account).await;
    assert_eq!(
        (row.status, row.lease.generation),
        (ConnectionStatus::Connected, 2)
    );
    scene.env.advance_seconds(60);
    let again = scene.env.refresh(scene.user, "acme", &scene.account).await;
    assert!(again.is_ok(), "the stored refresh token is the newest one");
    assert_eq!(scene.env.calls("acme", REFRESH), 2);
}

async fn response_after_the_lease_is_not_awaited(database: TestDatabase) {
    let scene = Scene::new(database).await;
    let frozen = FrozenTime::start();
    advance(LEASE + Duration::from_secs(1)).await;
    let refreshed = scene.refresh.await.unwrap();
    assert_eq!(refreshed, Err(ErrorCode::TimeoutError));
    drop(frozen);
    let row = scene.env.row(scene.user, "acme", &scene.account).await;
    assert_eq!(row.reason, Some(StatusReason::RefreshRetrying));
    assert_eq!(row.lease.generation, 1);
}

#[tokio::test]
async fn response_within_the_lease_is_stored_on_sqlite() {
    response_within_the_lease_is_stored(TestDatabase::sqlite()).await;
}

#[tokio::test]
async fn response_within_the_lease_is_stored_on_postgres() {
    response_within_the_lease_is_stored(TestDatabase::postgres().await).await;
}

#[tokio::test]
async fn response_after_the_lease_is_not_awaited_on_sqlite() {
    response_after_the_lease_is_not_awaited(TestDatabase::sqlite()).await;
}

#[tokio::test]
async fn response_after_the_lease_is_not_awaited_on_postgres() {
    response_after_the_lease_is_not_awaited(TestDatabase::postgres().await).await;
}
