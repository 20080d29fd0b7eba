//! Pasted sessions: accepted by their owner's hand, checked now and then, never renewed.

use std::collections::BTreeMap;
use std::sync::Arc;

use evergrant_model::{AccessToken, ConnectionStatus, ErrorCode, StatusReason, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::ReportOutcome;
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::harness::Stand;
use crate::outcomes::call;

const SITE: &str = "onlyfans";
const KILN_THERE: &str = "900001";
const SIX_HOURS_S: i64 = 6 * 60 * 60;
const HOUR_S: i64 = 60 * 60;

/// What the owner pastes.
fn pasted(stand: &Stand, person: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(
        "pasted".to_owned(),
        stand.sandbox.session(SITE, person).unwrap().json(),
    )])
}

async fn user_with_session(stand: &Stand) -> UserId {
    let user = stand.user().await;
    let flow = stand.begin(user, SITE).await;
    let made = stand
        .service
        .authorizations()
        .submit_credentials(&call(), user, flow.flow_id.as_str(), &pasted(stand, "kiln"))
        .await
        .unwrap();
    assert_eq!(made[0].provider_account_id, KILN_THERE);
    user
}

async fn standing(stand: &Stand, user: UserId) -> (ConnectionStatus, Option<StatusReason>) {
    let one = stand.integration(user).await;
    (one.status, one.reason)
}

async fn checks_after(stand: &Stand, seconds: i64) {
    stand.pass_seconds(seconds);
    stand.take_up_due().await;
}

async fn a_session_is_checked_every_six_hours_and_called_ended_when_it_has(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = user_with_session(&stand).await;
    let asked = stand.calls(SITE, "me");
    checks_after(&stand, SIX_HOURS_S - 1).await;
    assert_eq!(stand.calls(SITE, "me"), asked, "not due yet");
    checks_after(&stand, 1).await;
    assert_eq!(stand.calls(SITE, "me"), asked + 1);
    assert_eq!(
        standing(&stand, user).await,
        (ConnectionStatus::Connected, None)
    );

    stand.sandbox.revoke_user(SITE, "kiln").unwrap();
    checks_after(&stand, SIX_HOURS_S).await;
    let ended = (ConnectionStatus::Expired, Some(StatusReason::SessionEnded));
    assert_eq!(standing(&stand, user).await, ended);
    assert_eq!(
        stand.read(user, SITE, KILN_THERE).await,
        Err(ErrorCode::ReconnectRequired)
    );
    let asked = stand.calls(SITE, "me");
    checks_after(&stand, 10 * SIX_HOURS_S).await;
    assert_eq!(
        stand.calls(SITE, "me"),
        asked,
        "a dead session is not asked for again"
    );
}

async fn a_refusal_is_believed_the_second_time(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = user_with_session(&stand).await;
    stand.force(
        Fault::new(SITE, "me", FaultKind::Respond)
            .status(401)
            .times(2),
    );
    checks_after(&stand, SIX_HOURS_S).await;
    assert_eq!(
        standing(&stand, user).await,
        (ConnectionStatus::Expiring, Some(StatusReason::Unverified))
    );
    checks_after(&stand, HOUR_S).await;
    assert_eq!(
        standing(&stand, user).await,
        (ConnectionStatus::Expired, Some(StatusReason::SessionEnded))
    );
}

async fn a_block_proves_nothing(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = user_with_session(&stand).await;
    stand.force(Fault::new(SITE, "me", FaultKind::Html).status(403).times(3));
    for _ in 0..3 {
        checks_after(&stand, SIX_HOURS_S).await;
        assert_eq!(
            standing(&stand, user).await,
            (ConnectionStatus::Connected, Some(StatusReason::Unverified))
        );
        assert!(stand.read(user, SITE, KILN_THERE).await.is_ok());
    }
    checks_after(&stand, SIX_HOURS_S).await;
    assert_eq!(
        standing(&stand, user).await,
        (ConnectionStatus::Connected, None),
        "the next answer clears it up"
    );
}

/// What the app gets to know that says the session was refused.
async fn report(stand: &Stand, user: UserId) -> Result<ReportOutcome, ErrorCode> {
    let token = AccessToken::new(stand.read(user, SITE, KILN_THERE).await?);
    let report = stand
        .service
        .rejected_tokens()
        .report(&call(), user, SITE, KILN_THERE, &token)
        .await;
    report
        .map(|report| report.outcome)
        .map_err(|error| error.code())
}

async fn a_report_is_answered_with_what_the_platform_says(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = user_with_session(&stand).await;
    assert_eq!(report(&stand, user).await, Ok(ReportOutcome::TooYoung));
    stand.pass_seconds(60);
    let asked = stand.calls(SITE, "me");
    assert_eq!(report(&stand, user).await, Ok(ReportOutcome::Confirmed));
    assert_eq!(stand.calls(SITE, "me"), asked + 1);
    stand.pass_seconds(59);
    assert_eq!(report(&stand, user).await, Ok(ReportOutcome::Confirmed));
    assert_eq!(
        stand.calls(SITE, "me"),
        asked + 1,
        "it has said so within the minute"
    );
    stand.pass_seconds(1);
    stand.sandbox.revoke_user(SITE, "kiln").unwrap();
    assert_eq!(
        report(&stand, user).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(stand.calls(SITE, "me"), asked + 2);
}

async fn reports_end_no_session_on_doubt_and_are_no_storm(database: TestDatabase) {
    let stand = Arc::new(Stand::new(database).await);
    let user = user_with_session(&stand).await;
    stand.pass_seconds(60);
    let asked = stand.calls(SITE, "me");
    stand.force(
        Fault::new(SITE, "me", FaultKind::Respond)
            .status(401)
            .times(2),
    );
    let mut reports = JoinSet::new();
    for _ in 0..100 {
        let stand = Arc::clone(&stand);
        reports.spawn(async move { report(&stand, user).await });
    }
    assert_eq!(
        reports.join_all().await,
        [Ok(ReportOutcome::Unconfirmed); 100]
    );
    stand.pass_seconds(HOUR_S - 1);
    assert_eq!(
        report(&stand, user).await,
        Ok(ReportOutcome::Unconfirmed),
        "the second refusal is one an hour later"
    );
    assert_eq!(stand.calls(SITE, "me"), asked + 1);
    assert_eq!(
        standing(&stand, user).await,
        (ConnectionStatus::Expiring, Some(StatusReason::Unverified))
    );
    stand.pass_seconds(1);
    assert_eq!(
        report(&stand, user).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(stand.calls(SITE, "me"), asked + 2);
}

async fn a_slip_of_the_hand_keeps_the_flow_open(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, SITE).await;
    let nonsense = BTreeMap::from([("pasted".to_owned(), "nothing of use".to_owned())]);
    let refused = stand
        .service
        .authorizations()
        .submit_credentials(&call(), user, flow.flow_id.as_str(), &nonsense)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ValidationError);
    assert!(!refused.field_faults().is_empty());
    let made = stand
        .service
        .authorizations()
        .submit_credentials(
            &call(),
            user,
            flow.flow_id.as_str(),
            &pasted(&stand, "kiln"),
        )
        .await;
    assert_eq!(made.unwrap().len(), 1);
    let again = stand
        .service
        .authorizations()
        .submit_credentials(
            &call(),
            user,
            flow.flow_id.as_str(),
            &pasted(&stand, "kiln"),
        )
        .await;
    assert_eq!(again.unwrap_err().code(), ErrorCode::InvalidState);
}

async fn a_token_too_young_is_not_offered_for_renewal(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("instagram-login").await;
    let early = stand
        .refresh(user, "instagram-login", &account)
        .await
        .unwrap_err();
    assert_eq!(early, ErrorCode::RateLimitError);
    stand.pass_seconds(25 * HOUR_S);
    stand
        .refresh(user, "instagram-login", &account)
        .await
        .unwrap();
}

on_both_databases!(
    a_session_is_checked_every_six_hours_and_called_ended_when_it_has,
    a_refusal_is_believed_the_second_time,
    a_block_proves_nothing,
    a_report_is_answered_with_what_the_platform_says,
    reports_end_no_session_on_doubt_and_are_no_storm,
    a_slip_of_the_hand_keeps_the_flow_open,
    a_token_too_young_is_not_offered_for_renewal,
);
