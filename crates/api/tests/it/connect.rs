//! `POST /api/integrations/connect/{provider}`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{APP, CHALLENGE, Harness, JUNIPER};
use crate::response::parameter;

const CONNECT: &str = "/api/integrations/connect/reddit";

#[tokio::test]
async fn returns_authorization_url_and_state() {
    let harness = Harness::new().await;
    let response = harness.app_for(1).await.post(CONNECT, json!({})).await;
    assert_snapshot!(response, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "authUrl": "[authUrl]",
      "expiresAt": "2026-01-01T00:10:00.000Z",
      "flowId": "[flowId]",
      "state": "[state]"
    }
    "#);
    let auth_url = response.text("authUrl");
    assert_eq!(
        parameter(&auth_url, "state").unwrap(),
        response.text("state")
    );
    assert_eq!(
        parameter(&auth_url, "redirect_uri").unwrap(),
        "http://localhost:8080/api/integrations/callback/reddit"
    );
    assert_eq!(
        parameter(&auth_url, "scope").unwrap(),
        "history identity mysubreddits read"
    );
}

#[tokio::test]
async fn missing_body_is_accepted_as_empty_object() {
    let harness = Harness::new().await;
    let response = harness
        .app_for(1)
        .await
        .request(axum::http::Method::POST, CONNECT)
        .send()
        .await;
    assert_eq!(response.status, 200, "{response}");
}

#[tokio::test]
async fn item_1_state_is_unique_and_has_256_bits() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    let mut states = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let state = app.post(CONNECT, json!({})).await.text("state");
        assert_eq!(state.len(), 43);
        assert!(states.insert(state));
    }
}

#[tokio::test]
async fn item_7_sends_s256_challenge_if_provider_uses_pkce() {
    let harness = Harness::new().await;
    let challenge = |auth_url: &str| {
        (
            parameter(auth_url, "code_challenge"),
            parameter(auth_url, "code_challenge_method"),
        )
    };
    let reddit = harness
        .start_flow(1, "reddit", json!({}))
        .await
        .text("authUrl");
    assert_eq!(challenge(&reddit), (None, None));
    let (first, second) = (
        harness.start_flow(1, "acme", json!({})).await,
        harness.start_flow(1, "acme", json!({})).await,
    );
    let (first, second) = (
        challenge(&first.text("authUrl")),
        challenge(&second.text("authUrl")),
    );
    assert_eq!(first.1.as_deref(), Some("S256"));
    assert_eq!(first.0.as_ref().map(String::len), Some(43));
    assert_ne!(first.0, second.0);
}

#[tokio::test]
async fn requests_required_and_selected_scopes() {
    let harness = Harness::new().await;
    let scope = async |scopes: Value| {
        let auth_url = harness
            .start_flow(1, "reddit", json!({"scopes": scopes}))
            .await
            .text("authUrl");
        parameter(&auth_url, "scope").unwrap()
    };
    assert_eq!(scope(json!([])).await, "identity");
    assert_eq!(scope(json!(["read", "read"])).await, "identity read");
    assert_eq!(
        scope(Value::Null).await,
        "history identity mysubreddits read"
    );
}

#[tokio::test]
async fn session_token_requires_challenge_and_api_key_does_not() {
    let harness = Harness::new().await;
    let browser = harness.browser(1).await;
    assert_snapshot!(browser.post(CONNECT, json!({})).await.problem_summary(), @"
    422 VALIDATION_ERROR
    retryable: false
    detail: Some fields of the request are invalid.
    challenge: is required with a session token: the base64url of the SHA-256 of your verifier
    ");
    assert_eq!(
        browser
            .post(CONNECT, json!({"challenge": CHALLENGE}))
            .await
            .status,
        200
    );
    assert_eq!(
        harness
            .app_for(1)
            .await
            .post(CONNECT, json!({"challenge": CHALLENGE}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn malformed_challenge_is_rejected() {
    let harness = Harness::new().await;
    let browser = harness.browser(1).await;
    let padded = format!("{CHALLENGE}=");
    for invalid in [
        "",
        "x",
        &CHALLENGE[1..],
        &padded,
        &CHALLENGE.replace('_', "/"),
        &"A".repeat(5000),
    ] {
        let response = browser.post(CONNECT, json!({"challenge": invalid})).await;
        assert_eq!(response.problem(), "422 VALIDATION_ERROR", "{invalid}");
        assert_eq!(response.json()["fields"][0]["field"], "challenge");
    }
}

#[tokio::test]
async fn unknown_and_unconfigured_providers_are_rejected() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    let unknown = app.post("/api/integrations/connect/nowhere", json!({}));
    assert_snapshot!(unknown.await.problem_summary(), @r#"
    404 INVALID_PROVIDER
    retryable: false
    detail: There is no platform "nowhere". The platforms are: instagram, instagram-login, tiktok, reddit, onlyfans, acme, later, named.
    "#);
    let unconfigured = app.post("/api/integrations/connect/later", json!({}));
    assert_snapshot!(unconfigured.await.problem_summary(), @"
    409 PROVIDER_NOT_CONFIGURED
    retryable: false
    detail: Later is not configured on this server.
    ");
}

#[tokio::test]
async fn reconnect_requires_connected_account() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    let unknown = app.post(CONNECT, json!({"accountId": JUNIPER})).await;
    assert_eq!(unknown.problem(), "404 ACCOUNT_NOT_FOUND");
    harness.connect(1, "juniper").await;
    assert_eq!(
        app.post(CONNECT, json!({"accountId": JUNIPER}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn item_12_redirect_url_must_be_on_allowlist() {
    let harness = Harness::new().await;
    let (app, before) = (harness.app_for(1).await, harness.stored().await);
    for url in HOSTILE_URLS {
        let response = app.post(CONNECT, json!({"redirectUrl": url})).await;
        assert_eq!(response.problem(), "400 INVALID_REDIRECT_URL", "{url:?}");
        assert!(url.is_empty() || !response.body.contains(url), "{response}");
    }
    assert_eq!(harness.stored().await, before);
    let rejected = app.post(CONNECT, json!({"redirectUrl": "https://evil.example"}));
    assert_snapshot!(rejected.await.problem_summary(), @"
    400 INVALID_REDIRECT_URL
    retryable: false
    detail: The redirectUrl is not on the operator's list of allowed addresses. Use an address on the list, or add this one to EVERGRANT_ALLOWED_REDIRECTS.
    ");
    for url in [
        APP,
        "https://app.example/settings/accounts?tab=1",
        "http://localhost:3000/",
        "http://localhost:8080/x",
    ] {
        assert_eq!(
            app.post(CONNECT, json!({"redirectUrl": url})).await.status,
            200,
            "{url}"
        );
    }
}

/// URLs that are not on the allowlist, though some look like an entry.
const HOSTILE_URLS: [&str; 27] = [
    "",
    "/settings",
    "//app.example/settings",
    "https:app.example/settings",
    "https:///app.example/settings",
    "https://evil.example/settings",
    "https://evil.example/?https://app.example/settings",
    "https://app.example.evil.example/settings",
    "https://app.example@evil.example/settings",
    "https://app.example%40evil.example/settings",
    "https://user:password@app.example/settings",
    "https://app.example\\@evil.example/settings",
    "https://app.example\\.evil.example/settings",
    "https://app.example:8443/settings",
    "http://app.example/settings",
    "https://app.example/settingsevil",
    "https://app.example/settings/../admin",
    "https://app.example/settings/%2e%2e/admin",
    "https://app.example/settings/..%2fadmin",
    "https://app.example/settings#fragment",
    "https://app.example/settings\r\nSet-Cookie: a=b",
    "https://app.example/set\ttings",
    " https://app.example/settings",
    "javascript://app.example/settings%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://\u{430}pp.example/settings",
    "http://127.0.0.1:3000/",
];
