//! `POST /api/integrations/connect/{provider}`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::answer::parameter;
use crate::stand::{APP, CHALLENGE, JUNIPER, Stand};

const CONNECT: &str = "/api/integrations/connect/reddit";

#[tokio::test]
async fn answers_where_to_send_the_user() {
    let stand = Stand::new().await;
    let answer = stand.app_for(1).await.post(CONNECT, json!({})).await;
    assert_snapshot!(answer, @r#"
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
    let auth_url = answer.text("authUrl");
    assert_eq!(parameter(&auth_url, "state").unwrap(), answer.text("state"));
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
async fn takes_no_body_for_an_empty_one() {
    let stand = Stand::new().await;
    let answer = stand
        .app_for(1)
        .await
        .ask(axum::http::Method::POST, CONNECT)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{answer}");
}

#[tokio::test]
async fn item_1_every_state_is_new_and_has_256_bits() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    let mut states = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let state = app.post(CONNECT, json!({})).await.text("state");
        assert_eq!(state.len(), 43);
        assert!(states.insert(state));
    }
}

#[tokio::test]
async fn item_7_sends_an_s256_challenge_where_the_platform_takes_one() {
    let stand = Stand::new().await;
    let challenge = |auth_url: &str| {
        (
            parameter(auth_url, "code_challenge"),
            parameter(auth_url, "code_challenge_method"),
        )
    };
    let reddit = stand.begin(1, "reddit", json!({})).await.text("authUrl");
    assert_eq!(challenge(&reddit), (None, None));
    let (first, second) = (
        stand.begin(1, "acme", json!({})).await,
        stand.begin(1, "acme", json!({})).await,
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
async fn asks_for_what_is_required_and_what_the_caller_wishes() {
    let stand = Stand::new().await;
    let scope = async |scopes: Value| {
        let auth_url = stand
            .begin(1, "reddit", json!({"scopes": scopes}))
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
async fn demands_a_challenge_of_browsers_and_only_of_them() {
    let stand = Stand::new().await;
    let browser = stand.browser(1).await;
    assert_snapshot!(browser.post(CONNECT, json!({})).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields are not acceptable.",
      "fields": [
        {
          "field": "challenge",
          "message": "is required of session tokens: the base64url of the SHA-256 of a verifier that you keep"
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
    assert_eq!(
        browser
            .post(CONNECT, json!({"challenge": CHALLENGE}))
            .await
            .status,
        200
    );
    assert_eq!(
        stand
            .app_for(1)
            .await
            .post(CONNECT, json!({"challenge": CHALLENGE}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_challenge_is_the_hash_of_something() {
    let stand = Stand::new().await;
    let browser = stand.browser(1).await;
    let padded = format!("{CHALLENGE}=");
    for bad in [
        "",
        "x",
        &CHALLENGE[1..],
        &padded,
        &CHALLENGE.replace('_', "/"),
        &"A".repeat(5000),
    ] {
        let answer = browser.post(CONNECT, json!({"challenge": bad})).await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{bad}"
        );
        assert_eq!(answer.json()["fields"][0]["field"], "challenge");
    }
}

#[tokio::test]
async fn names_an_unknown_platform_and_one_that_is_not_set_up() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    assert_snapshot!(app.post("/api/integrations/connect/nowhere", json!({})).await, @r#"
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
    assert_snapshot!(app.post("/api/integrations/connect/later", json!({})).await, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "PROVIDER_NOT_CONFIGURED",
      "correlationId": "[correlationId]",
      "detail": "Later is not set up here yet.",
      "retryable": false,
      "status": 409,
      "title": "Provider not configured",
      "type": "/errors#PROVIDER_NOT_CONFIGURED"
    }
    "#);
}

#[tokio::test]
async fn a_reconnect_is_for_an_account_that_is_connected() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    let unknown = app.post(CONNECT, json!({"accountId": JUNIPER})).await;
    assert_eq!(unknown.refusal(), (404, "ACCOUNT_NOT_FOUND".to_owned()));
    stand.connect(1, "juniper").await;
    assert_eq!(
        app.post(CONNECT, json!({"accountId": JUNIPER}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn item_12_returns_only_to_addresses_on_the_list() {
    let stand = Stand::new().await;
    let (app, before) = (stand.app_for(1).await, stand.stored().await);
    for bad in HOSTILE_ADDRESSES {
        let answer = app.post(CONNECT, json!({"redirectUrl": bad})).await;
        assert_eq!(
            answer.refusal(),
            (400, "INVALID_REDIRECT_URL".to_owned()),
            "{bad:?}"
        );
        assert!(bad.is_empty() || !answer.body.contains(bad), "{answer}");
    }
    assert_eq!(stand.stored().await, before);
    assert_snapshot!(app.post(CONNECT, json!({"redirectUrl": "https://evil.example"})).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "INVALID_REDIRECT_URL",
      "correlationId": "[correlationId]",
      "detail": "The address to return to is not on this service's list of allowed addresses.",
      "retryable": false,
      "status": 400,
      "title": "Invalid redirect url",
      "type": "/errors#INVALID_REDIRECT_URL"
    }
    "#);
    for good in [
        APP,
        "https://app.example/settings/accounts?tab=1",
        "http://localhost:3000/",
        "http://localhost:8080/x",
    ] {
        assert_eq!(
            app.post(CONNECT, json!({"redirectUrl": good})).await.status,
            200,
            "{good}"
        );
    }
}

const HOSTILE_ADDRESSES: [&str; 27] = [
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
