//! What a failed flow tells, and to whom.

use evergrant_model::{ErrorCode, SignedDuration, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{
    CallbackOutcome, CallbackResult, ConnectRequest, FailedCallback, FinishRequest, StartedFlow,
};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{EXCHANGE, TestEnv, account_id, call, challenge, finish, flow_id, slug};

on_both_databases!(
    failed_flow_has_detail_retry_time_and_reference_of_callback,
    bound_flow_discloses_wrong_account_only_with_both_proofs,
    unbound_flow_names_both_accounts,
    bound_flow_discloses_accounts_only_with_both_proofs,
    denied_bound_flow_has_receipt_and_tells_its_code,
);

fn failed(outcome: CallbackOutcome) -> FailedCallback {
    match outcome.result {
        CallbackResult::Failed(failed) => failed,
        other => panic!("not failed: {other:?}"),
    }
}

/// Starts a flow that reconnects the account.
async fn reconnect(env: &TestEnv, user: UserId, account: &str, bound: bool) -> StartedFlow {
    let request = ConnectRequest {
        account: Some(account_id(account)),
        challenge: bound.then(challenge),
        ..ConnectRequest::default()
    };
    let (call, acme) = (call(), slug("acme"));
    let started = env.service.initiate_oauth_flow(&call, &acme, user, request);
    started.await.unwrap()
}

/// Returns the proofs, each of them wrong in turn.
fn wrong_proofs(receipt: &str) -> [FinishRequest; 2] {
    let right = finish(receipt);
    let verifier = Some("guessed".to_owned());
    let guessed = FinishRequest {
        verifier,
        ..right.clone()
    };
    [guessed, finish("guessed")]
}

async fn failed_flow_has_detail_retry_time_and_reference_of_callback(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let limited = Fault::new("acme", EXCHANGE, FaultKind::Respond).status(429);
    env.force(limited.header("retry-after", "90"));
    let flow = env.start_flow(user, "acme").await;
    let outcome = env.callback("acme", env.consent(&flow, "juniper")).await;
    let outcome = outcome.unwrap();
    let (reference, failed) = (outcome.correlation_id.clone(), failed(outcome));
    assert_eq!(failed.error.code(), ErrorCode::RateLimitError);
    assert!(failed.receipt.is_none(), "nothing else is to be disclosed");
    env.advance_seconds(30);
    let state = env.flow_state(user, failed.flow_id.as_str()).await.unwrap();
    let error = state.error.unwrap();
    assert_eq!(state.correlation_id, reference);
    assert_eq!(error.detail(), failed.error.detail());
    assert!(error.detail().starts_with("Acme "), "{}", error.detail());
    let wait = |error: &evergrant_service::ServiceError| error.retry_after().unwrap();
    let passed = wait(&failed.error) - wait(&error);
    assert_eq!(passed, SignedDuration::from_secs(30));
    env.advance_seconds(90);
    let late = env.flow_state(user, failed.flow_id.as_str()).await.unwrap();
    assert_eq!(late.error.unwrap().retry_after(), None);
}

async fn bound_flow_discloses_wrong_account_only_with_both_proofs(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let flow = reconnect(&env, user, &account, true).await;
    let consented = env.callback("acme", env.consent(&flow, "kiln")).await;
    let failed = failed(consented.unwrap());
    let id = flow.flow_id.as_str();
    let state = env.flow_state(user, id).await.unwrap();
    for error in [&failed.error, state.error.as_ref().unwrap()] {
        assert_eq!(error.code(), ErrorCode::OauthCallbackError);
        assert!(error.accounts().is_empty());
        assert!(!error.detail().contains("kiln"), "{}", error.detail());
    }
    let receipt = failed.receipt.unwrap();
    for wrong in wrong_proofs(&receipt) {
        let error = env.finish(user, id, wrong).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidState);
    }
    let error = env.finish(user, id, finish(&receipt)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccountMismatch);
    assert_eq!(error.accounts().len(), 1);
    assert!(
        error.accounts()[0]
            .username
            .as_ref()
            .unwrap()
            .contains("kiln")
    );
}

async fn unbound_flow_names_both_accounts(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let flow = reconnect(&env, user, &account, false).await;
    let consented = env.callback("acme", env.consent(&flow, "kiln")).await;
    let failed = failed(consented.unwrap());
    let state = env.flow_state(user, flow.flow_id.as_str()).await.unwrap();
    for error in [&failed.error, state.error.as_ref().unwrap()] {
        assert_eq!(error.code(), ErrorCode::AccountMismatch);
        assert_eq!(error.accounts().len(), 1);
        for name in ["@kiln", "@juniper"] {
            assert!(error.detail().contains(name), "{}", error.detail());
        }
    }
}

/// Wren's consent reaches two accounts.
async fn bound_flow_discloses_accounts_only_with_both_proofs(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_bound_flow(user, "instagram").await;
    let consented = env.callback("instagram", env.consent(&flow, "wren")).await;
    let CallbackResult::Pending { receipt, .. } = consented.unwrap().result else {
        panic!("the flow is not parked")
    };
    let (id, call) = (flow_id(flow.flow_id.as_str()), call());
    let state = env.flow_state(user, id.as_str()).await.unwrap();
    assert!(state.accounts.is_empty());
    let flows = env.service.authorizations();
    for wrong in wrong_proofs(&receipt) {
        let error = flows.accounts(&call, user, &id, &wrong).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidState);
    }
    let listed = flows.accounts(&call, user, &id, &finish(&receipt)).await;
    assert_eq!(listed.unwrap().1.len(), 2);
}

async fn denied_bound_flow_has_receipt_and_tells_its_code(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_bound_flow(user, "acme").await;
    let denied = evergrant_service::CallbackParams {
        code: None,
        error: Some("access_denied".to_owned()),
        ..env.consent(&flow, "juniper")
    };
    let failed = failed(env.callback("acme", denied).await.unwrap());
    assert_eq!(failed.error.code(), ErrorCode::OauthDenied);
    let proof = finish(&failed.receipt.unwrap());
    let id = flow.flow_id.as_str();
    let error = env.finish(user, id, proof).await.unwrap_err();
    assert_eq!(error.detail(), failed.error.detail());
}
