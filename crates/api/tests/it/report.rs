//! `POST /api/integrations/report-401`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Harness, JUNIPER};
use crate::response::TestResponse;

const REPORT: &str = "/api/integrations/report-401";

async fn connected() -> (Harness, String) {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let token = harness
        .app_for(1)
        .await
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    (harness, token.text("accessToken"))
}

fn report_body(token: &str) -> Value {
    json!({"provider": "reddit", "accountId": JUNIPER, "accessToken": token})
}

async fn report(harness: &Harness, token: &str) -> TestResponse {
    harness
        .app_for(1)
        .await
        .post(REPORT, report_body(token))
        .await
}

#[tokio::test]
async fn repeated_reports_refresh_token_once() {
    let (harness, token) = connected().await;
    assert_eq!(report(&harness, &token).await.text("outcome"), "tooYoung");
    harness.clock.advance_seconds(60);
    assert_snapshot!(report(&harness, &token).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "expiresAt": "2026-01-02T00:01:00.000Z",
      "outcome": "refreshed"
    }
    "#);
    for _ in 0..10 {
        assert_eq!(report(&harness, &token).await.text("outcome"), "superseded");
    }
    assert_eq!(
        harness.sandbox.calls().get("reddit", "token.refresh_token"),
        1
    );
    assert_eq!(
        report(&harness, "an unknown token").await.text("outcome"),
        "superseded"
    );
}

#[tokio::test]
async fn revoked_grant_requires_reconnect() {
    let (harness, token) = connected().await;
    harness.clock.advance_seconds(60);
    harness.sandbox.revoke_user("reddit", "juniper").unwrap();
    for _ in 0..2 {
        assert_eq!(
            report(&harness, &token).await.problem(),
            "409 RECONNECT_REQUIRED"
        );
    }
}

#[tokio::test]
async fn invalid_input_has_its_own_code_and_token_is_not_echoed() {
    let (harness, token) = connected().await;
    let app = harness.app_for(1).await;
    for (body, code) in [
        (json!({}), "VALIDATION_ERROR"),
        (
            json!({"provider": "reddit", "accountId": JUNIPER, "accessToken": 7}),
            "VALIDATION_ERROR",
        ),
        (
            json!({"provider": "nowhere", "accountId": JUNIPER, "accessToken": token}),
            "INVALID_PROVIDER",
        ),
        (
            json!({"provider": "reddit", "accountId": "unknown", "accessToken": token}),
            "ACCOUNT_NOT_FOUND",
        ),
    ] {
        let response = app.post(REPORT, body).await;
        assert_eq!(response.code(), code);
        assert!(!response.full_text().contains(&token), "{response}");
    }
}
