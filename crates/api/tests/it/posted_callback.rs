//! `POST /api/integrations/callback/{provider}`: a form from a provider that uses `form_post`, or
//! JSON from an app that hosts the callback page.

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::callback::{CALLBACK, exchanges};
use crate::harness::{CHALLENGE, Harness};
use crate::response::{TestResponse, parameter};

/// Approves the consent page and returns the callback's state and code.
fn state_and_code(harness: &Harness, started: &TestResponse, person: &str) -> (String, String) {
    let url = format!("http://localhost{}", harness.consent(started, person));
    (
        parameter(&url, "state").unwrap(),
        parameter(&url, "code").unwrap(),
    )
}

/// Starts a flow, approves it as `kiln` and posts the callback as JSON.
async fn post_json(harness: &Harness, connect: Value) -> TestResponse {
    let started = harness.start_flow(1, "reddit", connect).await;
    let (state, code) = state_and_code(harness, &started, "kiln");
    let body = json!({"state": state, "code": code});
    harness.app().await.post(CALLBACK, body).await
}

#[tokio::test]
async fn form_post_redirects_like_get() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let (state, code) = state_and_code(&harness, &started, "juniper");
    let form = harness
        .anonymous()
        .request(Method::POST, CALLBACK)
        .form(&[("state", &state), ("code", &code)]);
    let redirect = form.send().await;
    assert_eq!(
        (
            redirect.status.as_u16(),
            redirect.query_param("status").as_deref()
        ),
        (303, Some("connected"))
    );
    let form = harness
        .anonymous()
        .request(Method::POST, CALLBACK)
        .form(&[("state", "x"), ("code", "y")])
        .send()
        .await;
    assert!(form.status == 400 && form.is_page(), "{form}");
}

#[tokio::test]
async fn json_post_returns_connection_as_json() {
    let harness = Harness::new().await;
    let response = post_json(&harness, json!({})).await;
    assert_snapshot!(response, @r#"
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
        "remarks": [],
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
async fn json_post_for_bound_flow_returns_receipt() {
    let harness = Harness::new().await;
    let response = post_json(&harness, json!({"challenge": CHALLENGE})).await;
    assert_snapshot!(response, @r#"
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
async fn json_post_ignores_other_parameters() {
    let harness = Harness::new().await;
    for challenge in [None, Some(CHALLENGE)] {
        let started = harness
            .start_flow(1, "reddit", json!({"challenge": challenge}))
            .await;
        let (state, code) = state_and_code(&harness, &started, "kiln");
        let body = json!({
            "code": code, "state": state, "scope": "email", "authuser": "0", "prompt": "consent", "hd": null,
            "session_state": {"a": [1]}, "error_code": 0,
        });
        let response = harness.app().await.post(CALLBACK, body).await;
        assert_eq!(response.status, 200, "{response}");
    }
}

#[tokio::test]
async fn json_post_reads_errors_like_get() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    for (members, problem) in [
        (json!({"error": "user_cancelled_login"}), "400 OAUTH_DENIED"),
        (
            json!({"error_code": 200, "error_reason": "user_denied"}),
            "400 OAUTH_DENIED",
        ),
        (
            json!({"error": "server_error", "error_description": "x"}),
            "400 OAUTH_CALLBACK_ERROR",
        ),
        (json!({"error": "", "code": null}), "400 INVALID_CODE"),
    ] {
        let started = harness.start_flow(1, "reddit", json!({})).await;
        let mut body = members.clone();
        body["state"] = started.json()["state"].clone();
        assert_eq!(
            app.post(CALLBACK, body).await.problem(),
            problem,
            "{members}"
        );
    }
    let malformed = app.post(CALLBACK, json!({"state": 7, "code": "x"})).await;
    assert_eq!(malformed.problem(), "422 VALIDATION_ERROR");
}

#[tokio::test]
async fn json_post_failure_is_a_problem() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let denied = app
        .post(
            CALLBACK,
            json!({"state": started.text("state"), "error": "access_denied"}),
        )
        .await;
    assert_eq!(denied.problem(), "400 OAUTH_DENIED");
    let unknown = app.post(CALLBACK, json!({"state": "x", "code": "y"})).await;
    assert_snapshot!(unknown.problem_summary(), @"
    400 INVALID_STATE
    retryable: false
    detail: This sign-in link is invalid, expired or already used. Please start again.
    ");
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let wrong = app
        .post(
            CALLBACK,
            json!({"state": started.text("state"), "code": "made-up"}),
        )
        .await;
    assert_eq!(wrong.problem(), "400 INVALID_CODE");
}

#[tokio::test]
async fn json_post_failure_of_a_bound_flow_has_a_receipt() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    for (challenge, has_receipt) in [(Some(CHALLENGE), true), (None, false)] {
        let connect = json!({"challenge": challenge});
        let started = harness.start_flow(1, "reddit", connect).await;
        let body = json!({"state": started.text("state"), "error": "access_denied"});
        let denied = app.post(CALLBACK, body).await;
        assert_eq!(denied.problem(), "400 OAUTH_DENIED");
        let problem = denied.json();
        assert_eq!(problem["receipt"].is_string(), has_receipt, "{denied}");
        let flow_id = has_receipt.then(|| started.json()["flowId"].clone());
        assert_eq!(problem.get("flowId").cloned(), flow_id, "{denied}");
    }
}

#[tokio::test]
async fn other_media_types_are_rejected_without_code_exchange() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let (state, code) = state_and_code(&harness, &started, "kiln");
    let text = format!("state={state}&code={code}");
    for media_type in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
    ] {
        let request = harness
            .anonymous()
            .request(Method::POST, CALLBACK)
            .body(media_type, text.clone());
        assert_eq!(
            request.send().await.problem(),
            "400 INVALID_REQUEST",
            "{media_type}"
        );
    }
    assert_eq!(exchanges(&harness), 0);
}
