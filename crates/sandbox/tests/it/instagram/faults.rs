//! Forced responses and failures selected at consent.

use axum::http::StatusCode;
use evergrant_sandbox::{Fault, FaultKind};
use serde_json::json;

use crate::harness::Harness;
use crate::meta::error_codes;

#[tokio::test]
async fn misbehave_parameter_fails_the_exchange() {
    let harness = Harness::new();
    let limited = harness.fb_code("juniper", &[("misbehave", "rate-limited")]);
    let response = harness.fb_exchange(&limited, &[]).await;
    assert_eq!(error_codes(&response), (4, 0));
    let retried = harness.fb_exchange(&limited, &[]).await;
    assert_eq!(retried.status, StatusCode::OK);

    let broken = harness.fb_code("juniper", &[("misbehave", "server-error")]);
    let response = harness.fb_exchange(&broken, &[]).await;
    assert_eq!(
        (response.status, error_codes(&response)),
        (StatusCode::INTERNAL_SERVER_ERROR, (2, 0))
    );
    assert_eq!(response.json()["error"]["is_transient"], true);
    let retried = harness.fb_exchange(&broken, &[]).await;
    assert_eq!(retried.status, StatusCode::OK);

    let expired = harness.fb_code("juniper", &[("misbehave", "code-expired")]);
    let response = harness.fb_exchange(&expired, &[]).await;
    assert_eq!(error_codes(&response), (100, 36007));
}

#[tokio::test]
async fn misbehave_parameter_affects_the_token() {
    let harness = Harness::new();
    let connect = async |failure: &str| {
        let code = harness.fb_code("juniper", &[("misbehave", failure)]);
        harness.fb_connect_with(&code).await
    };
    let not_extendable = connect("refresh-refused").await;
    let response = harness.fb_long_lived(&not_extendable).await;
    assert_eq!(error_codes(&response), (190, 460));
    let other_account = connect("wrong-account").await;
    let me = harness.graph_with_token("/v25.0/me", &other_account).await;
    assert_ne!(me.text("id"), "10150000000000001");
}

#[tokio::test]
async fn faults_can_force_json_text_html_and_empty_responses() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let me = async || harness.graph_with_token("/v25.0/me", &token).await;
    let fault = |kind| Fault::new("instagram", "me", kind);
    for code in [1, 2] {
        let body =
            json!({ "error": { "code": code, "type": "OAuthException", "message": "later" } });
        harness.inject_fault(fault(FaultKind::Respond).status(500).body(body));
        let response = me().await;
        assert_eq!(
            (response.status, error_codes(&response)),
            (StatusCode::INTERNAL_SERVER_ERROR, (code, 0))
        );
    }
    harness.inject_fault(fault(FaultKind::Respond).status(200).body(json!("true")));
    assert_eq!(me().await.body, "true");
    harness.inject_fault(fault(FaultKind::Html));
    assert!(me().await.is_html());
    harness.inject_fault(fault(FaultKind::Empty).status(502));
    assert_eq!(me().await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(me().await.status, StatusCode::OK);
}

#[tokio::test]
async fn faults_are_accepted_for_every_oauth_endpoint() {
    let harness = Harness::new();
    for endpoint in [
        "token.authorization_code",
        "token.fb_exchange_token",
        "debug_token",
        "permissions",
        "revoke",
    ] {
        harness.inject_fault(Fault::new("instagram", endpoint, FaultKind::Cut));
    }
}
