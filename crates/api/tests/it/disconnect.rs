//! `DELETE /api/integrations/disconnect/{provider}/{accountId}`

use insta::assert_snapshot;
use serde_json::json;

use crate::stand::{JUNIPER, Stand};

const DISCONNECT: &str = "/api/integrations/disconnect/reddit/sim9z";

#[tokio::test]
async fn ends_the_grant_and_forgets_the_tokens() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    assert_snapshot!(stand.browser(1).await.delete(DISCONNECT).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "message": "Disconnected. Reddit has confirmed that access has ended.",
      "revocation": "revoked",
      "success": true
    }
    "#);
    let app = stand.app_for(1).await;
    assert_eq!(
        app.get("/api/integrations/status").await.json()["integrations"],
        json!([])
    );
    let gone = app
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    assert_eq!(gone.refusal(), (404, "ACCOUNT_NOT_FOUND".to_owned()));
    assert_eq!(
        app.delete(DISCONNECT).await.refusal(),
        (404, "ACCOUNT_NOT_FOUND".to_owned())
    );
    assert_eq!(stand.sandbox.calls().get("reddit", "revoke"), 1);
}

#[tokio::test]
async fn item_69_the_connection_is_gone_here_whatever_the_platform_answers() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    stand.fails("revoke", 503, 1);
    assert_snapshot!(stand.app_for(1).await.delete(DISCONNECT).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "message": "Disconnected, and the tokens are deleted here. Reddit has not confirmed yet; we keep asking for a day.",
      "revocation": "pending",
      "success": true
    }
    "#);
    assert!(
        stand
            .database
            .texts("SELECT provider FROM oauth_accounts")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn takes_whether_the_data_goes_too() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let app = stand.app_for(1).await;
    for bad in [
        "deleteData=yes",
        "deleteData=",
        "deleteData=1",
        "deleteData=true&deleteData=false",
    ] {
        let answer = app.delete(&format!("{DISCONNECT}?{bad}")).await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{bad}"
        );
        assert_eq!(answer.json()["fields"][0]["field"], "deleteData");
    }
    assert_eq!(
        app.delete(&format!("{DISCONNECT}?deleteData=true"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn names_an_unknown_platform() {
    let stand = Stand::new().await;
    let answer = stand
        .app_for(1)
        .await
        .delete("/api/integrations/disconnect/nowhere/sim9z")
        .await;
    assert_eq!(answer.refusal(), (404, "INVALID_PROVIDER".to_owned()));
}
