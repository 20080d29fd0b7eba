//! `/api/sessions`

use axum::http::Method;
use evergrant_service::KeyScope;
use insta::assert_snapshot;
use serde_json::json;

use crate::stand::Stand;

const SESSIONS: &str = "/api/sessions";

async fn status_with(stand: &Stand, token: &str) -> u16 {
    let ask = stand
        .anonymous()
        .ask(Method::GET, "/api/integrations/status");
    ask.with("authorization", &format!("Bearer {token}"))
        .send()
        .await
        .status
        .as_u16()
}

#[tokio::test]
async fn gives_the_users_browser_a_token_for_a_quarter_of_an_hour() {
    let stand = Stand::new().await;
    let answer = stand.app().await.post(SESSIONS, json!({"userId": 1})).await;
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "expiresAt": "2026-01-01T00:15:00.000Z",
      "token": "[token]"
    }
    "#);
    let token = answer.text("token");
    assert!(token.starts_with("evs_"));
    stand.clock.advance_seconds(899);
    assert_eq!(status_with(&stand, &token).await, 200);
    stand.clock.advance_seconds(1);
    assert_eq!(status_with(&stand, &token).await, 401);
}

#[tokio::test]
async fn takes_a_shorter_life_and_no_longer_one() {
    let stand = Stand::new().await;
    let app = stand.app().await;
    let short = app
        .post(SESSIONS, json!({"userId": 1, "ttlSeconds": 60}))
        .await;
    assert_eq!(short.text("expiresAt"), "2026-01-01T00:01:00.000Z");
    for bad in [json!(0), json!(-1), json!(901), json!("60"), json!(1.5)] {
        let answer = app
            .post(SESSIONS, json!({"userId": 1, "ttlSeconds": bad}))
            .await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{bad}"
        );
        assert_eq!(answer.json()["fields"][0]["field"], "ttlSeconds");
    }
}

#[tokio::test]
async fn names_the_user_in_one_way() {
    let stand = Stand::new().await;
    let app = stand.app().await;
    assert_eq!(
        app.post(SESSIONS, json!({"externalId": "ext/2 é"}))
            .await
            .status,
        200
    );
    for bad in [
        json!({}),
        json!({"userId": 1, "externalId": "ext/2 é"}),
        json!({"userId": null}),
    ] {
        assert_eq!(
            app.post(SESSIONS, bad.clone()).await.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{bad}"
        );
    }
    let long = app
        .post(SESSIONS, json!({"externalId": "x".repeat(256)}))
        .await;
    assert_eq!(long.json()["fields"][0]["field"], "externalId");
}

#[tokio::test]
async fn makes_the_user_only_with_the_scope_for_it() {
    let stand = Stand::new().await;
    let before = stand.stored().await;
    let narrow = stand.app_with(&[KeyScope::ConnectionsWrite]).await;
    for user in [json!({"externalId": "new"}), json!({"userId": 9})] {
        assert_eq!(
            narrow.post(SESSIONS, user).await.refusal(),
            (404, "USER_NOT_FOUND".to_owned())
        );
    }
    assert_eq!(stand.stored().await, before);
    let wide = stand
        .app_with(&[KeyScope::ConnectionsWrite, KeyScope::UsersWrite])
        .await;
    for user in [json!({"externalId": "new"}), json!({"userId": 9})] {
        assert_eq!(wide.post(SESSIONS, user).await.status, 200);
    }
    assert_eq!(stand.stored().await["users"].len(), 4);
}

#[tokio::test]
async fn item_27_nothing_of_a_credential_but_its_hash_is_stored() {
    let stand = Stand::new().await;
    let app = stand.app().await;
    let token = app.post(SESSIONS, json!({"userId": 1})).await.text("token");
    let stored = format!("{:?}", stand.database.contents().await);
    for secret in [&token[16..], &app.key()[16..]] {
        assert!(!stored.contains(&secret[..20]), "a secret half is stored");
    }
}

#[tokio::test]
async fn a_browser_ends_its_own_and_the_server_all_of_a_user() {
    let stand = Stand::new().await;
    let (one, two, other) = (
        stand.browser(1).await,
        stand.browser(1).await,
        stand.browser(2).await,
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
            status_with(&stand, one.session()).await,
            status_with(&stand, two.session()).await
        ),
        (401, 200)
    );
    assert_eq!(stand.app_for(1).await.delete(SESSIONS).await.status, 200);
    stand.clock.advance_seconds(1);
    assert_eq!(
        (
            status_with(&stand, two.session()).await,
            status_with(&stand, other.session()).await
        ),
        (401, 200)
    );
}
