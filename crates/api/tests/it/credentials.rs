//! `POST /api/integrations/flows/{flowId}/credentials`: session credentials from the app's own
//! dialog.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_providers::{OWNER, SESS, USER_AGENT, X_BC};
use crate::harness::{CHALLENGE, Harness};
use crate::response::TestResponse;

/// Starts a flow in the browser of user 1 and returns the path for its credentials.
async fn credentials_path(harness: &Harness, provider: &str) -> String {
    let path = format!("/api/integrations/connect/{provider}");
    let started = harness
        .browser(1)
        .await
        .post(&path, json!({"challenge": CHALLENGE}))
        .await;
    format!(
        "/api/integrations/flows/{}/credentials",
        started.text("flowId")
    )
}

/// Returns the valid credentials.
fn values() -> Value {
    json!({"sess": SESS, "auth_id": OWNER, "user_agent": USER_AGENT, "x_bc": X_BC})
}

/// Posts the credentials in the browser of user 1.
async fn send(harness: &Harness, path: &str, values: &Value) -> TestResponse {
    harness
        .browser(1)
        .await
        .post(path, json!({"values": values}))
        .await
}

#[tokio::test]
async fn connects_for_browser_that_started_flow() {
    let harness = Harness::new().await;
    let path = credentials_path(&harness, "onlyfans").await;
    let created = send(&harness, &path, &values()).await;
    let listed = harness
        .browser(1)
        .await
        .get("/api/integrations/status")
        .await;
    assert_eq!(
        created.json(),
        json!({"integrations": listed.json()["integrations"]}),
        "{created}"
    );
    assert_eq!(
        created.json()["integrations"][0]["providerAccountId"],
        OWNER
    );
    assert!(!created.full_text().contains(SESS) && !created.full_text().contains(X_BC));
    let state = harness
        .browser(1)
        .await
        .get(path.trim_end_matches("/credentials"))
        .await;
    assert_eq!(
        state.json(),
        json!({"status": "connected", "accountId": OWNER})
    );
}

#[tokio::test]
async fn invalid_fields_are_named_and_flow_stays_open() {
    let harness = Harness::new().await;
    let path = credentials_path(&harness, "onlyfans").await;
    let invalid = json!({"sess": SESS, "auth_id": "me", "user_agent": USER_AGENT});
    assert_snapshot!(send(&harness, &path, &invalid).await.problem_summary(), @"
    422 VALIDATION_ERROR
    retryable: false
    detail: Some fields of the request are invalid.
    values.auth_id: auth_id must be a number.
    values.x_bc: Please fill in x-bc.
    ");
    assert_eq!(send(&harness, &path, &values()).await.status, 200);
    assert_eq!(
        send(&harness, &path, &values()).await.problem(),
        "400 INVALID_STATE",
        "the flow has been used"
    );
}

#[tokio::test]
async fn provider_failure_is_reported_and_flow_stays_open() {
    let harness = Harness::new().await;
    let path = credentials_path(&harness, "onlyfans").await;
    for (status, problem) in [
        (503, "503 PROVIDER_UNAVAILABLE"),
        (429, "429 RATE_LIMIT_ERROR"),
    ] {
        harness.fake_providers.set_profile_status(status);
        assert_eq!(send(&harness, &path, &values()).await.problem(), problem);
    }
    harness.fake_providers.set_profile_status(200);
    assert_eq!(send(&harness, &path, &values()).await.status, 200);
}

#[tokio::test]
async fn expired_flow_rejects_credentials() {
    let harness = Harness::new().await;
    let path = credentials_path(&harness, "onlyfans").await;
    harness.clock.advance_seconds(600);
    assert_eq!(
        send(&harness, &path, &values()).await.problem(),
        "400 INVALID_STATE"
    );
}

#[tokio::test]
async fn account_of_another_user_is_not_taken_over() {
    let harness = Harness::new().await;
    assert_eq!(
        send(
            &harness,
            &credentials_path(&harness, "onlyfans").await,
            &values()
        )
        .await
        .status,
        200
    );
    let started = harness.start_flow(2, "onlyfans", json!({})).await;
    let path = format!(
        "/api/integrations/flows/{}/credentials",
        started.text("flowId")
    );
    let response = harness
        .app_for(2)
        .await
        .post(&path, json!({"values": values()}))
        .await;
    assert_eq!(response.problem(), "409 ACCOUNT_ALREADY_CONNECTED");
}

#[tokio::test]
async fn oauth_provider_rejects_session_credentials() {
    let harness = Harness::new().await;
    let response = send(
        &harness,
        &credentials_path(&harness, "reddit").await,
        &json!({"cookie": "hush"}),
    )
    .await;
    assert_snapshot!(response.problem_summary(), @"
    422 VALIDATION_ERROR
    retryable: false
    detail: Some fields of the request are invalid.
    values: this platform has its own consent page: redirect the user to authUrl instead
    ");
}
