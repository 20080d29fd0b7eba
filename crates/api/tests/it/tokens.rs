//! `POST /api/integrations/tokens`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Harness, JUNIPER, KILN};

const TOKENS: &str = "/api/integrations/tokens";

/// Returns a request body for these accounts.
fn batch(accounts: &[(&str, &str)]) -> Value {
    let accounts: Vec<_> = accounts
        .iter()
        .map(|(provider, id)| json!({"provider": provider, "accountId": id}))
        .collect();
    json!({ "accounts": accounts })
}

#[tokio::test]
async fn results_are_in_request_order() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    harness.connect(2, "kiln").await;
    let accounts = [
        ("reddit", "unknown"),
        ("reddit", JUNIPER),
        ("nowhere", JUNIPER),
        ("reddit", KILN),
        ("reddit", JUNIPER),
    ];
    let response = harness
        .app_for(1)
        .await
        .post(TOKENS, batch(&accounts))
        .await;
    let line = |one: &Value| {
        let outcome = if one["accessToken"].is_string() {
            &one["expiresAt"]
        } else {
            &one["error"]["code"]
        };
        format!("{} {} {outcome}", one["provider"], one["accountId"])
    };
    let lines: Vec<_> = response.json()["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    "reddit" "unknown" "ACCOUNT_NOT_FOUND"
    "reddit" "sim9z" "2026-01-02T00:00:00.000Z"
    "nowhere" "sim9z" "INVALID_PROVIDER"
    "reddit" "sima4" "ACCOUNT_NOT_FOUND"
    "reddit" "sim9z" "2026-01-02T00:00:00.000Z"
    "#);
}

#[tokio::test]
async fn failed_account_has_problem_beside_tokens_of_others() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let accounts = [("reddit", "unknown"), ("reddit", JUNIPER)];
    assert_snapshot!(harness.app_for(1).await.post(TOKENS, batch(&accounts)).await, @r#"
    200 OK
    content-type: application/json
    cache-control: private, no-store

    {
      "tokens": [
        {
          "accountId": "unknown",
          "error": {
            "code": "ACCOUNT_NOT_FOUND",
            "correlationId": "[correlationId]",
            "detail": "No such account is connected for this user.",
            "retryable": false,
            "status": 404,
            "title": "Account not found",
            "type": "/errors#ACCOUNT_NOT_FOUND"
          },
          "provider": "reddit"
        },
        {
          "accessToken": "[accessToken]",
          "accountId": "sim9z",
          "expiresAt": "2026-01-02T00:00:00.000Z",
          "provider": "reddit",
          "scope": "history identity mysubreddits read",
          "tokenType": "bearer"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn batch_returns_same_token_as_single_route() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let app = harness.app_for(1).await;
    let one = app
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    let many = app.post(TOKENS, batch(&[("reddit", JUNIPER)])).await;
    assert_eq!(
        many.json()["tokens"][0]["accessToken"],
        one.json()["accessToken"]
    );
    assert_eq!(many.header("cache-control"), Some("private, no-store"));
}

#[tokio::test]
async fn batch_accepts_1_to_100_accounts() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let app = harness.app_for(1).await;
    let full = app.post(TOKENS, batch(&[("reddit", JUNIPER); 100])).await;
    assert_eq!(full.json()["tokens"].as_array().unwrap().len(), 100);
    assert!(
        full.json()["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .all(|token| token["accessToken"].is_string())
    );
    for count in [0, 101] {
        let response = app
            .post(TOKENS, batch(&vec![("reddit", JUNIPER); count]))
            .await;
        assert_eq!(response.problem(), "422 VALIDATION_ERROR", "{count}");
        assert_eq!(response.json()["fields"][0]["field"], "accounts");
    }
}

#[tokio::test]
async fn batch_with_repeated_expired_token_refreshes_once() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    harness.clock.advance_seconds(86_400);
    let response = harness
        .app_for(1)
        .await
        .post(TOKENS, batch(&[("reddit", JUNIPER); 100]))
        .await;
    assert!(
        response.json()["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .all(|token| token["accessToken"].is_string())
    );
    assert_eq!(
        harness.sandbox.calls().get("reddit", "token.refresh_token"),
        1
    );
}

#[tokio::test]
async fn invalid_field_is_named_with_index_of_account() {
    let harness = Harness::new().await;
    let body = json!({
        "accounts": [
            {"provider": "reddit", "accountId": "a"},
            {"provider": "reddit", "id": "b"},
        ],
    });
    assert_snapshot!(harness.app_for(1).await.post(TOKENS, body).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields of the request are invalid.",
      "fields": [
        {
          "field": "accounts[1].id",
          "message": "unknown field"
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
}
