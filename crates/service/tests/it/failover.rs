//! A failover of PostgreSQL to a standby that has lost the last commits, under a running service
//! whose `DATABASE_URL` names both servers.

use evergrant_model::{ConnectionStatus, SignedDuration, UserId};
use evergrant_sandbox::{RefreshMode, Switch};
use evergrant_store::Store;
use evergrant_testkit::Cluster;

use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv, call, read, reconcile, until};

const ACCOUNTS: u16 = 20;

/// Refreshes all accounts, as soon as the database is available.
async fn refresh_all(env: &TestEnv, user: UserId, accounts: &[String]) {
    env.advance_seconds(60);
    for account in accounts {
        until(async || env.refresh(user, "acme", account).await.is_ok()).await;
        assert!(read(&env.service, user, "acme", account).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failover_that_loses_commits_loses_no_grant() {
    let cluster = Cluster::start_with_standby();
    let store = Store::open(&cluster.url_of_both()).await.unwrap();
    store.migrate().await.unwrap();
    let env = TestEnv::with_store(cluster.database(), store).await;
    let strict = Switch::RefreshToken(RefreshMode::RotateStrict);
    env.sandbox.set("acme", strict).unwrap();
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let (user, accounts) = env
        .user_with_accounts("acme", ACCOUNTS.into(), expires_at)
        .await;
    reconcile(&env.service).await.unwrap();
    let process = env.service.clone();
    tokio::spawn(async move { process.process().run(std::future::pending()).await });
    refresh_all(&env, user, &accounts).await;
    cluster.end_replication().await;
    refresh_all(&env, user, &accounts).await;
    let polls = env.service.process().health().await.polls;
    until(async || env.service.process().health().await.polls > polls + 1).await;
    cluster.fail_over().await;
    until(async || env.recorder.count("TokensStoredAgain") == usize::from(ACCOUNTS)).await;
    refresh_all(&env, user, &accounts).await;
    let list = env.service.connected_integrations(&call(), user).await;
    let connected = list.unwrap().integrations;
    assert_eq!(connected.len(), usize::from(ACCOUNTS));
    for integration in connected {
        assert_eq!(integration.status, ConnectionStatus::Connected);
    }
    assert_eq!(env.calls("acme", REFRESH), 3 * u64::from(ACCOUNTS));
}
