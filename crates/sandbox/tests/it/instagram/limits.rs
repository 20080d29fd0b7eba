//! Usage headers, throttling and switches.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use evergrant_sandbox::{Switch, ThrottleCode};
use serde_json::{Value, json};

use crate::harness::{Harness, Response};
use crate::meta::{JUNIPER, error_codes};

/// Parses a usage header.
fn usage(response: &Response, header: &str) -> Value {
    serde_json::from_str(response.header(header).unwrap()).unwrap()
}

#[tokio::test]
async fn usage_headers_reach_100_percent_before_throttling() {
    let harness = Harness::new();
    harness.set_switch("instagram", Switch::Quota(4));
    let token = harness.fb_connect("juniper").await;
    let read = async || {
        harness
            .graph_with_token(&format!("/v25.0/{JUNIPER}"), &token)
            .await
    };
    for percent in [25, 50, 75, 100] {
        let response = read().await;
        assert_eq!(response.status, StatusCode::OK);
        assert_eq!(usage(&response, "x-app-usage")["call_count"], percent);
        let by_account = &usage(&response, "x-business-use-case-usage")[JUNIPER][0];
        assert_eq!(
            (&by_account["type"], &by_account["call_count"]),
            (&json!("instagram"), &json!(percent))
        );
        assert_eq!(by_account["estimated_time_to_regain_access"], 0);
    }
    let throttled = read().await;
    assert_eq!(error_codes(&throttled), (80_002, 0));
    let by_account = &usage(&throttled, "x-business-use-case-usage")[JUNIPER][0];
    assert_eq!(
        by_account["estimated_time_to_regain_access"], 10,
        "the time is in minutes, rounded up"
    );
    harness.sandbox.advance_seconds(600);
    assert_eq!(read().await.status, StatusCode::OK);
}

#[tokio::test]
async fn error_code_of_throttled_call_is_configurable() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    harness.set_switch("instagram", Switch::Quota(0));
    for (code, number) in [
        (ThrottleCode::App, 4),
        (ThrottleCode::User, 17),
        (ThrottleCode::Page, 32),
        (ThrottleCode::Custom, 613),
        (ThrottleCode::Instagram, 80_002),
    ] {
        harness.set_switch("instagram", Switch::ThrottleCode(code));
        let response = harness
            .graph_with_token(&format!("/v25.0/{JUNIPER}/media"), &token)
            .await;
        assert_eq!(error_codes(&response), (number, 0));
    }
    let me = harness.graph_with_token("/v25.0/me", &token).await;
    assert_eq!(
        error_codes(&me),
        (4, 0),
        "other calls count towards the limit of the app"
    );
    assert!(me.header("x-business-use-case-usage").is_none());
}

#[tokio::test]
async fn low_usage_has_no_usage_header() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    assert_eq!(
        harness
            .graph_with_token("/v25.0/me", &token)
            .await
            .header("x-app-usage"),
        None
    );
}

#[tokio::test]
async fn meta_switches_can_be_set_over_http_only_for_meta() {
    let harness = Harness::new();
    let set = async |provider: &str, switch: &str, value: &Value| {
        let body = json!({ "platform": provider, "switch": switch, "value": value });
        let request = Request::post("/control/switches").body(Body::from(body.to_string()));
        harness.send(request.unwrap()).await
    };
    for (switch, value) in [
        ("expiresInReply", json!(false)),
        ("sameToken", json!(true)),
        ("requireProof", json!(true)),
        ("urlencoded", json!(false)),
        ("revokeReply", json!("true")),
        ("wrapping", json!("data")),
        ("userId", json!("string")),
        ("permissions", json!("text")),
        ("throttleCode", json!(613)),
    ] {
        let response = set("instagram", switch, &value).await;
        assert_eq!(
            response.status,
            StatusCode::OK,
            "{switch}: {}",
            response.body
        );
        assert_eq!(response.json()["instagram"][switch], value);
        assert!(response.json()["reddit"].get(switch).is_none());
        let rejected = set("reddit", switch, &value).await;
        assert!(
            rejected.text("error").contains("reddit has no such switch"),
            "{switch}"
        );
    }
}
