//! The life of a connection: connect, read, refresh, reconnect and disconnect.

use evergrant_model::ConnectionStatus::{self, Connected};
use evergrant_model::{ErrorCode, Revocation, SignedDuration, StatusReason, UserId};
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, RefreshReply, Switch};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{
    ACME_LIFETIME_SECONDS, JUNIPER, KILN, REDDIT_LIFETIME_SECONDS, REFRESH, TestEnv, call,
    connected, params,
};

on_both_databases!(
    connection_can_be_made_refreshed_and_disconnected,
    two_accounts_of_one_provider_are_independent,
    reconnect_keeps_row_and_omitted_refresh_token,
    reconnect_drops_a_rejected_refresh_token,
    refresh_keeps_omitted_refresh_token,
    missing_scope_is_reported,
    failed_refresh_does_not_hide_a_missing_scope,
    each_change_increments_version,
);

/// Connects an account, lets its token expire and refreshes it by a read. Returns the user and the
/// account's id.
async fn connect_and_refresh(
    env: &TestEnv,
    provider: &str,
    lifetime_seconds: i64,
) -> (UserId, String) {
    let user = env.user().await;
    let account = env.connect(user, provider, "juniper").await;
    let first = env.read(user, provider, &account).await.unwrap();
    let before = env.integration(user).await;
    assert_eq!(
        (before.status, before.reason),
        (ConnectionStatus::Connected, None)
    );
    assert_eq!(
        before.expires_at,
        Some(env.now() + SignedDuration::from_secs(lifetime_seconds))
    );

    env.advance_seconds(lifetime_seconds);
    let second = env.read(user, provider, &account).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(env.calls(provider, REFRESH), 1);
    let after = env.integration(user).await;
    assert_eq!(
        (after.id, after.created_at, &after.metadata),
        (before.id, before.created_at, &before.metadata)
    );
    assert_eq!(
        (after.username, after.display_name),
        (before.username, before.display_name)
    );
    assert_eq!(after.last_refreshed_at, Some(env.now()));
    let avatar = &after.metadata["avatar_url"];
    assert!(avatar.is_string(), "{}", after.metadata);
    (user, account)
}

async fn connection_can_be_made_refreshed_and_disconnected(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    for (provider, lifetime_seconds) in [
        ("acme", ACME_LIFETIME_SECONDS),
        ("reddit", REDDIT_LIFETIME_SECONDS),
    ] {
        let (user, account) = connect_and_refresh(&env, provider, lifetime_seconds).await;
        let disconnected = env.disconnect(user, provider, &account).await.unwrap();
        assert_eq!(disconnected.revocation, Revocation::Revoked);
        assert!(env.integrations(user).await.is_empty());
        assert_eq!(
            env.sandbox.revoke_user(provider, "juniper").unwrap(),
            0,
            "no grant is left at the provider"
        );
    }
    assert_eq!(
        env.events().await,
        ["connected", "refreshed", "disconnected"].repeat(2)
    );
}

async fn two_accounts_of_one_provider_are_independent(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    for person in ["juniper", "kiln"] {
        env.connect(user, "acme", person).await;
    }
    for number in 0..2 {
        for (person, account) in [("juniper", JUNIPER), ("kiln", KILN)] {
            let token = env.read(user, "acme", account).await.unwrap();
            assert!(
                token.starts_with(&format!("acme-{person}-")),
                "token of {person} in lifetime {number}"
            );
        }
        env.advance_seconds(ACME_LIFETIME_SECONDS);
    }
    assert_eq!(env.calls("acme", REFRESH), 2);
    assert_eq!(env.integrations(user).await.len(), 2);
}

/// Reconnects an account at Reddit, which then issues an access token without a refresh token.
async fn reconnect_without_refresh_token(env: &TestEnv, user: UserId, account: &str) {
    let flow = env.start_reconnect(user, "reddit", account).await;
    let without_refresh_token = flow
        .auth_url
        .replace("duration=permanent", "duration=temporary");
    let redirect = env.sandbox.approve(&without_refresh_token, "juniper", None);
    let outcome = env.callback("reddit", params(&redirect.unwrap())).await;
    assert_eq!(connected(&outcome.unwrap()), account);
}

async fn reconnect_drops_a_rejected_refresh_token(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("reddit").await;
    env.sandbox.revoke_user("reddit", "juniper").unwrap();
    let refused = env.refresh(user, "reddit", &account).await;
    assert_eq!(refused, Err(ErrorCode::ReconnectRequired));
    reconnect_without_refresh_token(&env, user, &account).await;
    let row = env.row(user, "reddit", &account).await;
    assert!(row.tokens.refresh.is_none());
    assert_eq!((row.status, row.next_refresh_at), (Connected, None));
    assert!(row.next_status_at.is_some(), "the user is warned in time");
}

async fn reconnect_keeps_row_and_omitted_refresh_token(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("reddit").await;
    let before = env.row(user, "reddit", &account).await;
    env.advance_seconds(1000);
    reconnect_without_refresh_token(&env, user, &account).await;

    let after = env.row(user, "reddit", &account).await;
    assert_eq!(
        after.next_refresh_at.unwrap().since(env.now()),
        before.next_refresh_at.unwrap().since(before.created_at),
        "the new access token is refreshed with the kept refresh token"
    );
    assert_eq!(after.next_status_at, before.next_status_at);
    assert_eq!((after.id, after.created_at), (before.id, before.created_at));
    assert_eq!(
        (after.lease.generation, after.updated_at),
        (before.lease.generation + 1, env.now())
    );
    assert_ne!(
        after.tokens.access.unwrap().as_str(),
        before.tokens.access.unwrap().as_str()
    );
    assert_eq!(
        after.tokens.refresh.unwrap().as_str(),
        before.tokens.refresh.unwrap().as_str()
    );
    assert!(
        env.refresh(user, "reddit", &account).await.is_ok(),
        "the kept refresh token works"
    );
}

async fn refresh_keeps_omitted_refresh_token(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    env.sandbox
        .set("acme", Switch::RefreshToken(RefreshMode::Keep))
        .unwrap();
    env.sandbox
        .set("acme", Switch::RefreshReply(RefreshReply::Omit))
        .unwrap();
    let (user, account) = env.connected_user("acme").await;
    let before = env
        .row(user, "acme", &account)
        .await
        .tokens
        .refresh
        .unwrap();
    for calls in 1..=2 {
        assert!(env.refresh(user, "acme", &account).await.is_ok());
        assert_eq!(env.calls("acme", REFRESH), calls);
    }
    assert_eq!(
        env.row(user, "acme", &account)
            .await
            .tokens
            .refresh
            .unwrap()
            .as_str(),
        before.as_str()
    );
}

async fn missing_scope_is_reported(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let redirect = params(
        &env.sandbox
            .approve(&flow.auth_url, "juniper", Some(&["openid"]))
            .unwrap(),
    );
    env.callback("acme", redirect).await.unwrap();
    for refreshed in [false, true] {
        let integration = env.integration(user).await;
        assert_eq!(
            (integration.status, integration.reason),
            (
                ConnectionStatus::Connected,
                Some(StatusReason::ScopeMissing)
            )
        );
        // Providers do not list `offline_access`.
        assert_eq!(
            integration.missing_scopes,
            ["profile"],
            "refreshed: {refreshed}"
        );
        env.refresh(user, "acme", &integration.provider_account_id)
            .await
            .unwrap();
    }
}

async fn failed_refresh_does_not_hide_a_missing_scope(database: TestDatabase) {
    use StatusReason::{RefreshRetrying, ScopeMissing};
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let redirect = env
        .sandbox
        .approve(&flow.auth_url, "juniper", Some(&["openid"]));
    let outcome = env.callback("acme", params(&redirect.unwrap())).await;
    let account = connected(&outcome.unwrap());
    env.force(Fault::new("acme", REFRESH, FaultKind::Respond).status(503));
    env.refresh(user, "acme", &account).await.unwrap_err();
    let failed = env.integration(user).await;
    assert_eq!(failed.remarks, [ScopeMissing, RefreshRetrying]);
    assert_eq!(
        (failed.status, failed.reason),
        (Connected, Some(ScopeMissing))
    );
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.read(user, "acme", &account).await.unwrap();
    assert_eq!(env.integration(user).await.remarks, [ScopeMissing]);
}

async fn each_change_increments_version(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let version = async || {
        env.service
            .connected_integrations(&call(), user)
            .await
            .unwrap()
            .version
    };
    assert_eq!(version().await, 0);
    let account = env.connect(user, "acme", "juniper").await;
    assert_eq!(version().await, 1);
    env.refresh(user, "acme", &account).await.unwrap();
    assert_eq!(version().await, 2);
    env.read(user, "acme", &account).await.unwrap();
    assert_eq!(version().await, 2, "a read is not a change");
    env.disconnect(user, "acme", &account).await.unwrap();
    assert_eq!(version().await, 3);
}
