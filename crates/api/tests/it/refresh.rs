//! `POST /api/integrations/refresh/{provider}/{accountId}`

use evergrant_sandbox::{Fault, FaultKind};
use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Harness;
use crate::response::TestResponse;

const REFRESH: &str = "/api/integrations/refresh/reddit/sim9z";

async fn refresh(harness: &Harness) -> TestResponse {
    harness.app_for(1).await.post(REFRESH, Value::Null).await
}

async fn connected() -> Harness {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    harness
}

fn refreshes(harness: &Harness) -> u64 {
    harness.sandbox.calls().get("reddit", "token.refresh_token")
}

#[tokio::test]
async fn returns_expiry_of_new_token() {
    let harness = connected().await;
    harness.clock.advance_seconds(3600);
    assert_snapshot!(refresh(&harness).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "expiresAt": "2026-01-02T01:00:00.000Z",
      "success": true
    }
    "#);
    assert_eq!(
        harness
            .browser(1)
            .await
            .post(REFRESH, Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(refreshes(&harness), 2);
}

#[tokio::test]
async fn revoked_grant_is_not_refreshed_again() {
    let harness = connected().await;
    harness.sandbox.revoke_user("reddit", "juniper").unwrap();
    assert_snapshot!(refresh(&harness).await.problem_summary(), @"
    409 RECONNECT_REQUIRED
    retryable: false
    detail: Reddit no longer accepts this connection. Please reconnect the account.
    ");
    let calls = harness.provider_calls();
    assert_eq!(refresh(&harness).await.problem(), "409 RECONNECT_REQUIRED");
    assert_eq!(harness.provider_calls(), calls);
}

#[tokio::test]
async fn connection_without_refresh_token_is_409() {
    let harness = connected().await;
    harness
        .database
        .execute("UPDATE oauth_accounts SET refresh_token = NULL")
        .await;
    assert_snapshot!(refresh(&harness).await.problem_summary(), @"
    409 NO_REFRESH_TOKEN
    retryable: false
    detail: The token of this connection cannot be refreshed. Please reconnect the account.
    ");
}

#[tokio::test]
async fn retry_after_of_provider_is_passed_on() {
    let harness = connected().await;
    let fault = Fault::new("reddit", "token.refresh_token", FaultKind::Respond)
        .status(429)
        .header("retry-after", "120");
    harness.sandbox.inject_fault(fault).unwrap();
    assert_snapshot!(refresh(&harness).await, @r#"
    429 Too Many Requests
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 120

    {
      "code": "RATE_LIMIT_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Reddit is receiving too many requests. Please try again later.",
      "retryAfterSeconds": 120,
      "retryable": true,
      "status": 429,
      "title": "Rate limit error",
      "type": "/errors#RATE_LIMIT_ERROR"
    }
    "#);
}

#[tokio::test]
async fn provider_outage_is_503_without_provider_text() {
    let harness = connected().await;
    let body = Value::from("<html>hush: internal stack trace</html>");
    let fault = Fault::new("reddit", "token.refresh_token", FaultKind::Respond)
        .status(503)
        .body(body)
        .times(3);
    harness.sandbox.inject_fault(fault).unwrap();
    let response = refresh(&harness).await;
    assert!(!response.full_text().contains("hush"), "{response}");
    assert_snapshot!(response.problem_summary(), @"
    503 PROVIDER_UNAVAILABLE
    retryable: true
    retry-after: 15
    detail: Reddit is temporarily unavailable. Please try again.
    ");
}

#[tokio::test]
async fn rejected_client_registration_is_502() {
    let harness = connected().await;
    harness.fail_next("token.refresh_token", 401, 3);
    assert_snapshot!(refresh(&harness).await.problem_summary(), @"
    502 TOKEN_REFRESH_ERROR
    retryable: true
    retry-after: 15
    detail: Reddit refused to refresh the token. The connection is kept and tried again. If this persists, reconnect the account.
    ");
}

#[tokio::test]
async fn dropped_connection_to_provider_is_502() {
    let harness = connected().await;
    harness
        .sandbox
        .inject_fault(Fault::new("reddit", "token.refresh_token", FaultKind::Cut).times(3))
        .unwrap();
    assert_snapshot!(refresh(&harness).await.problem_summary(), @"
    502 NETWORK_ERROR
    retryable: true
    retry-after: 15
    detail: Reddit could not be reached. Please try again.
    ");
}

#[tokio::test]
async fn unknown_provider_is_404() {
    let harness = Harness::new().await;
    let response = harness
        .app_for(1)
        .await
        .post("/api/integrations/refresh/nowhere/x", Value::Null)
        .await;
    assert_snapshot!(response.problem_summary(), @r#"
    404 INVALID_PROVIDER
    retryable: false
    detail: There is no platform "nowhere". The platforms are: instagram, instagram-login, tiktok, reddit, onlyfans, acme, later, named.
    "#);
}
