//! `/api/users`

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Harness, JUNIPER};

const USERS: &str = "/api/users";

#[tokio::test]
async fn create_with_existing_id_returns_user_unchanged() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    let ada = json!({"id": 42, "email": "ada@mail.example", "name": "Ada", "externalId": "a/b é"});
    assert_snapshot!(app.post(USERS, ada.clone()).await, @r#"
    201 Created
    content-type: application/json
    cache-control: no-store

    {
      "createdAt": "2026-01-01T00:00:00.000Z",
      "email": "ada@mail.example",
      "externalId": "a/b é",
      "id": 42,
      "name": "Ada",
      "updatedAt": "2026-01-01T00:00:00.000Z"
    }
    "#);
    let again = app
        .post(USERS, json!({"id": 42, "name": "Another name"}))
        .await;
    assert_eq!(
        (again.status.as_u16(), again.text("name").as_str()),
        (200, "Ada")
    );
    for path in ["/api/users/42", "/api/users/ext:a%2Fb%20%C3%A9"] {
        assert_eq!(app.get(path).await.body, again.body, "{path}");
    }
}

#[tokio::test]
async fn user_can_be_created_without_fields() {
    let harness = Harness::new().await;
    let response = harness.app().await.post(USERS, json!({})).await;
    assert_eq!(
        (response.status.as_u16(), response.json()["id"].as_i64()),
        (201, Some(3))
    );
}

#[tokio::test]
async fn email_of_another_user_is_rejected() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    app.post(USERS, json!({"email": "ada@mail.example"})).await;
    let before = harness.stored().await;
    let rejected = app.post(USERS, json!({"id": 77, "email": "ada@mail.example"}));
    assert_snapshot!(rejected.await.problem_summary(), @"
    409 USER_CONFLICT
    retryable: false
    detail: The e-mail address belongs to another user. Nothing was changed.
    ");
    assert_eq!(harness.stored().await["users"], before["users"]);
}

#[tokio::test]
async fn number_without_fraction_is_an_integer() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    let body = |text: &'static str| app.request(Method::POST, USERS).json(text).send();
    assert_eq!(body(r#"{"id":77.0}"#).await.json()["id"], 77);
    assert_eq!(body(r#"{"id":7.8e1}"#).await.json()["id"], 78);
    let session = app
        .request(Method::POST, "/api/sessions")
        .json(r#"{"userId":1.0,"ttlSeconds":60.0}"#);
    assert_eq!(session.send().await.status, 200);
}

#[tokio::test]
async fn id_in_body_must_be_a_positive_31_bit_integer() {
    let harness = Harness::new().await;
    let (app, before) = (harness.app().await, harness.stored().await);
    for invalid in [
        json!(0),
        json!(-1),
        json!(2_147_483_648_i64),
        json!(1.5),
        json!(1e300),
        json!("1"),
        json!(true),
        json!([1]),
    ] {
        for (path, field) in [(USERS, "id"), ("/api/sessions", "userId")] {
            let response = app.post(path, json!({field: invalid})).await;
            assert_eq!(
                response.problem(),
                "400 INVALID_USER_ID",
                "{invalid} at {path}"
            );
        }
    }
    assert_eq!(harness.stored().await, before);
    assert_eq!(
        app.post(USERS, json!({"id": 2_147_483_647})).await.status,
        201
    );
}

#[tokio::test]
async fn all_invalid_fields_are_named_at_once() {
    let harness = Harness::new().await;
    let body = json!({"email": "unknown", "name": "a\u{0}b", "externalId": "x".repeat(256)});
    assert_snapshot!(harness.app().await.post(USERS, body).await.problem_summary(), @"
    422 VALIDATION_ERROR
    retryable: false
    detail: Some fields of the request are invalid.
    externalId: an external id is text of 1 to 255 characters without control characters
    email: must be an e-mail address of up to 255 characters
    name: must be 1 to 255 characters without control characters
    ");
}

#[tokio::test]
async fn invalid_id_in_path_is_400_and_unknown_id_is_404() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    for (id, status) in [
        ("0", 400),
        ("-1", 400),
        ("2147483648", 400),
        ("one", 400),
        ("1%00", 400),
        ("ext:", 400),
        ("1'--", 400),
        ("%25", 400),
        ("99", 404),
        ("ext:'%20OR%20'1'='1", 404),
        ("ext:%2525", 404),
    ] {
        for response in [
            app.get(&format!("{USERS}/{id}")).await,
            app.delete(&format!("{USERS}/{id}")).await,
        ] {
            assert_eq!(response.status, status, "{id}: {response}");
        }
    }
}

#[tokio::test]
async fn item_24_deletion_revokes_grants_and_ends_sessions() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let (app, browser) = (harness.app_for(1).await, harness.browser(1).await);
    assert_snapshot!(app.delete("/api/users/1").await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "success": true
    }
    "#);
    harness.service.process().drain().await;
    assert_eq!(harness.sandbox.calls().get("reddit", "revoke"), 1);
    assert!(
        harness
            .database
            .texts("SELECT provider FROM oauth_accounts")
            .await
            .is_empty()
    );
    let token = app
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    assert_eq!(token.problem(), "404 USER_NOT_FOUND");
    assert_eq!(browser.get("/api/integrations/status").await.status, 401);
    assert_eq!(
        app.delete("/api/users/1").await.problem(),
        "404 USER_NOT_FOUND"
    );
}

#[tokio::test]
async fn id_of_deleted_user_is_not_reused() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    app.delete("/api/users/2").await;
    assert_eq!(
        app.post(USERS, Value::Null).await.status,
        422,
        "null is not an object"
    );
    assert_eq!(app.post(USERS, json!({})).await.json()["id"], 3);
}
