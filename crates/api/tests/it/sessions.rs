//! `/api/sessions`

use axum::http::Method;
use evergrant_service::KeyScope;
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::Harness;

const SESSIONS: &str = "/api/sessions";

async fn status_with(harness: &Harness, token: &str) -> u16 {
    let request = harness
        .anonymous()
        .request(Method::GET, "/api/integrations/status");
    request
        .header("authorization", &format!("Bearer {token}"))
        .send()
        .await
        .status
        .as_u16()
}

#[tokio::test]
async fn session_token_is_valid_for_15_minutes() {
    let harness = Harness::new().await;
    let response = harness
        .app()
        .await
        .post(SESSIONS, json!({"userId": 1}))
        .await;
    assert_snapshot!(response, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "expiresAt": "2026-01-01T00:15:00.000Z",
      "token": "[token]"
    }
    "#);
    let token = response.text("token");
    assert!(token.starts_with("evs_"));
    harness.clock.advance_seconds(899);
    assert_eq!(status_with(&harness, &token).await, 200);
    harness.clock.advance_seconds(1);
    assert_eq!(status_with(&harness, &token).await, 401);
}

#[tokio::test]
async fn ttl_may_be_shorter_but_not_longer() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    let short = app
        .post(SESSIONS, json!({"userId": 1, "ttlSeconds": 60}))
        .await;
    assert_eq!(short.text("expiresAt"), "2026-01-01T00:01:00.000Z");
    for invalid in [json!(0), json!(-1), json!(901), json!("60"), json!(1.5)] {
        let response = app
            .post(SESSIONS, json!({"userId": 1, "ttlSeconds": invalid}))
            .await;
        assert_eq!(response.problem(), "422 VALIDATION_ERROR", "{invalid}");
        assert_eq!(response.json()["fields"][0]["field"], "ttlSeconds");
    }
}

#[tokio::test]
async fn user_is_named_by_exactly_one_id() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    assert_eq!(
        app.post(SESSIONS, json!({"externalId": "ext/2 é"}))
            .await
            .status,
        200
    );
    for invalid in [
        json!({}),
        json!({"userId": 1, "externalId": "ext/2 é"}),
        json!({"userId": null}),
    ] {
        assert_eq!(
            app.post(SESSIONS, invalid.clone()).await.problem(),
            "422 VALIDATION_ERROR",
            "{invalid}"
        );
    }
    let long = app
        .post(SESSIONS, json!({"externalId": "x".repeat(256)}))
        .await;
    assert_eq!(long.json()["fields"][0]["field"], "externalId");
}

#[tokio::test]
async fn unknown_user_is_created_only_with_users_write() {
    let harness = Harness::new().await;
    let before = harness.stored().await;
    let narrow = harness.app_with(&[KeyScope::ConnectionsWrite]).await;
    for user in [json!({"externalId": "new"}), json!({"userId": 9})] {
        assert_eq!(
            narrow.post(SESSIONS, user).await.problem(),
            "404 USER_NOT_FOUND"
        );
    }
    assert_eq!(harness.stored().await, before);
    let wide = harness
        .app_with(&[KeyScope::ConnectionsWrite, KeyScope::UsersWrite])
        .await;
    for user in [json!({"externalId": "new"}), json!({"userId": 9})] {
        assert_eq!(wide.post(SESSIONS, user).await.status, 200);
    }
    assert_eq!(harness.stored().await["users"].len(), 4);
}

#[tokio::test]
async fn item_27_only_hash_of_credential_is_stored() {
    let harness = Harness::new().await;
    let app = harness.app().await;
    let token = app.post(SESSIONS, json!({"userId": 1})).await.text("token");
    let stored = format!("{:?}", harness.database.contents().await);
    for secret in [&token[16..], &app.key()[16..]] {
        assert!(
            !stored.contains(&secret[..20]),
            "the secret part of a credential is stored"
        );
    }
}

#[tokio::test]
async fn browser_ends_its_session_and_api_key_all_of_the_user() {
    let harness = Harness::new().await;
    let (one, two, other) = (
        harness.browser(1).await,
        harness.browser(1).await,
        harness.browser(2).await,
    );
    assert_snapshot!(one.delete(SESSIONS).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "success": true
    }
    "#);
    assert_eq!(
        (
            status_with(&harness, one.session()).await,
            status_with(&harness, two.session()).await
        ),
        (401, 200)
    );
    assert_eq!(harness.app_for(1).await.delete(SESSIONS).await.status, 200);
    harness.clock.advance_seconds(1);
    assert_eq!(
        (
            status_with(&harness, two.session()).await,
            status_with(&harness, other.session()).await
        ),
        (401, 200)
    );
}
