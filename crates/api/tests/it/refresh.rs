//! `POST /api/integrations/refresh/{provider}/{accountId}`

use evergrant_sandbox::{Fault, FaultKind};
use insta::assert_snapshot;
use serde_json::Value;

use crate::answer::Answer;
use crate::stand::Stand;

const REFRESH: &str = "/api/integrations/refresh/reddit/sim9z";

async fn refresh(stand: &Stand) -> Answer {
    stand.app_for(1).await.post(REFRESH, Value::Null).await
}

async fn connected() -> Stand {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    stand
}

fn refreshes(stand: &Stand) -> u64 {
    stand.sandbox.calls().get("reddit", "token.refresh_token")
}

#[tokio::test]
async fn answers_when_the_new_token_ends() {
    let stand = connected().await;
    stand.clock.advance_seconds(3600);
    assert_snapshot!(refresh(&stand).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "expiresAt": "2026-01-02T01:00:00.000Z",
      "success": true
    }
    "#);
    assert_eq!(
        stand
            .browser(1)
            .await
            .post(REFRESH, Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(refreshes(&stand), 2);
}

#[tokio::test]
async fn a_dead_grant_costs_the_platform_no_further_call() {
    let stand = connected().await;
    stand.sandbox.revoke_user("reddit", "juniper").unwrap();
    assert_snapshot!(refresh(&stand).await, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "RECONNECT_REQUIRED",
      "correlationId": "[correlationId]",
      "detail": "Reddit no longer accepts this connection. Please connect the account again.",
      "retryable": false,
      "status": 409,
      "title": "Reconnect required",
      "type": "/errors#RECONNECT_REQUIRED"
    }
    "#);
    let calls = stand.platform_calls();
    assert_eq!(
        refresh(&stand).await.refusal(),
        (409, "RECONNECT_REQUIRED".to_owned())
    );
    assert_eq!(stand.platform_calls(), calls);
}

#[tokio::test]
async fn names_what_holds_nothing_to_renew_with() {
    let stand = connected().await;
    stand
        .database
        .execute("UPDATE oauth_accounts SET refresh_token = NULL")
        .await;
    assert_snapshot!(refresh(&stand).await, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "NO_REFRESH_TOKEN",
      "correlationId": "[correlationId]",
      "detail": "This connection holds nothing that could renew its token. Please connect the account again.",
      "retryable": false,
      "status": 409,
      "title": "No refresh token",
      "type": "/errors#NO_REFRESH_TOKEN"
    }
    "#);
}

#[tokio::test]
async fn passes_on_how_long_the_platform_asks_to_wait() {
    let stand = connected().await;
    let fault = Fault::new("reddit", "token.refresh_token", FaultKind::Respond)
        .status(429)
        .header("retry-after", "120");
    stand.sandbox.force_next(fault).unwrap();
    assert_snapshot!(refresh(&stand).await, @r#"
    429 Too Many Requests
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 120

    {
      "code": "RATE_LIMIT_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Reddit asks us to slow down. Nothing is lost; please try again later.",
      "retryAfterSeconds": 120,
      "retryable": true,
      "status": 429,
      "title": "Rate limit error",
      "type": "/errors#RATE_LIMIT_ERROR"
    }
    "#);
}

#[tokio::test]
async fn trouble_of_the_platform_is_503_and_nothing_of_it_is_repeated() {
    let stand = connected().await;
    let body = Value::from("<html>hush: internal stack trace</html>");
    let fault = Fault::new("reddit", "token.refresh_token", FaultKind::Respond)
        .status(503)
        .body(body)
        .times(3);
    stand.sandbox.force_next(fault).unwrap();
    let answer = refresh(&stand).await;
    assert!(!answer.whole().contains("hush"), "{answer}");
    assert_snapshot!(answer, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 20

    {
      "code": "PROVIDER_UNAVAILABLE",
      "correlationId": "[correlationId]",
      "detail": "Reddit is not available at the moment. Nothing is lost; please try again.",
      "retryAfterSeconds": 20,
      "retryable": true,
      "status": 503,
      "title": "Provider unavailable",
      "type": "/errors#PROVIDER_UNAVAILABLE"
    }
    "#);
}

#[tokio::test]
async fn a_refused_registration_is_502() {
    let stand = connected().await;
    stand.fails("token.refresh_token", 401, 3);
    assert_snapshot!(refresh(&stand).await, @r#"
    502 Bad Gateway
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 15

    {
      "code": "TOKEN_REFRESH_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Reddit refused the renewal. Nothing is lost; the operator has been told.",
      "retryAfterSeconds": 15,
      "retryable": true,
      "status": 502,
      "title": "Token refresh error",
      "type": "/errors#TOKEN_REFRESH_ERROR"
    }
    "#);
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_502() {
    let stand = connected().await;
    stand
        .sandbox
        .force_next(Fault::new("reddit", "token.refresh_token", FaultKind::Cut).times(3))
        .unwrap();
    assert_snapshot!(refresh(&stand).await, @r#"
    502 Bad Gateway
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 20

    {
      "code": "NETWORK_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Reddit could not be reached. Nothing is lost; please try again.",
      "retryAfterSeconds": 20,
      "retryable": true,
      "status": 502,
      "title": "Network error",
      "type": "/errors#NETWORK_ERROR"
    }
    "#);
}

#[tokio::test]
async fn names_an_unknown_platform() {
    let stand = Stand::new().await;
    let answer = stand
        .app_for(1)
        .await
        .post("/api/integrations/refresh/nowhere/x", Value::Null)
        .await;
    assert_snapshot!(answer, @r#"
    404 Not Found
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "INVALID_PROVIDER",
      "correlationId": "[correlationId]",
      "detail": "There is no platform of this name.",
      "retryable": false,
      "status": 404,
      "title": "Invalid provider",
      "type": "/errors#INVALID_PROVIDER"
    }
    "#);
}
