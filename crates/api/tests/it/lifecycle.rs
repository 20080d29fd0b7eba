//! The life of a connection on both databases: connect, read, refresh and disconnect.

use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::harness::{CHALLENGE, Harness, JUNIPER, KILN, VERIFIER};

on_both_databases!(
    account_is_connected_read_refreshed_and_disconnected,
    browser_connects_with_session_token,
    account_belongs_to_one_user,
    repeated_callback_gets_first_response,
    hostile_ids_match_and_change_nothing,
    deleting_user_deletes_all_its_rows,
);

async fn account_is_connected_read_refreshed_and_disconnected(database: TestDatabase) {
    let harness = Harness::with_database(database).await;
    harness.connect(1, "juniper").await;
    let app = harness.app_for(1).await;
    let listed = app.get("/api/integrations/status").await.json()["integrations"][0].clone();
    assert_eq!(
        (&listed["providerAccountId"], &listed["status"]),
        (&json!(JUNIPER), &json!("connected"))
    );
    let path = format!("/api/integrations/token/reddit/{JUNIPER}");
    let first = app.get(&path).await;
    harness.clock.advance_seconds(86_400);
    let second = app.get(&path).await;
    assert_ne!(first.text("accessToken"), second.text("accessToken"));
    let refreshed = app
        .post(
            &format!("/api/integrations/refresh/reddit/{JUNIPER}"),
            json!({}),
        )
        .await;
    assert_eq!(refreshed.text("expiresAt"), "2026-01-03T00:00:00.000Z");
    let disconnected = app
        .delete(&format!("/api/integrations/disconnect/reddit/{JUNIPER}"))
        .await;
    assert_eq!(disconnected.text("revocation"), "revoked");
    assert_eq!(app.get(&path).await.problem(), "404 ACCOUNT_NOT_FOUND");
    assert_eq!(
        app.get("/api/integrations/status").await.json()["integrations"],
        json!([])
    );
}

async fn browser_connects_with_session_token(database: TestDatabase) {
    let harness = Harness::with_database(database).await;
    let session = harness
        .app()
        .await
        .post("/api/sessions", json!({"externalId": "new user"}))
        .await;
    assert_eq!(session.status, 200, "{session}");
    let browser = harness.browser(3).await;
    let started = browser
        .post(
            "/api/integrations/connect/reddit",
            json!({"challenge": CHALLENGE}),
        )
        .await;
    let redirect = harness
        .anonymous()
        .get(&harness.consent(&started, "kiln"))
        .await;
    let body = json!({"verifier": VERIFIER, "receipt": redirect.query_param("receipt")});
    let path = format!("/api/integrations/flows/{}/finish", started.text("flowId"));
    let created = browser.post(&path, body).await;
    assert_eq!(created.json()["integrations"][0]["providerAccountId"], KILN);
    let listed = harness
        .app()
        .await
        .for_user("ext:new%20user")
        .get("/api/integrations/status")
        .await;
    assert_eq!(
        listed.json()["integrations"],
        created.json()["integrations"]
    );
}

async fn account_belongs_to_one_user(database: TestDatabase) {
    let harness = Harness::with_database(database).await;
    harness.connect(1, "juniper").await;
    let started = harness.start_flow(2, "reddit", json!({})).await;
    let redirect = harness
        .anonymous()
        .get(&harness.consent(&started, "juniper"))
        .await;
    assert_eq!(
        redirect.query_param("code").as_deref(),
        Some("ACCOUNT_ALREADY_CONNECTED")
    );
    let other_user = harness
        .app_for(2)
        .await
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    assert_eq!(other_user.problem(), "404 ACCOUNT_NOT_FOUND");
}

async fn repeated_callback_gets_first_response(database: TestDatabase) {
    let harness = Harness::with_database(database).await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let path = harness.consent(&started, "juniper");
    let (first, second) = (
        harness.anonymous().get(&path).await,
        harness.anonymous().get(&path).await,
    );
    assert_eq!(
        (first.status.as_u16(), first.location()),
        (303, second.location())
    );
    assert_eq!(
        harness
            .sandbox
            .calls()
            .get("reddit", "token.authorization_code"),
        1
    );
    harness.clock.advance_seconds(61);
    assert_eq!(harness.anonymous().get(&path).await.status, 400);
}

async fn hostile_ids_match_and_change_nothing(database: TestDatabase) {
    let harness = Harness::with_database(database).await;
    harness.connect(1, "juniper").await;
    let (app, before) = (harness.app_for(1).await, harness.stored().await);
    for id in [
        "'",
        "%00",
        "sim9z%00",
        "%25",
        "sim9_",
        "sim9z'--",
        "%F0%9F%92%A9",
        &"x".repeat(5000),
    ] {
        let response = app
            .delete(&format!("/api/integrations/disconnect/reddit/{id}"))
            .await;
        assert_eq!(response.problem(), "404 ACCOUNT_NOT_FOUND", "{id:.20}");
        let response = harness
            .app()
            .await
            .get(&format!("/api/users/ext:{id}"))
            .await;
        assert!(
            [400, 404].contains(&response.status.as_u16()),
            "{id:.20}: {response}"
        );
    }
    let callback = harness
        .anonymous()
        .get("/api/integrations/callback/reddit?state=%00&code=%00")
        .await;
    assert_eq!(callback.status, 400);
    assert_eq!(harness.stored().await, before);
}

async fn deleting_user_deletes_all_its_rows(database: TestDatabase) {
    let harness = Harness::with_database(database).await;
    harness.connect(1, "juniper").await;
    let (app, browser) = (harness.app().await, harness.browser(1).await);
    assert_eq!(app.delete("/api/users/1").await.status, 200);
    harness.service.process().drain().await;
    assert_eq!(harness.sandbox.calls().get("reddit", "revoke"), 1);
    assert_eq!(browser.get("/api/integrations/status").await.status, 401);
    for table in [
        "oauth_accounts",
        "evergrant_flows",
        "evergrant_sessions",
        "evergrant_connections",
    ] {
        assert!(harness.stored().await[table].is_empty(), "{table}");
    }
}
