//! An account belongs to the user who connected it. Other users cannot see it or take it over.

use evergrant_model::{ErrorCode, ProviderAccountId, UserId};
use evergrant_service::ConnectRequest;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{
    EXCHANGE, JUNIPER, REFRESH, TestEnv, account_id, call, failed, finish, issue, params, pending,
    read, slug,
};

on_both_databases!(
    item_22_account_of_another_user_cannot_be_taken_over,
    item_22_bound_flow_cannot_take_over_account,
    reconnect_rejects_different_account,
    rejected_grant_is_revoked_unless_another_connection_uses_it,
    item_21_account_of_another_user_looks_like_an_unknown_one,
    unknown_user_is_reported_as_user_not_found,
);

/// Tables that hold tokens.
const TOKEN_TABLES: [&str; 3] = [
    "oauth_accounts",
    "evergrant_connections",
    "evergrant_revocations",
];

async fn item_22_account_of_another_user_cannot_be_taken_over(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (ann, account) = env.connected_user("acme").await;
    let bob = env.user().await;
    let token = env.read(ann, "acme", &account).await;
    let before = env.database.contents().await;
    let flow = env.start_flow(bob, "acme").await;
    let outcome = env.callback("acme", env.consent(&flow, "juniper")).await;
    assert_eq!(
        failed(&outcome.unwrap()),
        ErrorCode::AccountAlreadyConnected
    );

    let after = env.database.contents().await;
    for table in TOKEN_TABLES {
        assert_eq!(
            after[table], before[table],
            "nothing of Bob's is stored in {table}"
        );
    }
    assert_eq!(
        env.events().await,
        ["connected"],
        "only Ann has an event about an account"
    );
    let revocations = env.calls("acme", "revoke");
    assert_eq!(revocations, 2, "Bob's fresh grant is revoked");
    assert!(
        env.is_accepted(&token.clone().unwrap()).await,
        "Ann's grant is not revoked"
    );
    assert_eq!(env.read(ann, "acme", &account).await, token);
    assert!(env.refresh(ann, "acme", &account).await.is_ok());
    assert_eq!(
        env.read(bob, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
}

async fn item_22_bound_flow_cannot_take_over_account(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (ann, account) = env.connected_user("acme").await;
    let bob = env.user().await;
    let flow = env.start_bound_flow(bob, "acme").await;
    let (id, receipt) = pending(
        &env.callback("acme", env.consent(&flow, "juniper"))
            .await
            .unwrap(),
    );
    let error = env.finish(bob, &id, finish(&receipt)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccountAlreadyConnected);
    let state = env.flow_state(bob, &id).await.unwrap();
    let shown = state.error.unwrap().code();
    assert_eq!(
        shown,
        ErrorCode::OauthCallbackError,
        "only the proofs disclose it"
    );
    env.wait_for_calls("acme", "revoke", 2).await;
    env.service.process().drain().await;
    assert_eq!(
        env.calls("acme", "revoke"),
        2,
        "Bob's fresh grant is revoked"
    );
    assert!(env.refresh(ann, "acme", &account).await.is_ok());
    assert_eq!(env.events().await, ["connected", "refreshed"]);
}

async fn reconnect_rejects_different_account(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let token = env.read(user, "acme", &account).await;
    let flow = env.start_reconnect(user, "acme", &account).await;
    let url = format!("{}&misbehave=wrong-account", flow.auth_url);
    let redirect = params(&env.sandbox.approve(&url, "juniper", None).unwrap());
    assert_eq!(
        failed(&env.callback("acme", redirect).await.unwrap()),
        ErrorCode::AccountMismatch
    );
    assert_eq!(
        env.sandbox.revoke_user("acme", "kiln").unwrap(),
        0,
        "the fresh grant is revoked"
    );
    assert_eq!(env.read(user, "acme", &account).await, token);
    assert!(
        env.refresh(user, "acme", &account).await.is_ok(),
        "the old connection still works"
    );
    assert_eq!(env.integrations(user).await.len(), 1);
}

/// Returns the error of each operation that `user` tries on `account`, in `Debug` format.
async fn errors(env: &TestEnv, user: UserId, account: &str) -> Vec<String> {
    let service = &env.service;
    let reconnect = ConnectRequest {
        account: Some(account_id(account)),
        ..ConnectRequest::default()
    };
    let read = issue(service, user, "acme", account, 0).await;
    let refreshed = service
        .refresh_token(&call(), user, &slug("acme"), &account_id(account))
        .await;
    let disconnected = env.disconnect(user, "acme", account).await;
    let started = service
        .initiate_oauth_flow(&call(), &slug("acme"), user, reconnect)
        .await;
    let errors = [
        read.map(drop),
        refreshed.map(drop),
        disconnected.map(drop),
        started.map(drop),
    ];
    errors
        .into_iter()
        .map(|result| format!("{:?}", result.unwrap_err()))
        .collect()
}

/// Instagram's revocation ends every grant of a person. A rejected grant is therefore revoked only
/// if no other connection uses a grant of that person.
async fn rejected_grant_is_revoked_unless_another_connection_uses_it(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, juniper) = env.connected_user("instagram").await;
    let refuse_saffron = async || {
        let flow = env.start_reconnect(user, "instagram", &juniper).await;
        let outcome = env
            .callback("instagram", env.consent(&flow, "saffron"))
            .await
            .unwrap();
        assert_eq!(failed(&outcome), ErrorCode::AccountMismatch);
        env.calls("instagram", "revoke")
    };
    assert_eq!(
        refuse_saffron().await,
        1,
        "no connection uses Saffron's grant"
    );
    env.connect(user, "instagram", "saffron").await;
    assert_eq!(
        refuse_saffron().await,
        1,
        "Saffron's connection uses this grant"
    );
}

async fn item_21_account_of_another_user_looks_like_an_unknown_one(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (ann, _) = env.connected_user("acme").await;
    let bob = env.user().await;
    let token = env.read(ann, "acme", JUNIPER).await;
    let of_other_user = errors(&env, bob, JUNIPER).await;
    assert_eq!(of_other_user, errors(&env, bob, "unknown").await);
    assert_eq!(of_other_user, errors(&env, bob, &"x".repeat(255)).await);
    assert!(
        ProviderAccountId::new("x".repeat(256)).is_err(),
        "no operation accepts a longer account id"
    );
    assert!(
        of_other_user
            .iter()
            .all(|error| error.contains("AccountNotFound")),
        "{of_other_user:?}"
    );
    assert!(env.integrations(bob).await.is_empty());
    assert_eq!(
        env.read(ann, "acme", JUNIPER).await,
        token,
        "Ann's connection is unchanged"
    );
    assert_eq!(env.calls("acme", REFRESH) + env.calls("acme", "revoke"), 0);
}

async fn unknown_user_is_reported_as_user_not_found(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let unknown = UserId::try_from(i64::from(user.get()) + 1).unwrap();
    assert_eq!(
        read(&env.service, unknown, "acme", &account).await,
        Err(ErrorCode::UserNotFound)
    );
    let listed = env
        .service
        .connected_integrations(&call(), unknown)
        .await
        .unwrap_err();
    assert_eq!(listed.code(), ErrorCode::UserNotFound);
    assert_eq!(env.calls("acme", EXCHANGE), 1);
}
