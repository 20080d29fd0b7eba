//! The user info endpoint and rate limits.

use axum::http::StatusCode;
use evergrant_sandbox::{Fault, FaultKind, Switch};
use serde_json::json;

use super::{OPEN_ID, connect, connect_for, envelope_code, get, post};
use crate::harness::Harness;

const INFO: &str = "/tiktok/api/v2/user/info/";

#[tokio::test]
async fn successful_response_has_error_code_ok() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "juniper").await;
    let fields = "open_id,union_id,avatar_url,avatar_url_100,avatar_large_url,display_name,username,bio_description,\
                  profile_deep_link,is_verified,follower_count,following_count,likes_count,video_count";
    let response = get(&harness, &format!("{INFO}?fields={fields}"), &access).await;
    assert_eq!(envelope_code(&response), (200, "ok".into()));
    let json = response.json();
    assert_eq!(json["error"]["message"], "");
    assert!(json["error"]["log_id"].is_string());
    let user = &json["data"]["user"];
    assert_eq!(user.as_object().unwrap().len(), 14);
    assert!(
        user.as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_null()),
        "{user}"
    );
    assert_eq!(
        (&user["open_id"], &user["username"]),
        (&json!("-000simOpenId01"), &json!("juniper.vale"))
    );
    assert!(user["follower_count"].as_i64().unwrap() >= 12_840);
}

#[tokio::test]
async fn only_requested_fields_are_returned_and_one_is_required() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "juniper").await;
    let user = get(&harness, OPEN_ID, &access).await.json()["data"]["user"].clone();
    assert_eq!(user, json!({ "open_id": "-000simOpenId01" }));
    for query in [
        "",
        "?fields=",
        "?fields=open_id,email",
        "?fields=open_id%20display_name",
    ] {
        let response = get(&harness, &format!("{INFO}{query}"), &access).await;
        assert_eq!(
            envelope_code(&response),
            (400, "invalid_params".into()),
            "{query}"
        );
        assert_eq!(response.json()["data"], json!({}));
    }
}

#[tokio::test]
async fn missing_scope_gets_401() {
    let harness = Harness::new();
    let access = connect_for(&harness, "juniper", &["user.info.basic"]).await;
    let granted = format!("{INFO}?fields=open_id,display_name");
    assert_eq!(
        get(&harness, &granted, &access).await.status,
        StatusCode::OK
    );
    // One field outside the scope fails the whole request.
    for fields in ["open_id,username", "follower_count"] {
        let response = get(&harness, &format!("{INFO}?fields={fields}"), &access).await;
        assert_eq!(
            envelope_code(&response),
            (401, "scope_not_authorized".into())
        );
    }
    for path in [
        "/tiktok/api/v2/video/list/?fields=id",
        "/tiktok/api/v2/video/query/?fields=id",
    ] {
        let response = post(&harness, path, &access, &json!({})).await;
        assert_eq!(
            envelope_code(&response),
            (401, "scope_not_authorized".into())
        );
    }
}

#[tokio::test]
async fn expired_missing_or_malformed_token_gets_401() {
    let harness = Harness::new();
    let access = connect_for(&harness, "juniper", &["user.info.basic"]).await;
    let without_scheme = [("authorization", access.as_str())];
    assert_eq!(get(&harness, OPEN_ID, &access).await.status, StatusCode::OK);
    harness.sandbox.advance_seconds(86_400);
    for response in [
        get(&harness, OPEN_ID, &access).await,
        harness.get(OPEN_ID, &[]).await,
        harness.get(OPEN_ID, &without_scheme).await,
    ] {
        assert_eq!(
            envelope_code(&response),
            (401, "access_token_invalid".into())
        );
    }
}

/// Reads the profile 300 times, which is half of the quota of a minute.
async fn use_half_of_the_quota(harness: &Harness, access: &str) {
    for call in 1..=300 {
        let response = get(harness, OPEN_ID, access).await;
        assert_eq!(response.status, StatusCode::OK, "call {call}");
    }
}

#[tokio::test]
async fn sliding_window_allows_600_calls_per_minute_and_endpoint() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "juniper").await;
    use_half_of_the_quota(&harness, &access).await;
    harness.sandbox.advance_seconds(30);
    use_half_of_the_quota(&harness, &access).await;
    let limited = get(&harness, OPEN_ID, &access).await;
    assert_eq!(envelope_code(&limited), (429, "rate_limit_exceeded".into()));
    assert_eq!(
        limited.header("retry-after"),
        None,
        "TikTok sends no Retry-After"
    );
    let list = "/tiktok/api/v2/video/list/?fields=id";
    assert_eq!(
        post(&harness, list, &access, &json!({})).await.status,
        StatusCode::OK,
        "each endpoint has its own window"
    );
    harness.sandbox.advance_seconds(29);
    let limited = get(&harness, OPEN_ID, &access).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    // The calls of the first half leave the window.
    harness.sandbox.advance_seconds(1);
    use_half_of_the_quota(&harness, &access).await;
    let limited = get(&harness, OPEN_ID, &access).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn calls_per_minute_are_configurable() {
    let harness = Harness::new();
    harness.set_switch("tiktok", Switch::Quota(1));
    let (access, _) = connect(&harness, "juniper").await;
    assert_eq!(get(&harness, OPEN_ID, &access).await.status, StatusCode::OK);
    assert_eq!(
        get(&harness, OPEN_ID, &access).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn follower_count_grows_overall_and_drops_on_some_days() {
    let harness = Harness::new();
    let (mut seen, mut token) = (Vec::new(), connect(&harness, "juniper").await.1);
    for _ in 0..8 {
        harness.sandbox.advance_seconds(86_400);
        let tokens = super::refresh(&harness, &token).await;
        token = tokens.text("refresh_token");
        let response = get(
            &harness,
            &format!("{INFO}?fields=follower_count"),
            &tokens.text("access_token"),
        )
        .await;
        seen.push(
            response.json()["data"]["user"]["follower_count"]
                .as_i64()
                .unwrap(),
        );
    }
    assert!(seen.last() > seen.first(), "{seen:?}");
    assert!(seen.windows(2).any(|days| days[1] < days[0]), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn every_fault_kind_applies_to_tiktok() {
    let harness = Harness::new();
    let (access, token) = connect(&harness, "juniper").await;
    let force = |fault| harness.inject_fault(fault);
    force(
        Fault::new("tiktok", "user.info", FaultKind::Respond)
            .status(500)
            .body(json!({ "error": "bare" })),
    );
    assert_eq!(get(&harness, OPEN_ID, &access).await.text("error"), "bare");
    force(Fault::new("tiktok", "user.info", FaultKind::Html));
    assert!(get(&harness, OPEN_ID, &access).await.is_html());
    force(Fault::new("tiktok", "token.refresh_token", FaultKind::Empty).status(503));
    assert_eq!(super::refresh(&harness, &token).await.body, "");
    force(Fault::new("tiktok", "user.info", FaultKind::Latency).latency_ms(900));
    let before = tokio::time::Instant::now();
    assert_eq!(get(&harness, OPEN_ID, &access).await.status, StatusCode::OK);
    assert_eq!(before.elapsed().as_millis(), 900);
}
