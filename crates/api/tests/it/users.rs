//! `/api/users`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::stand::{JUNIPER, Stand};

const USERS: &str = "/api/users";

#[tokio::test]
async fn makes_one_and_answers_it_unchanged_the_next_time() {
    let stand = Stand::new().await;
    let app = stand.app().await;
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
async fn needs_nothing_to_make_one() {
    let stand = Stand::new().await;
    let answer = stand.app().await.post(USERS, json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["id"].as_i64()),
        (201, Some(3))
    );
}

#[tokio::test]
async fn refuses_what_belongs_to_somebody_else() {
    let stand = Stand::new().await;
    let app = stand.app().await;
    app.post(USERS, json!({"email": "ada@mail.example"})).await;
    let before = stand.stored().await;
    assert_snapshot!(app.post(USERS, json!({"id": 77, "email": "ada@mail.example"})).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields are not acceptable.",
      "fields": [
        {
          "field": "email",
          "message": "belongs to another user"
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
    assert_eq!(stand.stored().await["users"], before["users"]);
}

#[tokio::test]
async fn an_id_in_a_body_is_a_positive_number_of_31_bits() {
    let stand = Stand::new().await;
    let (app, before) = (stand.app().await, stand.stored().await);
    for bad in [
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
            let answer = app.post(path, json!({field: bad})).await;
            assert_eq!(
                answer.refusal(),
                (400, "INVALID_USER_ID".to_owned()),
                "{bad} at {path}"
            );
        }
    }
    assert_eq!(stand.stored().await, before);
    assert_eq!(
        app.post(USERS, json!({"id": 2_147_483_647})).await.status,
        201
    );
}

#[tokio::test]
async fn every_unacceptable_field_is_named_at_once() {
    let stand = Stand::new().await;
    let body = json!({"email": "nobody", "name": "a\u{0}b", "externalId": "x".repeat(256)});
    assert_snapshot!(stand.app().await.post(USERS, body).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields are not acceptable.",
      "fields": [
        {
          "field": "externalId",
          "message": "an external id is text of 1 to 255 characters without control characters"
        },
        {
          "field": "email",
          "message": "is not an e-mail address of up to 255 characters"
        },
        {
          "field": "name",
          "message": "must be 1 to 255 characters without control characters"
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
}

#[tokio::test]
async fn an_id_in_a_path_may_be_any_text_and_finds_nobody() {
    let stand = Stand::new().await;
    let app = stand.app().await;
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
        for answer in [
            app.get(&format!("{USERS}/{id}")).await,
            app.delete(&format!("{USERS}/{id}")).await,
        ] {
            assert_eq!(answer.status, status, "{id}: {answer}");
        }
    }
}

#[tokio::test]
async fn item_24_deleting_one_gives_up_the_grants_and_ends_the_sessions() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let (app, browser) = (stand.app_for(1).await, stand.browser(1).await);
    assert_snapshot!(app.delete("/api/users/1").await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "success": true
    }
    "#);
    stand.service.process().drain().await;
    assert_eq!(stand.sandbox.calls().get("reddit", "revoke"), 1);
    assert!(
        stand
            .database
            .texts("SELECT provider FROM oauth_accounts")
            .await
            .is_empty()
    );
    let token = app
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    assert_eq!(token.refusal(), (404, "USER_NOT_FOUND".to_owned()));
    assert_eq!(browser.get("/api/integrations/status").await.status, 401);
    assert_eq!(
        app.delete("/api/users/1").await.refusal(),
        (404, "USER_NOT_FOUND".to_owned())
    );
}

#[tokio::test]
async fn a_deleted_users_number_is_given_to_nobody() {
    let stand = Stand::new().await;
    let app = stand.app().await;
    app.delete("/api/users/2").await;
    assert_eq!(
        app.post(USERS, Value::Null).await.status,
        422,
        "null is no user"
    );
    assert_eq!(app.post(USERS, json!({})).await.json()["id"], 3);
}
