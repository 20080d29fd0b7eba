//! Disconnecting an account: its row, its tokens and the revocation at the provider.

use std::collections::HashSet;

use evergrant_model::{ErrorCode, Revocation, UserId};
use evergrant_sandbox::{Fault, FaultKind, acme_definition};
use evergrant_service::IntegrationsService;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, read, run_housekeeping, slug, until,
};

on_both_databases!(
    confirmed_revocation_is_reported,
    item_69_disconnect_deletes_row_at_once_and_revokes_after_outage,
    item_69_revocation_is_abandoned_after_one_day,
    provider_without_revocation_endpoint_is_not_called,
    already_ended_grant_counts_as_revoked,
    one_of_two_concurrent_disconnects_succeeds,
    disconnecting_one_account_keeps_the_other,
    disconnect_reaches_other_replicas,
    connection_of_unconfigured_provider_can_be_disconnected,
    undecryptable_queued_revocation_is_reported,
);

/// Disconnects an account at Acme through `service`.
async fn disconnect(
    service: &IntegrationsService,
    user: UserId,
    account: &str,
) -> Result<Revocation, ErrorCode> {
    let disconnected = service
        .disconnect_integration(&call(), user, &slug("acme"), &account_id(account))
        .await;
    disconnected
        .map(|disconnected| disconnected.revocation)
        .map_err(|error| error.code())
}

/// Returns whether the database holds a token, in a connection or in the revocation queue.
async fn has_stored_tokens(env: &TestEnv) -> bool {
    let select =
        "SELECT 'token' FROM {} WHERE access_token IS NOT NULL OR refresh_token IS NOT NULL";
    let selects =
        ["oauth_accounts", "evergrant_revocations"].map(|table| select.replace("{}", table));
    !env.database
        .texts(&selects.join(" UNION ALL "))
        .await
        .is_empty()
}

async fn confirmed_revocation_is_reported(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let account = env.connect(user, "reddit", "juniper").await;
    assert!(has_stored_tokens(&env).await);
    let service = &env.service;
    let disconnected = service
        .disconnect_integration(&call(), user, &slug("reddit"), &account_id(&account))
        .await
        .unwrap();
    assert_eq!(disconnected.revocation, Revocation::Revoked);
    assert!(
        disconnected.message.contains("Reddit has confirmed"),
        "{}",
        disconnected.message
    );
    assert_eq!(
        env.calls("reddit", "revoke"),
        1,
        "Reddit ends the grant when its refresh token is revoked"
    );
    assert!(!has_stored_tokens(&env).await);
    let unknown = service
        .disconnect_integration(&call(), user, &slug("reddit"), &account_id(&account))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::AccountNotFound);
}

async fn item_69_disconnect_deletes_row_at_once_and_revokes_after_outage(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.force(
        Fault::new("acme", "revoke", FaultKind::Respond)
            .status(503)
            .header("retry-after", "30")
            .times(2),
    );
    assert_eq!(
        disconnect(&env.service, user, &account).await,
        Ok(Revocation::Pending)
    );
    assert_eq!(
        env.read(user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
    assert!(env.database.contents().await["oauth_accounts"].is_empty());
    assert!(
        has_stored_tokens(&env).await,
        "the queue keeps the tokens to revoke"
    );
    run_housekeeping(&env.service).await.unwrap();
    assert_eq!(env.calls("acme", "revoke"), 1, "not retried at once");

    env.advance_seconds(60);
    run_housekeeping(&env.service).await.unwrap();
    assert_eq!(env.calls("acme", "revoke"), 2, "still down");
    env.advance_seconds(3600);
    run_housekeeping(&env.service).await.unwrap();
    assert_eq!(env.calls("acme", "revoke"), 4, "both tokens are revoked");
    assert_eq!(
        env.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "no grant is left at the provider"
    );
    assert!(!has_stored_tokens(&env).await);
}

async fn item_69_revocation_is_abandoned_after_one_day(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.force(
        Fault::new("acme", "revoke", FaultKind::Respond)
            .status(500)
            .times(1000),
    );
    assert_eq!(
        disconnect(&env.service, user, &account).await,
        Ok(Revocation::Pending)
    );
    for _ in 0..24 {
        assert!(has_stored_tokens(&env).await, "kept within the day");
        env.advance_seconds(3600);
        run_housekeeping(&env.service).await.unwrap();
    }
    assert!(!has_stored_tokens(&env).await, "deleted after one day");
    let calls = env.calls("acme", "revoke");
    assert_eq!(calls, 1 + 24, "retried once an hour");
    env.advance_seconds(86_400);
    run_housekeeping(&env.service).await.unwrap();
    assert_eq!(env.calls("acme", "revoke"), calls);
}

async fn provider_without_revocation_endpoint_is_not_called(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let definition = acme_definition(&env.sandbox_url);
    let without = definition
        .lines()
        .filter(|line| !line.starts_with("revocation_url"))
        .collect::<Vec<_>>()
        .join("\n");
    let service = env.replica_with(&without).await;
    let disconnected = service
        .disconnect_integration(&call(), user, &slug("acme"), &account_id(&account))
        .await
        .unwrap();
    assert_eq!(disconnected.revocation, Revocation::Unsupported);
    assert!(
        disconnected
            .message
            .contains("settings of your Acme account"),
        "{}",
        disconnected.message
    );
    assert_eq!(env.calls("acme", "revoke"), 0);
    assert!(!has_stored_tokens(&env).await);
}

async fn already_ended_grant_counts_as_revoked(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.sandbox.revoke_user("acme", "juniper").unwrap();
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.read(user, "acme", &account).await.unwrap_err();
    assert_eq!(
        disconnect(&env.service, user, &account).await,
        Ok(Revocation::Revoked)
    );
}

async fn one_of_two_concurrent_disconnects_succeeds(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let replica = env.replica().await;
    let (one, two) = tokio::join!(
        disconnect(&env.service, user, &account),
        disconnect(&replica, user, &account)
    );
    let both = HashSet::from([one, two]);
    assert_eq!(
        both,
        HashSet::from([Ok(Revocation::Revoked), Err(ErrorCode::AccountNotFound)])
    );
    assert_eq!(
        env.calls("acme", "revoke"),
        2,
        "one grant with two tokens is revoked once"
    );
    assert_eq!(env.events().await, ["connected", "disconnected"]);
}

async fn disconnecting_one_account_keeps_the_other(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, juniper) = env.connected_user("acme").await;
    let kiln = env.connect(user, "acme", "kiln").await;
    assert_eq!(
        disconnect(&env.service, user, &juniper).await,
        Ok(Revocation::Revoked)
    );
    let token = env.read(user, "acme", &kiln).await.unwrap();
    assert!(token.starts_with("acme-kiln-") && env.is_accepted(&token).await);
    assert!(env.refresh(user, "acme", &kiln).await.is_ok());
    assert_eq!(env.integration(user).await.provider_account_id, kiln);
}

async fn disconnect_reaches_other_replicas(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let replica = env.replica().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let process = tokio::spawn({
        let replica = replica.clone();
        async move { replica.process().run(async { drop(stopped.await) }).await }
    });
    assert!(read(&replica, user, "acme", &account).await.is_ok());
    let list = async || replica.connected_integrations(&call(), user).await.unwrap();
    let before = list().await;
    assert_eq!(before.integrations.len(), 1);

    env.disconnect(user, "acme", &account).await.unwrap();
    // The clock does not advance, so only the change feed can end the replica's cache entries.
    until(async || {
        env.store.ping().await.unwrap();
        read(&replica, user, "acme", &account).await == Err(ErrorCode::AccountNotFound)
    })
    .await;
    until(async || list().await.version > before.version).await;
    assert!(list().await.integrations.is_empty());
    assert_eq!(env.calls("acme", REFRESH), 0);
    drop(stop);
    process.await.unwrap();
}

async fn connection_of_unconfigured_provider_can_be_disconnected(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.database
        .execute("UPDATE oauth_accounts SET provider = 'former'")
        .await;
    let disconnect = |provider: &'static str| {
        let (service, account) = (env.service.clone(), account.clone());
        async move {
            service
                .disconnect_integration(&call(), user, &slug(provider), &account_id(&account))
                .await
        }
    };
    assert_eq!(
        disconnect("unknown").await.unwrap_err().code(),
        ErrorCode::InvalidProvider
    );
    let disconnected = disconnect("former").await.unwrap();
    assert_eq!(disconnected.revocation, Revocation::Unsupported);
    assert!(
        disconnected.message.contains("former is not configured"),
        "{}",
        disconnected.message
    );
    assert!(!has_stored_tokens(&env).await);
    assert_eq!(
        disconnect("former").await.unwrap_err().code(),
        ErrorCode::InvalidProvider
    );
}

async fn undecryptable_queued_revocation_is_reported(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.force(Fault::new("acme", "revoke", FaultKind::Respond).status(503));
    assert_eq!(
        disconnect(&env.service, user, &account).await,
        Ok(Revocation::Pending)
    );
    let (iv_and_tag, text) = ("0".repeat(32), "00");
    let encrypted = format!("{iv_and_tag}:{iv_and_tag}:{text}");
    env.database
        .execute(&format!(
            "UPDATE evergrant_revocations SET access_token = '{encrypted}'"
        ))
        .await;
    env.advance_seconds(3_600);
    run_housekeeping(&env.service).await.unwrap();
    assert_eq!(env.recorder.count("RevocationUnreadable"), 1);
    assert!(!has_stored_tokens(&env).await);
}
