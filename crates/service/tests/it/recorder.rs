//! Each outcome reaches the recorder once, with the context of the call that caused it.

use evergrant_model::Actor;
use evergrant_testkit::{TestDatabase, on_both_databases};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use crate::harness::{ACME_LIFE_S, Stand};
use crate::outcomes::{call, read};

on_both_databases!(
    a_connection_reports_each_step_of_its_life_once,
    a_rejected_grant_is_reported_once_however_many_wait_for_it,
    a_key_is_reported_as_used_once_per_cache_lifetime,
);

async fn a_connection_reports_each_step_of_its_life_once(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.read(user, "acme", &account).await.unwrap();
    stand.refresh(user, "acme", &account).await.unwrap();
    stand
        .service
        .disconnect_integration(&call(), user, "acme", &account)
        .await
        .unwrap();
    let expected = [
        "FlowStarted",
        "Connected",
        "TokenIssued",
        "RefreshStarted",
        "RefreshSucceeded",
        "Revoked",
        "Disconnected",
    ];
    let recorded = stand.recorder.take();
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

async fn a_rejected_grant_is_reported_once_however_many_wait_for_it(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.sandbox.revoke_user("acme", "juniper").unwrap();
    stand.pass_seconds(ACME_LIFE_S);
    let mut reads = JoinSet::new();
    for _ in 0..50 {
        let (service, account) = (stand.service.clone(), account.clone());
        reads.spawn(async move { read(&service, user, "acme", &account).await });
    }
    assert!(reads.join_all().await.iter().all(Result::is_err));
    assert_eq!(stand.recorder.count("RefreshFailed"), 1);
    assert_eq!(stand.recorder.count("TokenIssued"), 0);
}

async fn a_key_is_reported_as_used_once_per_cache_lifetime(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let key = stand
        .service
        .api_keys()
        .create(&call(), "tests", &[])
        .await
        .unwrap();
    for _ in 0..10 {
        let authenticator = stand.service.authenticator();
        let caller = authenticator
            .authenticate(key.secret.expose_secret(), &call().correlation_id)
            .await;
        assert!(caller.unwrap().is_some());
    }
    assert_eq!(stand.recorder.count("KeyCreated"), 1);
    assert_eq!(stand.recorder.count("KeyUsed"), 1);
}
