//! `GET /api/integrations/status`

use axum::http::Method;
use insta::assert_snapshot;

use crate::harness::{Harness, JUNIPER};

const STATUS: &str = "/api/integrations/status";

#[tokio::test]
async fn list_is_empty_for_new_user() {
    let harness = Harness::new().await;
    assert_snapshot!(harness.app_for(1).await.get(STATUS).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "integrations": [],
      "version": 0
    }
    "#);
}

#[tokio::test]
async fn list_contains_connected_account() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    assert_snapshot!(harness.app_for(1).await.get(STATUS).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "integrations": [
        {
          "avatarUrl": "[avatarUrl]",
          "correlationId": "[correlationId]",
          "createdAt": "2026-01-01T00:00:00.000Z",
          "displayName": "juniper_vale",
          "expiresAt": "2026-01-02T00:00:00.000Z",
          "id": 1,
          "isConnected": true,
          "metadata": {
            "avatar_url": "[avatar_url]",
            "created_utc": 1583020800.0,
            "display_name": "juniper_vale",
            "karma": 24360,
            "username": "juniper_vale"
          },
          "missingScopes": [],
          "nextRefreshAt": "2026-01-01T23:55:00.000Z",
          "provider": "reddit",
          "providerAccountId": "sim9z",
          "remarks": [],
          "scope": "history identity mysubreddits read",
          "status": "connected",
          "updatedAt": "2026-01-01T00:00:00.000Z",
          "username": "juniper_vale"
        }
      ],
      "version": 1
    }
    "#);
}

#[tokio::test]
async fn session_token_gets_same_list_as_api_key() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let (app, browser) = (
        harness.app_for(1).await.get(STATUS).await,
        harness.browser(1).await.get(STATUS).await,
    );
    assert_eq!(app.body, browser.body);
}

#[tokio::test]
async fn list_excludes_accounts_of_other_users() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let other = harness
        .browser(2)
        .await
        .request(Method::GET, STATUS)
        .header("evergrant-user", "1")
        .send()
        .await;
    assert_eq!(other.json()["integrations"], serde_json::json!([]));
    assert!(!other.full_text().contains(JUNIPER), "{other}");
}

#[tokio::test]
async fn user_can_be_named_by_external_id() {
    let harness = Harness::new().await;
    harness.connect(2, "kiln").await;
    let response = harness
        .app()
        .await
        .for_user("ext:ext%2F2%20%C3%A9")
        .get(STATUS)
        .await;
    assert_eq!(response.json()["integrations"][0]["username"], "kiln_osei");
}

#[tokio::test]
async fn etag_returns_304_until_list_changes() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    let etag = app.get(STATUS).await.header("etag").unwrap().to_owned();
    for sent in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        "*".to_owned(),
    ] {
        let unchanged = app
            .request(Method::GET, STATUS)
            .header("if-none-match", &sent)
            .send()
            .await;
        assert_eq!(
            (unchanged.status.as_u16(), unchanged.body.as_str()),
            (304, ""),
            "{sent}"
        );
        assert_eq!(unchanged.header("etag"), Some(etag.as_str()));
    }
    harness.connect(1, "juniper").await;
    let changed = app
        .request(Method::GET, STATUS)
        .header("if-none-match", &etag)
        .send()
        .await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(etag.as_str()));
}

#[tokio::test]
async fn version_increases_with_every_change() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    let mut last = app.get(STATUS).await.json()["version"].as_i64().unwrap();
    for change in ["connect", "refresh", "disconnect"] {
        match change {
            "connect" => drop(harness.connect(1, "juniper").await),
            "refresh" => drop(
                app.post(
                    &format!("/api/integrations/refresh/reddit/{JUNIPER}"),
                    ().into(),
                )
                .await,
            ),
            _ => drop(
                app.delete(&format!("/api/integrations/disconnect/reddit/{JUNIPER}"))
                    .await,
            ),
        }
        let version = app.get(STATUS).await.json()["version"].as_i64().unwrap();
        assert!(version > last, "{change}: {version} after {last}");
        last = version;
    }
}
