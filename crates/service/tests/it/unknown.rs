//! A renewal of which nobody knows whether the platform processed it. On a platform that rotates,
//! the same token sent again could end a grant that still works, so it waits until there is nothing
//! left to lose.

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason};
use evergrant_sandbox::{Fault, FaultKind, acme_definition};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFE_S, REDDIT_LIFE_S, REFRESH, Stand};
use crate::outcomes::call;

on_both_databases!(
    a_lost_answer_is_not_asked_for_again_before_the_held_token_has_ended,
    a10_an_answer_cut_off_after_the_rotation_is_asked_for_once_more_inside_the_window,
    the_doubt_outlasts_failures_of_other_kinds,
    without_a_known_end_the_doubt_is_never_resolved_by_trying,
    a_platform_that_never_rotates_loses_nothing_in_flight,
    a_token_without_a_known_end_is_renewed_every_day_or_so,
);

async fn a_lost_answer_is_not_asked_for_again_before_the_held_token_has_ended(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let held = stand.read(user, "acme", &account).await;
    stand.fault("acme", REFRESH, FaultKind::Cut);
    stand.pass_seconds(ACME_LIFE_S - 600);
    assert_eq!(
        stand.refresh(user, "acme", &account).await,
        Err(ErrorCode::NetworkError)
    );
    for left in (1..=600).rev().step_by(13) {
        assert_eq!(
            stand.read(user, "acme", &account).await,
            held,
            "{left} s before the end"
        );
        assert_eq!(
            stand.refresh(user, "acme", &account).await,
            Err(ErrorCode::ProviderUnavailable)
        );
        stand.service.process().drain().await;
        stand.pass_seconds(13.min(left));
    }
    assert_eq!(stand.calls("acme", REFRESH), 1);
    let seen = stand.integration(user).await;
    assert_eq!(
        (seen.status, seen.reason),
        (
            ConnectionStatus::Connected,
            Some(StatusReason::RefreshRetrying)
        )
    );

    stand.pass_seconds(13);
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    let seen = stand.integration(user).await;
    assert_eq!(
        (seen.status, seen.reason),
        (ConnectionStatus::Expired, Some(StatusReason::LostInFlight))
    );
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(stand.calls("acme", REFRESH), 2, "tried once");
    assert_eq!(stand.events().await, ["connected", "error", "expired"]);
}

async fn a10_an_answer_cut_off_after_the_rotation_is_asked_for_once_more_inside_the_window(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let with_replay_window = format!(
        "{}tokens.replay_window_seconds = 60\n",
        acme_definition(&stand.platforms_at)
    );
    let service = stand.replica(&with_replay_window).await;
    stand
        .sandbox
        .set(
            "acme",
            evergrant_sandbox::Switch::RefreshToken(evergrant_sandbox::RefreshMode::RotateGrace),
        )
        .unwrap();
    let (user, account) = stand.user_with("acme").await;
    stand.fault("acme", REFRESH, FaultKind::Cut);
    assert!(
        service
            .refresh_token(&call(), user, "acme", &account)
            .await
            .is_ok()
    );
    assert_eq!(stand.calls("acme", REFRESH), 2, "replayed at once");
}

async fn the_doubt_outlasts_failures_of_other_kinds(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.fault("acme", REFRESH, FaultKind::Cut);
    stand.refresh(user, "acme", &account).await.unwrap_err();
    stand.pass_seconds(ACME_LIFE_S);
    let busy = |status: u16, wait: &str| {
        Fault::new("acme", REFRESH, FaultKind::Respond)
            .status(status)
            .header("retry-after", wait)
    };
    stand.force(busy(503, "100"));
    stand.force(busy(429, "200"));
    stand.force(Fault::new("acme", REFRESH, FaultKind::Respond).status(401));
    for code in [
        ErrorCode::ProviderUnavailable,
        ErrorCode::RateLimitError,
        ErrorCode::TokenRefreshError,
    ] {
        assert_eq!(stand.read(user, "acme", &account).await, Err(code));
        assert_eq!(
            stand.row(user, "acme", &account).await.reason,
            Some(StatusReason::ProviderUnavailable)
        );
        stand.pass_seconds(1000);
    }
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(
        stand.integration(user).await.reason,
        Some(StatusReason::LostInFlight),
        "and not the user's doing"
    );
}

async fn without_a_known_end_the_doubt_is_never_resolved_by_trying(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand
        .database
        .execute("UPDATE oauth_accounts SET expires_at = NULL")
        .await;
    stand.fault("acme", REFRESH, FaultKind::Cut);
    assert_eq!(
        stand.refresh(user, "acme", &account).await,
        Err(ErrorCode::NetworkError)
    );
    stand.pass_seconds(86_400);
    assert_eq!(
        stand.refresh(user, "acme", &account).await,
        Err(ErrorCode::ProviderUnavailable)
    );
    assert_eq!(stand.calls("acme", REFRESH), 1);
    assert!(stand.read(user, "acme", &account).await.is_ok());
}

async fn a_platform_that_never_rotates_loses_nothing_in_flight(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("reddit").await;
    stand.pass_seconds(REDDIT_LIFE_S);
    stand.force(Fault::new("reddit", REFRESH, FaultKind::Cut).times(3));
    assert_eq!(
        stand.read(user, "reddit", &account).await,
        Err(ErrorCode::NetworkError)
    );
    stand.sandbox.revoke_user("reddit", "juniper").unwrap();
    stand.pass_seconds(20);
    assert_eq!(
        stand.read(user, "reddit", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(
        stand.integration(user).await.reason,
        Some(StatusReason::RefreshTokenInvalid)
    );
}

/// Nobody would notice otherwise that it has ended.
async fn a_token_without_a_known_end_is_renewed_every_day_or_so(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand
        .database
        .execute("UPDATE oauth_accounts SET expires_at = NULL")
        .await;
    let day_s = 86_400;
    for hour in 1..24 {
        stand.pass_seconds(day_s / 24);
        stand.take_up_due().await;
        assert!(stand.read(user, "acme", &account).await.is_ok());
        assert_eq!(stand.calls("acme", REFRESH), 0, "after {hour} hours");
    }
    let next = stand.integration(user).await.next_refresh_at.unwrap();
    assert!(
        (0..=day_s).contains(&next.seconds_since(stand.now())),
        "it is said when: {next}"
    );
    stand.pass_seconds(day_s);
    stand.take_up_due().await;
    assert_eq!(stand.calls("acme", REFRESH), 1);
    assert!(
        stand
            .row(user, "acme", &account)
            .await
            .tokens
            .expires_at
            .is_some(),
        "the platform has said it this time"
    );
}
