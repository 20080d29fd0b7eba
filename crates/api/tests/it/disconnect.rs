//! `DELETE /api/integrations/disconnect/{provider}/{accountId}`

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Harness, JUNIPER};

const DISCONNECT: &str = "/api/integrations/disconnect/reddit/sim9z";

#[tokio::test]
async fn revokes_grant_and_deletes_tokens() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    assert_snapshot!(harness.browser(1).await.delete(DISCONNECT).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "message": "Disconnected. Reddit has confirmed that access has ended.",
      "revocation": "revoked",
      "success": true
    }
    "#);
    let app = harness.app_for(1).await;
    assert_eq!(
        app.get("/api/integrations/status").await.json()["integrations"],
        json!([])
    );
    let token = app
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    assert_eq!(token.problem(), "404 ACCOUNT_NOT_FOUND");
    assert_eq!(
        app.delete(DISCONNECT).await.problem(),
        "404 ACCOUNT_NOT_FOUND"
    );
    assert_eq!(harness.sandbox.calls().get("reddit", "revoke"), 1);
}

#[tokio::test]
async fn item_69_connection_is_deleted_even_if_revocation_fails() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    harness.fail_next("revoke", 503, 1);
    assert_snapshot!(harness.app_for(1).await.delete(DISCONNECT).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "message": "Disconnected, and the tokens are deleted here. Reddit has not confirmed yet; we will keep trying for 24 hours.",
      "revocation": "pending",
      "success": true
    }
    "#);
    assert!(
        harness
            .database
            .texts("SELECT provider FROM oauth_accounts")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn delete_data_must_be_true_or_false() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let app = harness.app_for(1).await;
    for query in [
        "deleteData=yes",
        "deleteData=",
        "deleteData=1",
        "deleteData=true&deleteData=false",
    ] {
        let response = app.delete(&format!("{DISCONNECT}?{query}")).await;
        assert_eq!(response.problem(), "422 VALIDATION_ERROR", "{query}");
        assert_eq!(response.json()["fields"][0]["field"], "deleteData");
    }
    assert_eq!(
        app.delete(&format!("{DISCONNECT}?deleteData=true"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn unknown_provider_is_404() {
    let harness = Harness::new().await;
    let response = harness
        .app_for(1)
        .await
        .delete("/api/integrations/disconnect/nowhere/sim9z")
        .await;
    assert_eq!(response.problem(), "404 INVALID_PROVIDER");
}
