//! Accounts that are already connected.

use serde_json::json;

use crate::harness::{Harness, JUNIPER};

#[tokio::test]
async fn item_22_account_of_another_user_is_not_taken_over() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let token = format!("/api/integrations/token/reddit/{JUNIPER}");
    let (app, rows) = (
        harness.app_for(1).await,
        harness.database.contents().await["oauth_accounts"].clone(),
    );
    let token_before = app.get(&token).await.text("accessToken");
    let started = harness.start_flow(2, "reddit", json!({})).await;
    let redirect = harness
        .anonymous()
        .get(&harness.consent(&started, "juniper"))
        .await;
    assert_eq!(
        redirect.query_param("code").as_deref(),
        Some("ACCOUNT_ALREADY_CONNECTED")
    );
    assert_eq!(harness.database.contents().await["oauth_accounts"], rows);
    assert_eq!(app.get(&token).await.text("accessToken"), token_before);
    assert_eq!(
        harness.sandbox.calls().get("reddit", "revoke"),
        1,
        "the new grant is revoked"
    );
}

#[tokio::test]
async fn reconnect_keeps_connection_id_and_rejects_other_account() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let id = async || {
        harness
            .app_for(1)
            .await
            .get("/api/integrations/status")
            .await
            .json()["integrations"][0]["id"]
            .clone()
    };
    let first = id().await;
    let started = harness
        .start_flow(1, "reddit", json!({"accountId": JUNIPER}))
        .await;
    let other = harness
        .anonymous()
        .get(&harness.consent(&started, "kiln"))
        .await;
    assert_eq!(
        other.query_param("code").as_deref(),
        Some("ACCOUNT_MISMATCH")
    );
    let started = harness
        .start_flow(1, "reddit", json!({"accountId": JUNIPER}))
        .await;
    let same = harness
        .anonymous()
        .get(&harness.consent(&started, "juniper"))
        .await;
    assert_eq!(same.query_param("status").as_deref(), Some("connected"));
    assert_eq!(id().await, first);
}
