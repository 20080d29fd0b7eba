//! Reading access tokens: fresh, stale, expired and of ended grants.

use std::collections::HashSet;

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason};
use evergrant_sandbox::{Fault, FaultKind, Switch};
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::harness::{
    ACME_LIFETIME_SECONDS, REDDIT_LIFETIME_SECONDS, REFRESH, TestEnv, issue, read,
};

on_both_databases!(
    a1_thousand_reads_of_expired_token_make_one_call,
    a3_refresh_outlives_cancelled_caller,
    fresh_token_is_read_without_query_or_call,
    stale_token_is_served_at_once_and_refreshed_in_background,
    min_ttl_over_half_the_lifetime_does_not_cause_refresh_loop,
    a12_failed_refresh_does_not_fail_reads_before_expiry,
    a13_dead_grant_is_reported_without_provider_call,
    missing_access_token_is_refreshed_on_read,
    replica_with_old_row_uses_tokens_refreshed_by_another,
);

/// Acme rotates refresh tokens and ends the grant if one is used twice, so a second call would end
/// the grant.
async fn a1_thousand_reads_of_expired_token_make_one_call(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.fault("acme", REFRESH, FaultKind::Hold);
    let mut readers = JoinSet::new();
    for _ in 0..1000 {
        let (service, account) = (env.service.clone(), account.clone());
        readers.spawn(async move { read(&service, user, "acme", &account).await });
    }
    env.wait_for_calls("acme", REFRESH, 1).await;
    env.sandbox.release();
    let answers: Vec<_> = readers
        .join_all()
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(answers.len(), 1000);
    assert_eq!(
        answers.into_iter().collect::<HashSet<_>>().len(),
        1,
        "all reads return the same token"
    );
    assert_eq!(env.calls("acme", REFRESH), 1);
    assert!(
        env.refresh(user, "acme", &account).await.is_ok(),
        "the grant is alive"
    );
}

async fn a3_refresh_outlives_cancelled_caller(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.fault("acme", REFRESH, FaultKind::Hold);
    let reader = || {
        let (service, account) = (env.service.clone(), account.clone());
        tokio::spawn(async move { read(&service, user, "acme", &account).await })
    };
    let first = reader();
    env.wait_for_calls("acme", REFRESH, 1).await;
    let others: Vec<_> = (0..10).map(|_| reader()).collect();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    env.sandbox.release();
    for other in others {
        assert!(other.await.unwrap().is_ok());
    }
    assert_eq!(env.calls("acme", REFRESH), 1);
    assert_eq!(
        env.row(user, "acme", &account).await.lease.generation,
        2,
        "the new tokens are stored"
    );
}

async fn fresh_token_is_read_without_query_or_call(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let token = env.read(user, "acme", &account).await;
    let calls = env.sandbox.calls();
    // From here on, every query fails.
    env.store.close().await;
    for _ in 0..1000 {
        assert_eq!(env.read(user, "acme", &account).await, token);
    }
    assert_eq!(env.sandbox.calls(), calls);
    env.advance_seconds(30);
    assert_eq!(
        env.read(user, "acme", &account).await,
        token,
        "a cached row is served for 30 seconds during an outage"
    );
    env.advance_seconds(1);
    assert_eq!(
        env.read(user, "acme", &account).await,
        Err(ErrorCode::DatabaseError)
    );
}

async fn stale_token_is_served_at_once_and_refreshed_in_background(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let current = env.read(user, "acme", &account).await.unwrap();
    env.advance_seconds(ACME_LIFETIME_SECONDS - 700);
    env.fault("acme", REFRESH, FaultKind::Hold);
    for _ in 0..100 {
        assert_eq!(
            env.read(user, "acme", &account).await.as_ref(),
            Ok(&current),
            "served while the provider does not respond"
        );
    }
    env.wait_for_calls("acme", REFRESH, 1).await;
    env.sandbox.release();
    env.service.process().drain().await;
    assert_ne!(env.read(user, "acme", &account).await, Ok(current));
    assert_eq!(env.calls("acme", REFRESH), 1);
}

async fn min_ttl_over_half_the_lifetime_does_not_cause_refresh_loop(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let seconds_left_with_min_ttl = async |seconds| {
        let issued = issue(&env.service, user, "acme", &account, seconds).await;
        let expires_at = issued.unwrap().expires_at.unwrap();
        expires_at.since(env.now()).as_secs()
    };
    assert_eq!(
        seconds_left_with_min_ttl(i64::MAX).await,
        ACME_LIFETIME_SECONDS,
        "a token with over half its lifetime left is served for any minimum"
    );
    env.advance_seconds(ACME_LIFETIME_SECONDS / 2 - 1);
    seconds_left_with_min_ttl(i64::MAX).await;
    assert_eq!(
        env.calls("acme", REFRESH),
        0,
        "more than half of the lifetime is left"
    );
    env.advance_seconds(2);
    assert_eq!(
        seconds_left_with_min_ttl(100).await,
        ACME_LIFETIME_SECONDS / 2 - 1,
        "a small minimum is met by the remaining lifetime"
    );
    for _ in 0..10 {
        assert_eq!(
            seconds_left_with_min_ttl(i64::MAX).await,
            ACME_LIFETIME_SECONDS
        );
    }
    assert_eq!(env.calls("acme", REFRESH), 1);
}

async fn a12_failed_refresh_does_not_fail_reads_before_expiry(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    for (provider, lifetime_seconds) in [
        ("acme", ACME_LIFETIME_SECONDS),
        ("reddit", REDDIT_LIFETIME_SECONDS),
    ] {
        let (user, account) = env.connected_user(provider).await;
        let current = env.read(user, provider, &account).await.unwrap();
        env.force(
            Fault::new(provider, REFRESH, FaultKind::Respond)
                .status(500)
                .times(10_000),
        );
        env.advance_seconds(lifetime_seconds - 290);
        for left in (1..=290).rev() {
            assert_eq!(
                env.read(user, provider, &account).await.as_ref(),
                Ok(&current),
                "{left} s before expiry"
            );
            env.service.process().drain().await;
            let integration = env.integration(user).await;
            assert_eq!(
                (integration.status, integration.reason),
                (
                    ConnectionStatus::Connected,
                    Some(StatusReason::RefreshRetrying)
                )
            );
            env.advance_seconds(1);
        }
        assert!(env.calls(provider, REFRESH) >= 1, "a refresh was attempted");
        assert_eq!(
            env.read(user, provider, &account).await,
            Err(ErrorCode::ProviderUnavailable),
            "after expiry"
        );
    }
}

async fn a13_dead_grant_is_reported_without_provider_call(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let read = async || env.read(user, "acme", &account).await;
    env.sandbox.revoke_user("acme", "juniper").unwrap();
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    assert_eq!(read().await, Err(ErrorCode::ReconnectRequired));
    let calls = env.sandbox.calls();
    assert_eq!(calls.get("acme", REFRESH), 1);
    for _ in 0..10_000 {
        assert_eq!(read().await, Err(ErrorCode::ReconnectRequired));
    }
    env.advance_seconds(30 * 86_400);
    assert_eq!(read().await, Err(ErrorCode::ReconnectRequired));
    assert_eq!(
        env.refresh(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(env.sandbox.calls(), calls);
    let integration = env.integration(user).await;
    assert_eq!(
        (integration.status, integration.reason),
        (
            ConnectionStatus::Expired,
            Some(StatusReason::RefreshTokenInvalid)
        )
    );
    assert_eq!(env.events().await, ["connected", "expired"], "one event");
    read().await.unwrap_err();
    env.store.close().await;
    assert_eq!(
        read().await,
        Err(ErrorCode::ReconnectRequired),
        "reported without a query"
    );
}

/// The replica has not received the change, and it must not use a refresh token that has been used.
async fn replica_with_old_row_uses_tokens_refreshed_by_another(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    env.sandbox.set("acme", Switch::ExpiresIn(40)).unwrap();
    let (user, account) = env.connected_user("acme").await;
    let replica = env.replica().await;
    let old = env.read(user, "acme", &account).await;
    assert_eq!(read(&replica, user, "acme", &account).await, old);
    env.advance_seconds(30);
    let new = env.read(user, "acme", &account).await;
    assert_ne!(new, old);
    assert_eq!(read(&replica, user, "acme", &account).await, new);
    assert_eq!(env.calls("acme", REFRESH), 1);
}

/// An external program may store a row without an access token.
async fn missing_access_token_is_refreshed_on_read(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.database
        .execute("UPDATE oauth_accounts SET access_token = NULL")
        .await;
    assert!(env.read(user, "acme", &account).await.is_ok());
    assert_eq!(env.calls("acme", REFRESH), 1);
}
