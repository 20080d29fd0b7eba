//! Each outcome is recorded once, with the context of the call that caused it.

use evergrant_model::Actor;
use evergrant_testkit::{TestDatabase, on_both_databases};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use crate::harness::{ACME_LIFETIME_SECONDS, TestEnv, call, read};

on_both_databases!(
    each_step_of_a_connection_is_recorded_once,
    rejected_grant_is_recorded_once_for_many_waiters,
    key_use_is_recorded_once_per_cache_lifetime,
);

async fn each_step_of_a_connection_is_recorded_once(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.read(user, "acme", &account).await.unwrap();
    env.refresh(user, "acme", &account).await.unwrap();
    env.disconnect(user, "acme", &account).await.unwrap();
    let expected = [
        "FlowStarted",
        "Connected",
        "TokenIssued",
        "RefreshStarted",
        "RefreshSucceeded",
        "Revoked",
        "Disconnected",
    ];
    let recorded = env.recorder.take();
    assert_eq!(
        recorded
            .iter()
            .map(|(_, outcome)| outcome.as_str())
            .collect::<Vec<_>>(),
        expected
    );
    for (call, outcome) in &recorded {
        assert_eq!(call.actor, Actor::CommandLine, "{outcome}");
        assert_eq!(
            call.correlation_id.as_str(),
            "test-correlation",
            "{outcome}"
        );
    }
}

async fn rejected_grant_is_recorded_once_for_many_waiters(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.sandbox.revoke_user("acme", "juniper").unwrap();
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let mut reads = JoinSet::new();
    for _ in 0..50 {
        let (service, account) = (env.service.clone(), account.clone());
        reads.spawn(async move { read(&service, user, "acme", &account).await });
    }
    assert!(reads.join_all().await.iter().all(Result::is_err));
    assert_eq!(env.recorder.count("RefreshFailed"), 1);
    assert_eq!(env.recorder.count("TokenIssued"), 0);
}

async fn key_use_is_recorded_once_per_cache_lifetime(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let key = env
        .service
        .api_keys()
        .create(&call(), "tests", &[])
        .await
        .unwrap();
    for _ in 0..10 {
        let authenticator = env.service.authenticator();
        let caller = authenticator
            .authenticate(key.secret.expose_secret(), &call().correlation_id)
            .await;
        assert!(caller.unwrap().is_some());
    }
    assert_eq!(env.recorder.count("KeyCreated"), 1);
    assert_eq!(env.recorder.count("KeyUsed"), 1);
}
