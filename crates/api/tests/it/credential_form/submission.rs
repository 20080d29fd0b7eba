//! Forms that connect the account, and the form that cancels.

use axum::http::Method;
use serde_json::json;

use crate::credential_form::{FORM, curl, form_path, open_page, send};
use crate::fake_providers::{OWNER, SESS, USER_AGENT, X_BC};
use crate::harness::{CHALLENGE, Harness, VERIFIER};

#[tokio::test]
async fn pasted_curl_command_connects_and_redirects() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let redirect = send(
        &harness,
        &page,
        &[("consent", "yes"), ("pasted", &curl(SESS))],
    )
    .await;
    assert_eq!(redirect.status, 303, "{redirect}");
    assert_eq!(
        redirect.location(),
        format!(
            "https://app.example/settings?integration=onlyfans&status=connected&accountId={OWNER}#"
        )
    );
    let list = harness
        .app_for(1)
        .await
        .get("/api/integrations/status")
        .await;
    assert_eq!(
        list.json()["integrations"][0]["username"],
        "simcreator",
        "{list}"
    );
}

#[tokio::test]
async fn separate_fields_connect_the_account() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let parts = [
        ("sess", SESS),
        ("auth_id", OWNER),
        ("user_agent", USER_AGENT),
        ("x_bc", X_BC),
        ("consent", "yes"),
    ];
    assert_eq!(
        send(&harness, &page, &parts)
            .await
            .query_param("status")
            .as_deref(),
        Some("connected")
    );
}

#[tokio::test]
async fn bound_flow_redirects_with_receipt_that_finishes_it() {
    let harness = Harness::new().await;
    let page = harness
        .anonymous()
        .get(&form_path(&harness, json!({"challenge": CHALLENGE})).await)
        .await;
    let redirect = send(
        &harness,
        &page,
        &[("consent", "yes"), ("pasted", &curl(SESS))],
    )
    .await;
    assert_eq!(
        redirect.query_param("status").as_deref(),
        Some("pending"),
        "{redirect}"
    );
    let path = format!(
        "/api/integrations/flows/{}/finish",
        redirect.query_param("flowId").unwrap()
    );
    let body = json!({"verifier": VERIFIER, "receipt": redirect.query_param("receipt").unwrap()});
    let created = harness.browser(1).await.post(&path, body).await;
    assert_eq!(
        created.json()["integrations"][0]["providerAccountId"],
        OWNER,
        "{created}"
    );
}

#[tokio::test]
async fn cancel_redirects_like_denied_consent() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    assert!(
        page.body.contains(r#"<form id="cancel" method="post""#),
        "{page}"
    );
    let form = [("state", page.field("state")), ("error", "access_denied")];
    let redirect = harness
        .anonymous()
        .request(Method::POST, FORM)
        .form(&form)
        .send()
        .await;
    assert_eq!(
        redirect.query_param("code").as_deref(),
        Some("OAUTH_DENIED"),
        "{redirect}"
    );
}
