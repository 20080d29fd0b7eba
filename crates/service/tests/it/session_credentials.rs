//! Session credentials that a user pastes: they are checked periodically and never refreshed.

use std::collections::BTreeMap;
use std::sync::Arc;

use evergrant_model::{AccessToken, ConnectionStatus, ErrorCode, StatusReason, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::ReportOutcome;
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::harness::{TestEnv, account_id, call, slug};

/// Provider with session credentials.
const SITE: &str = "onlyfans";
/// Account id of Kiln at [`SITE`].
const KILN_ACCOUNT: &str = "900001";
const SIX_HOURS_SECONDS: i64 = 6 * 60 * 60;
const HOUR_SECONDS: i64 = 60 * 60;

/// Returns the form fields with the session that `person` pastes.
fn pasted(env: &TestEnv, person: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(
        "pasted".to_owned(),
        env.sandbox.session(SITE, person).unwrap().json(),
    )])
}

/// Creates a user with the session of Kiln.
async fn user_with_session(env: &TestEnv) -> UserId {
    let user = env.user().await;
    let flow = env.start_flow(user, SITE).await;
    let submitted = env
        .service
        .authorizations()
        .submit_credentials(&call(), user, &flow.flow_id, &pasted(env, "kiln"))
        .await
        .unwrap();
    assert_eq!(submitted[0].provider_account_id, KILN_ACCOUNT);
    user
}

async fn status(env: &TestEnv, user: UserId) -> (ConnectionStatus, Option<StatusReason>) {
    let one = env.integration(user).await;
    (one.status, one.reason)
}

/// Advances the clocks and runs the checks that are due.
async fn advance_and_check(env: &TestEnv, seconds: i64) {
    env.advance_seconds(seconds);
    env.refresh_due().await;
}

async fn session_is_checked_every_six_hours_and_marked_expired(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = user_with_session(&env).await;
    let checks = env.calls(SITE, "me");
    advance_and_check(&env, SIX_HOURS_SECONDS - 1).await;
    assert_eq!(env.calls(SITE, "me"), checks, "not due yet");
    advance_and_check(&env, 1).await;
    assert_eq!(env.calls(SITE, "me"), checks + 1);
    assert_eq!(
        status(&env, user).await,
        (ConnectionStatus::Connected, None)
    );

    env.sandbox.revoke_user(SITE, "kiln").unwrap();
    advance_and_check(&env, SIX_HOURS_SECONDS).await;
    let ended = (ConnectionStatus::Expired, Some(StatusReason::SessionEnded));
    assert_eq!(status(&env, user).await, ended);
    assert_eq!(
        env.read(user, SITE, KILN_ACCOUNT).await,
        Err(ErrorCode::ReconnectRequired)
    );
    let checks = env.calls(SITE, "me");
    advance_and_check(&env, 10 * SIX_HOURS_SECONDS).await;
    assert_eq!(
        env.calls(SITE, "me"),
        checks,
        "an ended session is not checked again"
    );
}

async fn second_rejection_expires_session(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = user_with_session(&env).await;
    env.force(
        Fault::new(SITE, "me", FaultKind::Respond)
            .status(401)
            .times(2),
    );
    advance_and_check(&env, SIX_HOURS_SECONDS).await;
    assert_eq!(
        status(&env, user).await,
        (ConnectionStatus::Expiring, Some(StatusReason::Unverified))
    );
    advance_and_check(&env, HOUR_SECONDS).await;
    assert_eq!(
        status(&env, user).await,
        (ConnectionStatus::Expired, Some(StatusReason::SessionEnded))
    );
}

async fn blocked_check_does_not_expire_session(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = user_with_session(&env).await;
    env.force(Fault::new(SITE, "me", FaultKind::Html).status(403).times(3));
    for _ in 0..3 {
        advance_and_check(&env, SIX_HOURS_SECONDS).await;
        assert_eq!(
            status(&env, user).await,
            (ConnectionStatus::Connected, Some(StatusReason::Unverified))
        );
        assert!(env.read(user, SITE, KILN_ACCOUNT).await.is_ok());
    }
    advance_and_check(&env, SIX_HOURS_SECONDS).await;
    assert_eq!(
        status(&env, user).await,
        (ConnectionStatus::Connected, None),
        "the next successful check restores the status"
    );
}

/// Reports the session's token as rejected by the provider.
async fn report(env: &TestEnv, user: UserId) -> Result<ReportOutcome, ErrorCode> {
    let token = AccessToken::new(env.read(user, SITE, KILN_ACCOUNT).await?);
    let report = env
        .service
        .rejected_tokens()
        .report(
            &call(),
            user,
            &slug(SITE),
            &account_id(KILN_ACCOUNT),
            &token,
        )
        .await;
    report
        .map(|report| report.outcome)
        .map_err(|error| error.code())
}

async fn reported_token_is_verified_with_provider(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = user_with_session(&env).await;
    assert_eq!(report(&env, user).await, Ok(ReportOutcome::TooYoung));
    env.advance_seconds(60);
    let checks = env.calls(SITE, "me");
    assert_eq!(report(&env, user).await, Ok(ReportOutcome::Confirmed));
    assert_eq!(env.calls(SITE, "me"), checks + 1);
    env.advance_seconds(59);
    assert_eq!(report(&env, user).await, Ok(ReportOutcome::Confirmed));
    assert_eq!(
        env.calls(SITE, "me"),
        checks + 1,
        "the provider confirmed it within the last minute"
    );
    env.advance_seconds(1);
    env.sandbox.revoke_user(SITE, "kiln").unwrap();
    assert_eq!(report(&env, user).await, Err(ErrorCode::ReconnectRequired));
    assert_eq!(env.calls(SITE, "me"), checks + 2);
}

async fn concurrent_reports_make_one_check_and_need_confirmation(database: TestDatabase) {
    let env = Arc::new(TestEnv::new(database).await);
    let user = user_with_session(&env).await;
    env.advance_seconds(60);
    let checks = env.calls(SITE, "me");
    env.force(
        Fault::new(SITE, "me", FaultKind::Respond)
            .status(401)
            .times(2),
    );
    let mut reports = JoinSet::new();
    for _ in 0..100 {
        let env = Arc::clone(&env);
        reports.spawn(async move { report(&env, user).await });
    }
    assert_eq!(
        reports.join_all().await,
        [Ok(ReportOutcome::Unconfirmed); 100]
    );
    env.advance_seconds(HOUR_SECONDS - 1);
    assert_eq!(
        report(&env, user).await,
        Ok(ReportOutcome::Unconfirmed),
        "a second rejection counts only after one hour"
    );
    assert_eq!(env.calls(SITE, "me"), checks + 1);
    assert_eq!(
        status(&env, user).await,
        (ConnectionStatus::Expiring, Some(StatusReason::Unverified))
    );
    env.advance_seconds(1);
    assert_eq!(report(&env, user).await, Err(ErrorCode::ReconnectRequired));
    assert_eq!(env.calls(SITE, "me"), checks + 2);
}

async fn invalid_pasted_credentials_keep_flow_open(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, SITE).await;
    let nonsense = BTreeMap::from([("pasted".to_owned(), "not a session".to_owned())]);
    let error = env
        .service
        .authorizations()
        .submit_credentials(&call(), user, &flow.flow_id, &nonsense)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ValidationError);
    assert!(!error.field_faults().is_empty());
    let submitted = env
        .service
        .authorizations()
        .submit_credentials(&call(), user, &flow.flow_id, &pasted(&env, "kiln"))
        .await;
    assert_eq!(submitted.unwrap().len(), 1);
    let again = env
        .service
        .authorizations()
        .submit_credentials(&call(), user, &flow.flow_id, &pasted(&env, "kiln"))
        .await;
    assert_eq!(again.unwrap_err().code(), ErrorCode::InvalidState);
}

async fn too_young_token_is_not_sent_for_refresh(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("instagram-login").await;
    let early = env
        .refresh(user, "instagram-login", &account)
        .await
        .unwrap_err();
    assert_eq!(early, ErrorCode::RateLimitError);
    env.advance_seconds(25 * HOUR_SECONDS);
    env.refresh(user, "instagram-login", &account)
        .await
        .unwrap();
}

on_both_databases!(
    session_is_checked_every_six_hours_and_marked_expired,
    second_rejection_expires_session,
    blocked_check_does_not_expire_session,
    reported_token_is_verified_with_provider,
    concurrent_reports_make_one_check_and_need_confirmation,
    invalid_pasted_credentials_keep_flow_open,
    too_young_token_is_not_sent_for_refresh,
);
