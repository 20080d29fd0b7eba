use axum::http::StatusCode;
use serde_json::{Value, json};

use super::post_control;
use crate::harness::{Harness, auth_url};

/// Asserts that the control rejects `body` with 400 and an error that contains `reason`.
async fn assert_rejected(harness: &Harness, path: &str, body: &Value, reason: &str) {
    let response = post_control(harness, path, body).await;
    assert_eq!(response.status, StatusCode::BAD_REQUEST, "{path} {body}");
    assert!(
        response.text("error").contains(reason),
        "{path} {body}: {}",
        response.body
    );
}

#[tokio::test]
async fn invalid_clock_and_reset_input_is_rejected_with_a_reason() {
    let harness = Harness::new();
    for (body, reason) in [
        (json!({ "advanceSeconds": "3" }), "invalid type: string"),
        (json!({}), "missing field `advanceSeconds`"),
        (
            json!({ "advanceSeconds": 1, "extra": 1 }),
            "unknown field `extra`",
        ),
    ] {
        assert_rejected(&harness, "clock", &body, reason).await;
    }
    assert_rejected(
        &harness,
        "reset",
        &json!({ "all": true }),
        "unknown field `all`",
    )
    .await;
    let not_an_object = post_control(&harness, "clock", &json!("x")).await;
    assert_eq!(not_an_object.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn invalid_fault_input_is_rejected_with_a_reason() {
    let harness = Harness::new();
    for (body, reason) in [
        (
            json!({ "platform": "reddit", "endpoint": "me", "kind": "explode" }),
            "unknown variant `explode`",
        ),
        (
            json!({ "platform": "reddit", "endpoint": "me", "Status": 500 }),
            "unknown field `Status`",
        ),
        (
            json!({ "platform": "orkut", "endpoint": "me" }),
            "the platforms are: reddit",
        ),
        (
            json!({ "platform": "reddit", "endpoint": "mee" }),
            "its endpoints are: authorize",
        ),
    ] {
        assert_rejected(&harness, "faults", &body, reason).await;
    }
}

#[tokio::test]
async fn invalid_switch_input_is_rejected_with_a_reason() {
    let harness = Harness::new();
    for (switch, value, reason) in [
        ("sleep", 1, "unknown variant `sleep`"),
        ("revokeStatus", 500, "200 or 204"),
        ("retryAfter", 1, "\"on\" or \"off\""),
        ("expiresIn", -1, "invalid value"),
    ] {
        let body = json!({ "platform": "reddit", "switch": switch, "value": value });
        assert_rejected(&harness, "switches", &body, reason).await;
    }
}

#[tokio::test]
async fn invalid_person_or_consent_input_is_rejected_with_a_reason() {
    let harness = Harness::new();
    for (path, body, reason) in [
        (
            "revoke-user",
            json!({ "platform": "reddit", "person": "ghost" }),
            "juniper",
        ),
        (
            "tokens",
            json!({ "platform": "instagram", "person": "juniper" }),
            "consent page",
        ),
        (
            "approve",
            json!({ "authUrl": auth_url(&[]) }),
            "missing field `person`",
        ),
        (
            "approve",
            json!({ "authUrl": auth_url(&[]), "person": "ghost" }),
            "has no account at this platform",
        ),
        (
            "approve",
            json!({ "authUrl": auth_url(&[("state", "")]), "person": "kiln" }),
            "state is missing",
        ),
        (
            "approve",
            json!({ "authUrl": "https://www.reddit.com/login", "person": "kiln" }),
            "not that of an authorization endpoint",
        ),
    ] {
        assert_rejected(&harness, path, &body, reason).await;
    }
}
