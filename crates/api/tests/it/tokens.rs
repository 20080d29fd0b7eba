//! `POST /api/integrations/tokens`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::stand::{JUNIPER, KILN, Stand};

const TOKENS: &str = "/api/integrations/tokens";

fn wanted(accounts: &[(&str, &str)]) -> Value {
    let accounts: Vec<_> = accounts
        .iter()
        .map(|(provider, id)| json!({"provider": provider, "accountId": id}))
        .collect();
    json!({ "accounts": accounts })
}

#[tokio::test]
async fn answers_each_in_the_order_of_the_request() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    stand.connect(2, "kiln").await;
    let asked = [
        ("reddit", "nobody"),
        ("reddit", JUNIPER),
        ("nowhere", JUNIPER),
        ("reddit", KILN),
        ("reddit", JUNIPER),
    ];
    let answer = stand.app_for(1).await.post(TOKENS, wanted(&asked)).await;
    let line = |one: &Value| {
        let outcome = if one["accessToken"].is_string() {
            &one["expiresAt"]
        } else {
            &one["error"]["code"]
        };
        format!("{} {} {outcome}", one["provider"], one["accountId"])
    };
    let lines: Vec<_> = answer.json()["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    "reddit" "nobody" "ACCOUNT_NOT_FOUND"
    "reddit" "sim9z" "2026-01-02T00:00:00.000Z"
    "nowhere" "sim9z" "INVALID_PROVIDER"
    "reddit" "sima4" "ACCOUNT_NOT_FOUND"
    "reddit" "sim9z" "2026-01-02T00:00:00.000Z"
    "#);
}

#[tokio::test]
async fn an_error_is_a_whole_problem_beside_a_whole_token() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let asked = [("reddit", "nobody"), ("reddit", JUNIPER)];
    assert_snapshot!(stand.app_for(1).await.post(TOKENS, wanted(&asked)).await, @r#"
    200 OK
    content-type: application/json
    cache-control: private, no-store

    {
      "tokens": [
        {
          "accountId": "nobody",
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
async fn answers_what_the_single_route_answers() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let app = stand.app_for(1).await;
    let one = app
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    let many = app.post(TOKENS, wanted(&[("reddit", JUNIPER)])).await;
    assert_eq!(
        many.json()["tokens"][0]["accessToken"],
        one.json()["accessToken"]
    );
    assert_eq!(many.header("cache-control"), Some("private, no-store"));
}

#[tokio::test]
async fn takes_one_to_a_hundred() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let app = stand.app_for(1).await;
    let full = app.post(TOKENS, wanted(&[("reddit", JUNIPER); 100])).await;
    assert_eq!(full.json()["tokens"].as_array().unwrap().len(), 100);
    assert!(
        full.json()["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .all(|token| token["accessToken"].is_string())
    );
    for count in [0, 101] {
        let answer = app
            .post(TOKENS, wanted(&vec![("reddit", JUNIPER); count]))
            .await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{count}"
        );
        assert_eq!(answer.json()["fields"][0]["field"], "accounts");
    }
}

#[tokio::test]
async fn a_hundred_wishes_for_one_ended_token_cost_one_renewal() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    stand.clock.advance_seconds(86_400);
    let answer = stand
        .app_for(1)
        .await
        .post(TOKENS, wanted(&[("reddit", JUNIPER); 100]))
        .await;
    assert!(
        answer.json()["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .all(|token| token["accessToken"].is_string())
    );
    assert_eq!(
        stand.sandbox.calls().get("reddit", "token.refresh_token"),
        1
    );
}

#[tokio::test]
async fn a_fault_names_the_account_that_it_is_in() {
    let stand = Stand::new().await;
    let body = json!({"accounts": [{"provider": "reddit", "accountId": "a"}, {"provider": "reddit", "id": "b"}]});
    assert_snapshot!(stand.app_for(1).await.post(TOKENS, body).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields are not acceptable.",
      "fields": [
        {
          "field": "accounts[1].id",
          "message": "is not known here"
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
}
