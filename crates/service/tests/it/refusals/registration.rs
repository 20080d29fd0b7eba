//! Refusals of several grants: whether the client registration is at fault.

use evergrant_model::{ErrorCode, SignedDuration};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use super::{Accounts, UNAVAILABLE, invalid_client, refusal, unauthorized};
use crate::harness::{EXCHANGE, REFRESH, failed, issue, read, run_replica_jobs};

on_both_databases!(
    registration_block_needs_three_grants_refused_alike,
    registration_block_ends_with_one_success,
    success_of_one_grant_prevents_registration_block,
    replicas_count_refusals_together,
    refused_grant_does_not_probe_for_a_reader,
    refused_codes_do_not_block_refreshes,
);

async fn registration_block_needs_three_grants_refused_alike(database: TestDatabase) {
    let accounts = Accounts::new(database, 5, 0).await;
    let faults = [invalid_client(), invalid_client(), unauthorized()];
    for (index, fault) in faults.into_iter().enumerate() {
        assert_eq!(accounts.refuse(index, fault).await, UNAVAILABLE);
        accounts.env.advance_seconds(2 << index);
        accounts.refuse(0, invalid_client()).await;
    }
    assert_eq!(
        accounts.blocks().await,
        [""; 0],
        "two grants alike, however often"
    );
    accounts.env.force(invalid_client());
    let (user, refused) = (accounts.user, &accounts.ids[3]);
    let error = issue(&accounts.env.service, user, "acme", refused, 0).await;
    let error = error.unwrap_err();
    assert_eq!(accounts.blocks().await, ["client_registration"]);
    assert_eq!(accounts.env.recorder.count("RegistrationRefused"), 1);
    assert_eq!(error.code(), ErrorCode::TokenRefreshError);
    assert!(error.detail().contains("administrator"), "{error}");
    assert_eq!(error.retry_after(), Some(SignedDuration::from_secs(15)));
}

async fn registration_block_ends_with_one_success(database: TestDatabase) {
    let accounts = Accounts::new(database, 5, 0).await;
    for index in 0..3 {
        accounts.refuse(index, invalid_client()).await;
    }
    let calls = accounts.env.calls("acme", REFRESH);
    assert_eq!(accounts.read(3).await, Err(ErrorCode::TokenRefreshError));
    assert_eq!(accounts.env.calls("acme", REFRESH), calls);
    accounts.env.connected_user("acme").await;
    accounts.env.advance_seconds(15);
    assert!(accounts.read(4).await.is_ok(), "the probe succeeds");
    assert_eq!(accounts.blocks().await, [""; 0]);
}

async fn success_of_one_grant_prevents_registration_block(database: TestDatabase) {
    let accounts = Accounts::new(database, 7, 0).await;
    assert!(accounts.read(6).await.is_ok());
    accounts.env.advance_seconds(299);
    for index in 0..3 {
        accounts.refuse(index, invalid_client()).await;
    }
    assert_eq!(accounts.blocks().await, [""; 0]);
    accounts.env.advance_seconds(2);
    accounts.refuse(3, invalid_client()).await;
    assert_eq!(
        accounts.blocks().await,
        ["client_registration"],
        "the success is more than five minutes ago"
    );
}

async fn replicas_count_refusals_together(database: TestDatabase) {
    let accounts = Accounts::new(database, 4, 0).await;
    let replicas = [accounts.env.replica().await, accounts.env.replica().await];
    for index in 0..3 {
        accounts
            .refuse_on(&replicas[index % 2], index, invalid_client())
            .await;
    }
    assert_eq!(accounts.blocks().await, ["client_registration"]);
    run_replica_jobs(&replicas[1]).await.unwrap();
    let calls = accounts.env.calls("acme", REFRESH);
    assert!(
        read(&replicas[1], accounts.user, "acme", &accounts.ids[3])
            .await
            .is_err()
    );
    assert_eq!(
        accounts.env.calls("acme", REFRESH),
        calls,
        "both replicas are blocked"
    );
}

async fn refused_grant_does_not_probe_for_a_reader(database: TestDatabase) {
    let accounts = Accounts::new(database, 4, 0).await;
    for index in 0..3 {
        accounts.refuse(index, invalid_client()).await;
    }
    accounts.env.advance_seconds(60);
    let calls = accounts.env.calls("acme", REFRESH);
    for index in 0..3 {
        assert_eq!(
            accounts.read(index).await,
            Err(ErrorCode::TokenRefreshError)
        );
    }
    assert_eq!(
        accounts.env.calls("acme", REFRESH),
        calls,
        "the block would last longer"
    );
    assert!(accounts.read(3).await.is_ok());
}

async fn refused_codes_do_not_block_refreshes(database: TestDatabase) {
    let accounts = Accounts::new(database, 3, 0).await;
    let env = &accounts.env;
    let wrong_client = || refusal(EXCHANGE, 401, json!({ "error": "invalid_client" }));
    for _ in 0..4 {
        let flow = env.start_flow(accounts.user, "acme").await;
        env.force(wrong_client());
        let outcome = env.callback("acme", env.consent(&flow, "kiln")).await;
        assert_eq!(failed(&outcome.unwrap()), ErrorCode::OauthCallbackError);
    }
    assert_eq!(accounts.blocks().await, [""; 0]);
    assert!(accounts.read(0).await.is_ok());
    env.advance_seconds(301);
    for _ in 0..2 {
        let flow = env.start_flow(accounts.user, "acme").await;
        env.force(wrong_client());
        env.callback("acme", env.consent(&flow, "kiln"))
            .await
            .unwrap();
    }
    accounts.refuse(1, invalid_client()).await;
    assert_eq!(
        accounts.blocks().await,
        ["client_registration"],
        "two refused codes count like grants"
    );
}
