//! The main job on the real program: connect, read, expire, renew, disconnect, on both databases.

use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::platforms::{Platforms, expire_all, token};

const ACCOUNT_JUNIPER: &str = "sim9z";
const ACCOUNT_KILN: &str = "sima4";

fn refreshes(platforms: &Platforms) -> u64 {
    platforms
        .sandbox
        .calls()
        .get("reddit", "token.refresh_token")
}

async fn connects_keeps_reads_renews_and_disconnects(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (program, app) = platforms.serve(&database);
    app.make_user(7).await;

    let landing = platforms
        .connect(&app, 7, "reddit", "juniper", json!({}))
        .await;
    assert_eq!(
        landing,
        format!("integration=reddit&status=connected&accountId={ACCOUNT_JUNIPER}")
    );
    let status = app.get(7, "/api/integrations/status").await.ok();
    let one = &status["integrations"][0];
    assert_eq!(one["providerAccountId"], ACCOUNT_JUNIPER);
    assert_eq!(
        (&one["status"], &one["isConnected"]),
        (&json!("connected"), &json!(true))
    );
    assert!(
        one["metadata"]["karma"].is_number() && one["metadata"]["created_utc"].is_number(),
        "{one}"
    );

    let first = token(&app, 7, "reddit", ACCOUNT_JUNIPER).await;
    assert_eq!(
        (
            token(&app, 7, "reddit", ACCOUNT_JUNIPER).await,
            refreshes(&platforms)
        ),
        (first.clone(), 0)
    );

    let renewed = app
        .post(
            7,
            &format!("/api/integrations/refresh/reddit/{ACCOUNT_JUNIPER}"),
            json!({}),
        )
        .await
        .ok();
    assert_eq!(renewed["success"], true);
    let second = token(&app, 7, "reddit", ACCOUNT_JUNIPER).await;
    assert_ne!(second, first);
    assert_eq!(refreshes(&platforms), 1);

    assert!(program.stop().success(), "the program ends in order");
    expire_all(&database).await;
    let (_program, app) = platforms.serve(&database);
    let third = token(&app, 7, "reddit", ACCOUNT_JUNIPER).await;
    assert_ne!(third, second);
    assert_eq!(refreshes(&platforms), 2);

    let gone = app
        .delete(
            7,
            &format!("/api/integrations/disconnect/reddit/{ACCOUNT_JUNIPER}"),
        )
        .await
        .ok();
    assert_eq!(
        (&gone["success"], &gone["revocation"]),
        (&json!(true), &json!("revoked"))
    );
    assert_eq!(platforms.sandbox.calls().get("reddit", "revoke"), 1);
    let after = app
        .get(
            7,
            &format!("/api/integrations/token/reddit/{ACCOUNT_JUNIPER}"),
        )
        .await;
    assert_eq!(after.code(404), "ACCOUNT_NOT_FOUND");
    assert_eq!(
        app.get(7, "/api/integrations/status").await.ok()["integrations"],
        json!([])
    );
}

async fn keeps_two_accounts_of_one_platform_side_by_side(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (_program, app) = platforms.serve(&database);
    app.make_user(7).await;
    platforms
        .connect(&app, 7, "reddit", "juniper", json!({}))
        .await;
    platforms
        .connect(&app, 7, "reddit", "kiln", json!({}))
        .await;

    let (juniper, kiln) = (
        token(&app, 7, "reddit", ACCOUNT_JUNIPER).await,
        token(&app, 7, "reddit", ACCOUNT_KILN).await,
    );
    assert_ne!(juniper, kiln);
    let path = format!("/api/integrations/refresh/reddit/{ACCOUNT_KILN}");
    app.post(7, &path, json!({})).await.ok();
    assert_eq!(token(&app, 7, "reddit", ACCOUNT_JUNIPER).await, juniper);
    assert_ne!(token(&app, 7, "reddit", ACCOUNT_KILN).await, kiln);

    app.delete(
        7,
        &format!("/api/integrations/disconnect/reddit/{ACCOUNT_KILN}"),
    )
    .await
    .ok();
    assert_eq!(token(&app, 7, "reddit", ACCOUNT_JUNIPER).await, juniper);
    let status = app.get(7, "/api/integrations/status").await.ok();
    assert_eq!(status["integrations"].as_array().unwrap().len(), 1);
}

async fn a_grant_withdrawn_at_the_platform_asks_for_the_user(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (program, app) = platforms.serve(&database);
    app.make_user(7).await;
    platforms
        .connect(&app, 7, "reddit", "juniper", json!({}))
        .await;
    let id = app.get(7, "/api/integrations/status").await.ok()["integrations"][0]["id"].clone();
    drop(program);
    platforms.sandbox.revoke_user("reddit", "juniper").unwrap();
    expire_all(&database).await;

    let (_program, app) = platforms.serve(&database);
    let path = format!("/api/integrations/token/reddit/{ACCOUNT_JUNIPER}");
    assert_eq!(app.get(7, &path).await.code(409), "RECONNECT_REQUIRED");
    let calls = refreshes(&platforms);
    assert_eq!(app.get(7, &path).await.code(409), "RECONNECT_REQUIRED");
    assert_eq!(
        refreshes(&platforms),
        calls,
        "a dead grant is not asked for again"
    );
    let status = app.get(7, "/api/integrations/status").await.ok();
    assert_eq!(status["integrations"][0]["status"], "expired");

    let body = json!({ "accountId": ACCOUNT_JUNIPER });
    let flow = app
        .post(7, "/api/integrations/connect/reddit", body)
        .await
        .ok();
    let callback = platforms
        .sandbox
        .approve(flow["authUrl"].as_str().unwrap(), "juniper", None)
        .unwrap();
    app.open(&callback).await;
    let status = app.get(7, "/api/integrations/status").await.ok();
    assert_eq!(
        (
            &status["integrations"][0]["status"],
            &status["integrations"][0]["id"]
        ),
        (&json!("connected"), &id)
    );
    token(&app, 7, "reddit", ACCOUNT_JUNIPER).await;
}

on_both_databases!(
    connects_keeps_reads_renews_and_disconnects,
    keeps_two_accounts_of_one_platform_side_by_side,
    a_grant_withdrawn_at_the_platform_asks_for_the_user,
);
