//! `/api/integrations/flows/{flowId}`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{CHALLENGE, Harness, JUNIPER, KILN, VERIFIER};
use crate::response::TestResponse;

/// A bound flow after consent, waiting to be finished.
struct PendingFlow {
    path: String,
    receipt: String,
}

impl PendingFlow {
    /// Starts the flow in the browser of `user` and approves it as `person`.
    async fn start(harness: &Harness, user: i32, person: &str) -> Self {
        let browser = harness.browser(user).await;
        let started = browser
            .post(
                "/api/integrations/connect/reddit",
                json!({"challenge": CHALLENGE}),
            )
            .await;
        let redirect = harness
            .anonymous()
            .get(&harness.consent(&started, person))
            .await;
        let path = format!("/api/integrations/flows/{}", started.text("flowId"));
        Self {
            path,
            receipt: redirect.query_param("receipt").unwrap(),
        }
    }

    /// Finishes the flow with the right verifier and receipt, overridden by `changes`.
    async fn finish(&self, harness: &Harness, user: i32, changes: Value) -> TestResponse {
        let mut body = json!({"verifier": VERIFIER, "receipt": self.receipt});
        body.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        harness
            .browser(user)
            .await
            .post(&format!("{}/finish", self.path), body)
            .await
    }
}

fn is_connected(response: &TestResponse) -> bool {
    response.json()["status"] == "connected"
}

#[tokio::test]
async fn flow_is_waiting_until_consent_then_pending() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let path = format!("/api/integrations/flows/{}", started.text("flowId"));
    assert_snapshot!(harness.app_for(1).await.get(&path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "status": "waiting"
    }
    "#);
    let pending = PendingFlow::start(&harness, 1, "kiln").await;
    assert_snapshot!(harness.browser(1).await.get(&pending.path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "status": "pending"
    }
    "#);
}

#[tokio::test]
async fn browser_that_started_flow_finishes_it() {
    let harness = Harness::new().await;
    let pending = PendingFlow::start(&harness, 1, "kiln").await;
    let created = pending.finish(&harness, 1, json!({})).await;
    let listed = harness
        .browser(1)
        .await
        .get("/api/integrations/status")
        .await;
    assert_eq!(
        created.json(),
        json!({"integrations": listed.json()["integrations"]})
    );
    assert_eq!(created.json()["integrations"][0]["providerAccountId"], KILN);
    assert_snapshot!(harness.browser(1).await.get(&pending.path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "accountId": "sima4",
      "status": "connected"
    }
    "#);
}

#[tokio::test]
async fn denied_flow_returns_its_error_code() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    harness.anonymous().get(&harness.deny(&started)).await;
    let path = format!("/api/integrations/flows/{}", started.text("flowId"));
    assert_snapshot!(harness.app_for(1).await.get(&path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "code": "OAUTH_DENIED",
      "correlationId": "[correlationId]",
      "detail": "You did not allow access, so the account was not connected. Start again if you want to connect it.",
      "status": "error"
    }
    "#);
}

#[tokio::test]
async fn flow_expires_after_ten_minutes() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    harness.clock.advance_seconds(600);
    let state = harness
        .app_for(1)
        .await
        .get(&format!(
            "/api/integrations/flows/{}",
            started.text("flowId")
        ))
        .await;
    assert_eq!(
        (&state.json()["status"], &state.json()["code"]),
        (&json!("error"), &json!("INVALID_STATE"))
    );
}

#[tokio::test]
async fn finish_requires_both_verifier_and_receipt() {
    let harness = Harness::new().await;
    let pending = PendingFlow::start(&harness, 1, "kiln").await;
    let before = harness.stored().await;
    for changes in [
        json!({"verifier": "guessed"}),
        json!({"verifier": CHALLENGE}),
        json!({"receipt": "guessed"}),
        json!({"verifier": ""}),
        json!({"receipt": ""}),
        json!({"receipt": VERIFIER, "verifier": pending.receipt}),
    ] {
        let response = pending.finish(&harness, 1, changes.clone()).await;
        assert_eq!(response.problem(), "400 INVALID_STATE", "{changes}");
    }
    let mut after = harness.stored().await;
    after.insert(
        "evergrant_sessions".to_owned(),
        before["evergrant_sessions"].clone(),
    );
    assert_eq!(after, before);
    assert_eq!(
        pending.finish(&harness, 1, json!({})).await.status,
        200,
        "rejected attempts do not use up the flow"
    );
}

#[tokio::test]
async fn receipt_of_another_flow_is_rejected() {
    let harness = Harness::new().await;
    let (own, other) = (
        PendingFlow::start(&harness, 1, "kiln").await,
        PendingFlow::start(&harness, 2, "juniper").await,
    );
    let response = own
        .finish(&harness, 1, json!({"receipt": other.receipt}))
        .await;
    assert_eq!(response.problem(), "400 INVALID_STATE");
    let response = other.finish(&harness, 1, json!({})).await;
    assert_eq!(response.problem(), "404 FLOW_NOT_FOUND");
}

#[tokio::test]
async fn finish_is_accepted_once_and_before_expiry() {
    let harness = Harness::new().await;
    let pending = PendingFlow::start(&harness, 1, "kiln").await;
    assert_eq!(pending.finish(&harness, 1, json!({})).await.status, 200);
    assert_eq!(
        pending.finish(&harness, 1, json!({})).await.problem(),
        "400 INVALID_STATE"
    );
    let expired = PendingFlow::start(&harness, 1, "juniper").await;
    harness.clock.advance_seconds(600);
    assert_eq!(
        expired.finish(&harness, 1, json!({})).await.problem(),
        "400 INVALID_STATE"
    );
    assert!(!is_connected(
        &harness.browser(1).await.get(&expired.path).await
    ));
}

#[tokio::test]
async fn finish_rejects_accounts_outside_the_consent() {
    let harness = Harness::new().await;
    let pending = PendingFlow::start(&harness, 1, "kiln").await;
    for account_ids in [json!([]), json!(["sim9z"]), json!([KILN, "sim9z"])] {
        let response = pending
            .finish(&harness, 1, json!({"accountIds": account_ids}))
            .await;
        assert_eq!(response.problem(), "422 VALIDATION_ERROR", "{account_ids}");
        assert_eq!(response.json()["fields"][0]["field"], "accountIds");
    }
    assert_eq!(
        pending
            .finish(&harness, 1, json!({"accountIds": [KILN]}))
            .await
            .status,
        200
    );
}

/// The redirect names the flow and has a receipt. With the verifier, the receipt tells that the
/// account is another one, and which.
#[tokio::test]
async fn wrong_account_of_bound_flow_is_told_to_the_browser_that_consented() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let browser = harness.browser(1).await;
    let body = json!({"challenge": CHALLENGE, "accountId": JUNIPER});
    let started = browser.post("/api/integrations/connect/reddit", body).await;
    let redirect = harness
        .anonymous()
        .get(&harness.consent(&started, "kiln"))
        .await;
    let flow = started.text("flowId");
    let code = redirect.query_param("code");
    assert_eq!(code.as_deref(), Some("OAUTH_CALLBACK_ERROR"));
    assert_eq!(redirect.query_param("flowId"), Some(flow.clone()));
    let path = format!("/api/integrations/flows/{flow}");
    let state = browser.get(&path).await.json();
    assert_eq!(state["code"], "OAUTH_CALLBACK_ERROR");
    assert!(!state.to_string().contains("kiln"), "{state}");
    let receipt = redirect.query_param("receipt").unwrap();
    let proofs = json!({"verifier": VERIFIER, "receipt": receipt});
    let told = browser.post(&format!("{path}/finish"), proofs).await;
    assert_eq!(told.json()["code"], "ACCOUNT_MISMATCH");
    assert_eq!(told.json()["accounts"][0]["username"], "kiln_osei");
    let detail = told.text("detail");
    assert!(
        detail.contains("@kiln_osei") && detail.contains("@juniper_vale"),
        "{detail}"
    );
}

#[tokio::test]
async fn accounts_of_flow_require_verifier_and_receipt() {
    let harness = Harness::new().await;
    let pending = PendingFlow::start(&harness, 1, "kiln").await;
    let list = async |verifier: &str, receipt: &str| {
        let body = json!({"verifier": verifier, "receipt": receipt});
        let path = format!("{}/accounts", pending.path);
        harness.browser(1).await.post(&path, body).await
    };
    for (verifier, receipt) in [("guessed", pending.receipt.as_str()), (VERIFIER, "guessed")] {
        assert_eq!(
            list(verifier, receipt).await.json()["code"],
            "INVALID_STATE"
        );
    }
    let listed = list(VERIFIER, &pending.receipt).await.json();
    assert_eq!(listed["accounts"][0]["providerAccountId"], KILN);
}

#[tokio::test]
async fn account_of_another_user_is_not_taken_over() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let pending = PendingFlow::start(&harness, 2, "juniper").await;
    let response = pending.finish(&harness, 2, json!({})).await;
    assert_snapshot!(response.problem_summary(), @"
    409 ACCOUNT_ALREADY_CONNECTED
    retryable: false
    detail: This Reddit account is already connected by another user. Disconnect it there first, or sign in with a different Reddit account.
    ");
    let owners = harness
        .database
        .texts("SELECT CAST(user_id AS TEXT) FROM oauth_accounts")
        .await;
    assert_eq!(owners, ["1"]);
}

#[tokio::test]
async fn unbound_flow_cannot_be_finished() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let path = format!("/api/integrations/flows/{}/finish", started.text("flowId"));
    let response = harness
        .app_for(1)
        .await
        .post(&path, json!({"verifier": "", "receipt": ""}))
        .await;
    assert_eq!(response.problem(), "400 INVALID_STATE");
}
