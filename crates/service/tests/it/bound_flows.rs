//! Bound flows: only the browser that started the flow and received its callback can finish it.

use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::{ErrorCode, FlowId, UserId};
use evergrant_service::{FinishRequest, FlowStatus};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{
    EXCHANGE, JUNIPER, TestEnv, VERIFIER, call, connected, finish, flow_id, pending, repeated,
    run_housekeeping,
};

on_both_databases!(
    bound_flow_is_finished_with_verifier_and_receipt,
    item_5_finish_requires_both_verifier_and_receipt,
    flow_can_be_finished_only_once,
    unfinished_flow_is_revoked_and_erased_after_ten_minutes,
    receipt_cannot_be_derived_from_stored_data,
    repeated_callback_returns_same_receipt,
    unbound_flow_cannot_be_finished,
    finish_rejects_accounts_outside_the_consent,
    finish_distinguishes_equal_account_ids_by_provider,
);

/// Runs a bound flow up to the consent. Returns its id and receipt.
async fn consented(env: &TestEnv, user: UserId) -> (String, String) {
    let flow = env.start_bound_flow(user, "acme").await;
    pending(
        &env.callback("acme", env.consent(&flow, "juniper"))
            .await
            .unwrap(),
    )
}

async fn bound_flow_is_finished_with_verifier_and_receipt(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_bound_flow(user, "acme").await;
    let flow_id = flow.flow_id.as_str();
    let status = async || env.flow_state(user, flow_id).await.unwrap().status;
    assert_eq!(status().await, FlowStatus::Waiting);
    let outcome = env.callback("acme", env.consent(&flow, "juniper")).await;
    let (id, receipt) = pending(&outcome.unwrap());
    assert_eq!(status().await, FlowStatus::Pending);
    assert_eq!(
        env.read(user, "acme", JUNIPER).await,
        Err(ErrorCode::AccountNotFound),
        "the account is not connected before the flow is finished"
    );
    assert!(env.integrations(user).await.is_empty());

    let integrations = env.finish(user, &id, finish(&receipt)).await.unwrap();
    assert_eq!(
        integrations
            .iter()
            .map(|integration| integration.provider_account_id.as_str())
            .collect::<Vec<_>>(),
        [JUNIPER]
    );
    assert_eq!(status().await, FlowStatus::Connected);
    assert!(env.read(user, "acme", JUNIPER).await.is_ok());
    assert_eq!(env.calls("acme", EXCHANGE), 1);
}

/// Asserts that another user gets the same errors for this flow as for an unknown one.
async fn assert_flow_is_hidden_from(env: &TestEnv, other: UserId, id: &str, receipt: &str) {
    let hidden = env.finish(other, id, finish(receipt)).await.unwrap_err();
    let unknown = env
        .finish(other, "0123456789ab", finish(receipt))
        .await
        .unwrap_err();
    assert_eq!(
        (hidden.code(), hidden.detail()),
        (ErrorCode::FlowNotFound, unknown.detail())
    );
    let state = env.flow_state(other, id).await.unwrap_err();
    assert_eq!(state.detail(), unknown.detail());
}

async fn item_5_finish_requires_both_verifier_and_receipt(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, other) = (env.user().await, env.user().await);
    let (id, receipt) = consented(&env, user).await;
    let wrong = [
        ("", ""),
        (VERIFIER, ""),
        ("", receipt.as_str()),
        ("another", &receipt),
        (VERIFIER, "another"),
    ];
    for (verifier, receipt) in wrong {
        let request = FinishRequest {
            verifier: Some(verifier.into()),
            receipt: receipt.into(),
            accounts: None,
        };
        let error = env.finish(user, &id, request).await.unwrap_err();
        assert_eq!(
            error.code(),
            ErrorCode::InvalidState,
            "{verifier:?} {receipt:?}"
        );
    }
    assert_flow_is_hidden_from(&env, other, &id, &receipt).await;
    assert!(env.events().await.is_empty(), "nothing was connected");
    env.finish(user, &id, finish(&receipt)).await.unwrap();
}

async fn flow_can_be_finished_only_once(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let (id, receipt) = consented(&env, user).await;
    let (call, flow) = (call(), flow_id(&id));
    let attempt = || {
        env.service
            .authorizations()
            .finish(&call, user, &flow, finish(&receipt))
    };
    let (one, two) = tokio::join!(attempt(), attempt());
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
    assert_eq!(attempt().await.unwrap_err().code(), ErrorCode::InvalidState);
    assert_eq!(env.events().await, ["connected"]);
    assert!(
        env.read(user, "acme", JUNIPER).await.is_ok(),
        "the second attempt has revoked nothing"
    );
}

async fn unfinished_flow_is_revoked_and_erased_after_ten_minutes(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let (id, receipt) = consented(&env, user).await;
    env.advance_seconds(599);
    run_housekeeping(&env.service).await.unwrap();
    assert_eq!(env.calls("acme", "revoke"), 0);
    env.advance_seconds(1);
    let late = env.finish(user, &id, finish(&receipt)).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::InvalidState);
    let state = env.flow_state(user, &id).await.unwrap();
    assert_eq!(state.status, FlowStatus::Error);
    run_housekeeping(&env.service).await.unwrap();
    env.service.process().drain().await;
    assert_eq!(
        env.calls("acme", "revoke"),
        2,
        "the refresh token and the access token"
    );
    assert_eq!(
        env.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "no grant is left at the provider"
    );
    let flow = env
        .store
        .flows()
        .owned(&FlowId::new(id).unwrap(), user)
        .await
        .unwrap()
        .unwrap();
    assert!(flow.grant.is_none(), "the tokens are erased");
    assert!(env.database.contents().await["evergrant_revocations"].is_empty());
    run_housekeeping(&env.service).await.unwrap();
    assert_eq!(env.calls("acme", "revoke"), 2, "revoked once");
}

/// The database contains the salt and the hashes of state, code and receipt. A reader of the
/// database must not be able to compute a receipt from them.
async fn receipt_cannot_be_derived_from_stored_data(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_bound_flow(user, "acme").await;
    let redirect = env.consent(&flow, "juniper");
    let (id, receipt) = pending(&env.callback("acme", repeated(&redirect)).await.unwrap());
    assert_eq!(receipt.len(), 22, "128 bits as base64url");
    let stored = env
        .store
        .flows()
        .owned(&FlowId::new(id).unwrap(), user)
        .await
        .unwrap()
        .unwrap();
    let [state, code] = [
        redirect.state.expose(),
        redirect.code.as_ref().unwrap().expose(),
    ]
    .map(|text| sha256(text).to_vec());
    assert_eq!(stored.code_hash, Some(code.clone()));
    let parts = [
        stored.receipt_salt,
        state,
        code,
        stored.receipt_hash.unwrap(),
        redirect.state.expose().into(),
        Vec::new(),
    ];
    for (first, second, third) in triples(&parts) {
        let derived = sha256([first, second, third].concat());
        assert_ne!(base64url(&derived[..16]), receipt);
    }
}

/// Returns every sequence of three parts, with repetition.
fn triples(parts: &[Vec<u8>]) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
    let couples = parts
        .iter()
        .flat_map(move |one| parts.iter().map(move |two| (one, two)));
    couples.flat_map(move |(one, two)| {
        parts
            .iter()
            .map(move |three| (&one[..], &two[..], &three[..]))
    })
}

async fn repeated_callback_returns_same_receipt(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_bound_flow(user, "acme").await;
    let redirect = env.consent(&flow, "juniper");
    let (first, second) = tokio::join!(
        env.callback("acme", repeated(&redirect)),
        env.callback("acme", repeated(&redirect))
    );
    let (id, receipt) = pending(&first.unwrap());
    assert_eq!(pending(&second.unwrap()), (id.clone(), receipt.clone()));
    env.finish(user, &id, finish(&receipt)).await.unwrap();
    assert_eq!(
        connected(&env.callback("acme", redirect).await.unwrap()),
        JUNIPER
    );
    assert_eq!(env.calls("acme", EXCHANGE), 1);
}

async fn unbound_flow_cannot_be_finished(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    for consented in [false, true] {
        let flow = env.start_flow(user, "acme").await;
        if consented {
            env.callback("acme", env.consent(&flow, "juniper"))
                .await
                .unwrap();
        }
        let error = env
            .finish(user, flow.flow_id.as_str(), finish(""))
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidState);
    }
}

async fn finish_rejects_accounts_outside_the_consent(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let (id, receipt) = consented(&env, user).await;
    for accounts in [
        vec![],
        vec!["ac-1002".to_owned()],
        vec![JUNIPER.to_owned(), "ac-1002".to_owned()],
    ] {
        let request = FinishRequest {
            accounts: Some(accounts),
            ..finish(&receipt)
        };
        let error = env.finish(user, &id, request).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ValidationError);
    }
    let request = FinishRequest {
        accounts: Some(vec![JUNIPER.to_owned()]),
        ..finish(&receipt)
    };
    assert_eq!(env.finish(user, &id, request).await.unwrap().len(), 1);
}

/// Two providers may use the same id for different accounts.
async fn finish_distinguishes_equal_account_ids_by_provider(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    env.connect(user, "reddit", "juniper").await;
    env.database
        .execute(&format!(
            "UPDATE oauth_accounts SET provider_account_id = '{JUNIPER}'"
        ))
        .await;
    let (id, receipt) = consented(&env, user).await;
    let integrations = env.finish(user, &id, finish(&receipt)).await.unwrap();
    assert_eq!(
        integrations
            .iter()
            .map(|integration| integration.provider.as_str())
            .collect::<Vec<_>>(),
        ["acme"]
    );
}
