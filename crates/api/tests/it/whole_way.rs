//! The whole way of an account, on both databases: connected, read, renewed, reconnected, given up.

use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::stand::{CHALLENGE, JUNIPER, KILN, Stand, VERIFIER};

on_both_databases!(
    an_account_is_connected_read_renewed_and_disconnected,
    a_browser_connects_by_itself,
    an_account_belongs_to_one_user,
    a_repeated_callback_is_answered_as_the_first_one,
    hostile_ids_find_nothing_and_change_nothing,
    a_user_goes_with_everything,
);

async fn an_account_is_connected_read_renewed_and_disconnected(database: TestDatabase) {
    let stand = Stand::on(database).await;
    stand.connect(1, "juniper").await;
    let app = stand.app_for(1).await;
    let listed = app.get("/api/integrations/status").await.json()["integrations"][0].clone();
    assert_eq!(
        (&listed["providerAccountId"], &listed["status"]),
        (&json!(JUNIPER), &json!("connected"))
    );
    let path = format!("/api/integrations/token/reddit/{JUNIPER}");
    let first = app.get(&path).await;
    stand.clock.advance_seconds(86_400);
    let second = app.get(&path).await;
    assert_ne!(first.text("accessToken"), second.text("accessToken"));
    let renewed = app
        .post(
            &format!("/api/integrations/refresh/reddit/{JUNIPER}"),
            json!({}),
        )
        .await;
    assert_eq!(renewed.text("expiresAt"), "2026-01-03T00:00:00.000Z");
    let gone = app
        .delete(&format!("/api/integrations/disconnect/reddit/{JUNIPER}"))
        .await;
    assert_eq!(gone.text("revocation"), "revoked");
    assert_eq!(
        app.get(&path).await.refusal(),
        (404, "ACCOUNT_NOT_FOUND".to_owned())
    );
    assert_eq!(
        app.get("/api/integrations/status").await.json()["integrations"],
        json!([])
    );
}

async fn a_browser_connects_by_itself(database: TestDatabase) {
    let stand = Stand::on(database).await;
    let session = stand
        .app()
        .await
        .post("/api/sessions", json!({"externalId": "somebody new"}))
        .await;
    assert_eq!(session.status, 200, "{session}");
    let browser = stand.browser(3).await;
    let begun = browser
        .post(
            "/api/integrations/connect/reddit",
            json!({"challenge": CHALLENGE}),
        )
        .await;
    let back = stand.anonymous().get(&stand.consent(&begun, "kiln")).await;
    let body = json!({"verifier": VERIFIER, "receipt": back.returned("receipt")});
    let path = format!("/api/integrations/flows/{}/finish", begun.text("flowId"));
    let made = browser.post(&path, body).await;
    assert_eq!(made.json()["integrations"][0]["providerAccountId"], KILN);
    let listed = stand
        .app()
        .await
        .for_user("ext:somebody%20new")
        .get("/api/integrations/status")
        .await;
    assert_eq!(listed.json()["integrations"], made.json()["integrations"]);
}

async fn an_account_belongs_to_one_user(database: TestDatabase) {
    let stand = Stand::on(database).await;
    stand.connect(1, "juniper").await;
    let begun = stand.begin(2, "reddit", json!({})).await;
    let back = stand
        .anonymous()
        .get(&stand.consent(&begun, "juniper"))
        .await;
    assert_eq!(
        back.returned("code").as_deref(),
        Some("ACCOUNT_ALREADY_CONNECTED")
    );
    let foreign = stand
        .app_for(2)
        .await
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    assert_eq!(foreign.refusal(), (404, "ACCOUNT_NOT_FOUND".to_owned()));
}

async fn a_repeated_callback_is_answered_as_the_first_one(database: TestDatabase) {
    let stand = Stand::on(database).await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let path = stand.consent(&begun, "juniper");
    let (first, second) = (
        stand.anonymous().get(&path).await,
        stand.anonymous().get(&path).await,
    );
    assert_eq!(
        (first.status.as_u16(), first.location()),
        (303, second.location())
    );
    assert_eq!(
        stand
            .sandbox
            .calls()
            .get("reddit", "token.authorization_code"),
        1
    );
    stand.clock.advance_seconds(61);
    assert_eq!(stand.anonymous().get(&path).await.status, 400);
}

async fn hostile_ids_find_nothing_and_change_nothing(database: TestDatabase) {
    let stand = Stand::on(database).await;
    stand.connect(1, "juniper").await;
    let (app, before) = (stand.app_for(1).await, stand.stored().await);
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
        let answer = app
            .delete(&format!("/api/integrations/disconnect/reddit/{id}"))
            .await;
        assert_eq!(
            answer.refusal(),
            (404, "ACCOUNT_NOT_FOUND".to_owned()),
            "{id:.20}"
        );
        let answer = stand.app().await.get(&format!("/api/users/ext:{id}")).await;
        assert!(
            [400, 404].contains(&answer.status.as_u16()),
            "{id:.20}: {answer}"
        );
    }
    let callback = stand
        .anonymous()
        .get("/api/integrations/callback/reddit?state=%00&code=%00")
        .await;
    assert_eq!(callback.status, 400);
    assert_eq!(stand.stored().await, before);
}

async fn a_user_goes_with_everything(database: TestDatabase) {
    let stand = Stand::on(database).await;
    stand.connect(1, "juniper").await;
    let (app, browser) = (stand.app().await, stand.browser(1).await);
    assert_eq!(app.delete("/api/users/1").await.status, 200);
    stand.service.process().drain().await;
    assert_eq!(stand.sandbox.calls().get("reddit", "revoke"), 1);
    assert_eq!(browser.get("/api/integrations/status").await.status, 401);
    for table in [
        "oauth_accounts",
        "evergrant_flows",
        "evergrant_sessions",
        "evergrant_connections",
    ] {
        assert!(stand.stored().await[table].is_empty(), "{table}");
    }
}
