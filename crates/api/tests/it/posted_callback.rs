//! `POST /api/integrations/callback/{provider}`: a platform's form, or JSON from an app that owns
//! the callback page.

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::answer::{Answer, parameter};
use crate::callback::{CALLBACK, exchanges};
use crate::stand::{CHALLENGE, Stand};

/// State and code of a consent.
fn state_and_code(stand: &Stand, begun: &Answer, person: &str) -> (String, String) {
    let address = format!("http://localhost{}", stand.consent(begun, person));
    (
        parameter(&address, "state").unwrap(),
        parameter(&address, "code").unwrap(),
    )
}

#[tokio::test]
async fn a_form_is_answered_as_a_get_is() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let (state, code) = state_and_code(&stand, &begun, "juniper");
    let form = stand
        .anonymous()
        .ask(Method::POST, CALLBACK)
        .form(&[("state", &state), ("code", &code)]);
    let back = form.send().await;
    assert_eq!(
        (back.status.as_u16(), back.returned("status").as_deref()),
        (303, Some("connected"))
    );
    let form = stand
        .anonymous()
        .ask(Method::POST, CALLBACK)
        .form(&[("state", "x"), ("code", "y")])
        .send()
        .await;
    assert!(form.status == 400 && form.is_page(), "{form}");
}

#[tokio::test]
async fn json_is_answered_in_json() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let (state, code) = state_and_code(&stand, &begun, "kiln");
    let answer = stand
        .app()
        .await
        .post(CALLBACK, json!({"state": state, "code": code}))
        .await;
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "accountId": "sima4",
      "integration": {
        "avatarUrl": "[avatarUrl]",
        "correlationId": "[correlationId]",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "expiresAt": "2026-01-02T00:00:00.000Z",
        "id": 1,
        "isConnected": true,
        "metadata": {
          "avatar_url": "[avatar_url]",
          "created_utc": 1766880000.0,
          "karma": 12,
          "username": "kiln_osei"
        },
        "missingScopes": [],
        "nextRefreshAt": "2026-01-01T23:55:00.000Z",
        "provider": "reddit",
        "providerAccountId": "sima4",
        "scope": "history identity mysubreddits read",
        "status": "connected",
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "username": "kiln_osei"
      },
      "status": "connected",
      "success": true,
      "userId": 1
    }
    "#);
}

#[tokio::test]
async fn json_of_a_bound_flow_brings_the_receipt() {
    let stand = Stand::new().await;
    let begun = stand
        .begin(1, "reddit", json!({"challenge": CHALLENGE}))
        .await;
    let (state, code) = state_and_code(&stand, &begun, "kiln");
    let answer = stand
        .app()
        .await
        .post(CALLBACK, json!({"state": state, "code": code}))
        .await;
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "flowId": "[flowId]",
      "receipt": "[receipt]",
      "status": "pending",
      "success": true,
      "userId": 1
    }
    "#);
}

#[tokio::test]
async fn a_failure_is_a_problem() {
    let stand = Stand::new().await;
    let app = stand.app().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let denied = app
        .post(
            CALLBACK,
            json!({"state": begun.text("state"), "error": "access_denied"}),
        )
        .await;
    assert_eq!(denied.refusal(), (400, "OAUTH_DENIED".to_owned()));
    let unknown = app.post(CALLBACK, json!({"state": "x", "code": "y"})).await;
    assert_snapshot!(unknown, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "INVALID_STATE",
      "correlationId": "[correlationId]",
      "detail": "This sign-in is not known, has been used already or has expired. Please begin it again.",
      "retryable": false,
      "status": 400,
      "title": "Invalid state",
      "type": "/errors#INVALID_STATE"
    }
    "#);
    let begun = stand.begin(1, "reddit", json!({})).await;
    let wrong = app
        .post(
            CALLBACK,
            json!({"state": begun.text("state"), "code": "made-up"}),
        )
        .await;
    assert_eq!(wrong.refusal(), (400, "INVALID_CODE".to_owned()));
}

#[tokio::test]
async fn anything_else_is_refused_before_the_state_is_looked_at() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let (state, code) = state_and_code(&stand, &begun, "kiln");
    let text = format!("state={state}&code={code}");
    for media_type in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
    ] {
        let ask = stand
            .anonymous()
            .ask(Method::POST, CALLBACK)
            .body(media_type, text.clone());
        assert_eq!(
            ask.send().await.refusal(),
            (400, "INVALID_REQUEST".to_owned()),
            "{media_type}"
        );
    }
    assert_eq!(exchanges(&stand), 0);
}
