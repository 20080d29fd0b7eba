//! A refresh whose outcome is unknown. At a provider that rotates refresh tokens, sending the same
//! token again could end a grant that still works. The retry therefore waits until the current
//! access token has expired.

use evergrant_model::{ConnectionStatus, ErrorCode, SignedDuration, StatusReason};
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch, acme_definition};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{
    ACME_LIFETIME_SECONDS, REDDIT_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, slug,
};

const DAY_SECONDS: i64 = 86_400;

on_both_databases!(
    lost_response_is_not_retried_before_current_token_expires,
    a10_lost_response_is_replayed_once_within_replay_window,
    unknown_outcome_persists_through_later_failures,
    unknown_outcome_is_not_retried_without_known_expiry,
    provider_without_rotation_loses_no_token_in_flight,
    token_without_known_expiry_is_refreshed_daily,
);

async fn lost_response_is_not_retried_before_current_token_expires(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let read = async || env.read(user, "acme", &account).await;
    let status = async || {
        let integration = env.integration(user).await;
        (integration.status, integration.reason)
    };
    let current = read().await;
    env.fault("acme", REFRESH, FaultKind::Cut);
    env.advance_seconds(ACME_LIFETIME_SECONDS - 600);
    assert_eq!(
        env.refresh(user, "acme", &account).await,
        Err(ErrorCode::NetworkError)
    );
    let retrying = Some(StatusReason::RefreshRetrying);
    for left in (1..=600).rev().step_by(13) {
        assert_eq!(status().await, (ConnectionStatus::Connected, retrying));
        assert_eq!(read().await, current, "{left} s before expiry");
        assert_eq!(
            env.refresh(user, "acme", &account).await,
            Err(ErrorCode::ProviderUnavailable)
        );
        env.service.process().drain().await;
        env.advance_seconds(13.min(left));
    }
    assert_eq!(env.calls("acme", REFRESH), 1);
    let unavailable = Some(StatusReason::ProviderUnavailable);
    assert_eq!(
        status().await,
        (ConnectionStatus::Error, unavailable),
        "the current token has ended"
    );
    assert_eq!(read().await, Err(ErrorCode::ReconnectRequired));
    let lost = Some(StatusReason::LostInFlight);
    assert_eq!(status().await, (ConnectionStatus::Expired, lost));
    assert_eq!(read().await, Err(ErrorCode::ReconnectRequired));
    assert_eq!(env.calls("acme", REFRESH), 2, "retried once");
    assert_eq!(env.events().await, ["connected", "error", "expired"]);
}

async fn a10_lost_response_is_replayed_once_within_replay_window(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let with_replay_window = format!(
        "{}tokens.replay_window_seconds = 60\n",
        acme_definition(&env.sandbox_url)
    );
    let service = env.replica_with(&with_replay_window).await;
    env.sandbox
        .set("acme", Switch::RefreshToken(RefreshMode::RotateGrace))
        .unwrap();
    let (user, account) = env.connected_user("acme").await;
    env.fault("acme", REFRESH, FaultKind::Cut);
    assert!(
        service
            .refresh_token(&call(), user, &slug("acme"), &account_id(&account))
            .await
            .is_ok()
    );
    assert_eq!(
        env.calls("acme", REFRESH),
        2,
        "the request is replayed at once"
    );
}

async fn unknown_outcome_persists_through_later_failures(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.fault("acme", REFRESH, FaultKind::Cut);
    env.refresh(user, "acme", &account).await.unwrap_err();
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let busy = |status: u16, wait: &str| {
        Fault::new("acme", REFRESH, FaultKind::Respond)
            .status(status)
            .header("retry-after", wait)
    };
    env.force(busy(503, "100"));
    env.force(busy(429, "200"));
    env.force(Fault::new("acme", REFRESH, FaultKind::Respond).status(401));
    for code in [
        ErrorCode::ProviderUnavailable,
        ErrorCode::RateLimitError,
        ErrorCode::TokenRefreshError,
    ] {
        assert_eq!(env.read(user, "acme", &account).await, Err(code));
        assert_eq!(
            env.row(user, "acme", &account).await.reason,
            Some(StatusReason::ProviderUnavailable)
        );
        env.advance_seconds(1000);
    }
    assert_eq!(
        env.read(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(
        env.integration(user).await.reason,
        Some(StatusReason::LostInFlight),
        "the reason is the lost response, not a revocation by the user"
    );
}

async fn unknown_outcome_is_not_retried_without_known_expiry(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.database
        .execute("UPDATE oauth_accounts SET expires_at = NULL")
        .await;
    env.fault("acme", REFRESH, FaultKind::Cut);
    assert_eq!(
        env.refresh(user, "acme", &account).await,
        Err(ErrorCode::NetworkError)
    );
    env.advance_seconds(86_400);
    assert_eq!(
        env.refresh(user, "acme", &account).await,
        Err(ErrorCode::ProviderUnavailable)
    );
    assert_eq!(env.calls("acme", REFRESH), 1);
    assert!(env.read(user, "acme", &account).await.is_ok());
}

async fn provider_without_rotation_loses_no_token_in_flight(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("reddit").await;
    env.advance_seconds(REDDIT_LIFETIME_SECONDS);
    env.force(Fault::new("reddit", REFRESH, FaultKind::Cut).times(3));
    assert_eq!(
        env.read(user, "reddit", &account).await,
        Err(ErrorCode::NetworkError)
    );
    env.sandbox.revoke_user("reddit", "juniper").unwrap();
    env.advance_seconds(20);
    assert_eq!(
        env.read(user, "reddit", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(
        env.integration(user).await.reason,
        Some(StatusReason::RefreshTokenInvalid)
    );
}

/// Without the daily refresh, an ended grant would not be detected.
async fn token_without_known_expiry_is_refreshed_daily(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.database
        .execute("UPDATE oauth_accounts SET expires_at = NULL")
        .await;
    for hour in 1..24 {
        env.advance_seconds(DAY_SECONDS / 24);
        env.refresh_due().await;
        assert!(env.read(user, "acme", &account).await.is_ok());
        assert_eq!(env.calls("acme", REFRESH), 0, "after {hour} hours");
    }
    let next = env.integration(user).await.next_refresh_at.unwrap();
    let day = SignedDuration::from_secs(DAY_SECONDS);
    assert!(
        (SignedDuration::ZERO..=day).contains(&next.since(env.now())),
        "the next refresh is reported: {next}"
    );
    env.advance_seconds(DAY_SECONDS);
    env.refresh_due().await;
    assert_eq!(env.calls("acme", REFRESH), 1);
    assert!(
        env.row(user, "acme", &account)
            .await
            .tokens
            .expires_at
            .is_some(),
        "the refresh response contained an expiry"
    );
}
