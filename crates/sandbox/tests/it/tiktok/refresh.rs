//! Refresh, rotation and expiry of refresh tokens.

use axum::http::{Request, StatusCode};
use evergrant_sandbox::{RefreshExpiry, RefreshMode, RefreshReply, Switch};
use serde_json::json;

use super::{OPEN_ID, connect, envelope_code, flat_error, get, refresh};
use crate::harness::Harness;

const DAY_SECONDS: i64 = 86_400;

/// Returns the expected response to a refresh with an invalid token.
fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".into())
}

#[tokio::test]
async fn rotation_invalidates_the_old_token_immediately_by_default() {
    let harness = Harness::new();
    let (access, first) = connect(&harness, "juniper").await;
    let response = refresh(&harness, &first).await;
    let second = response.text("refresh_token");
    assert_ne!(second, first);
    assert_eq!(response.text("open_id"), "-000simOpenId01");
    assert_eq!(
        flat_error(&refresh(&harness, &first).await),
        invalid_grant()
    );
    assert_eq!(refresh(&harness, &second).await.status, StatusCode::OK);
    assert_eq!(
        get(&harness, OPEN_ID, &access).await.status,
        StatusCode::OK,
        "older access tokens remain valid"
    );
}

#[tokio::test]
async fn rotation_with_grace_keeps_the_old_token_for_one_minute() {
    let harness = Harness::new();
    harness.set_switch("tiktok", Switch::RefreshToken(RefreshMode::RotateGrace));
    let (_, first) = connect(&harness, "juniper").await;
    refresh(&harness, &first).await.text("refresh_token");
    harness.sandbox.advance_seconds(59);
    assert_eq!(refresh(&harness, &first).await.status, StatusCode::OK);
    harness.sandbox.advance_seconds(1);
    assert_eq!(
        flat_error(&refresh(&harness, &first).await),
        invalid_grant()
    );
}

#[tokio::test]
async fn refresh_token_can_stay_the_same_and_be_omitted() {
    let harness = Harness::new();
    let same = json!({ "platform": "tiktok", "switch": "refreshToken", "value": "same" });
    let request = Request::post("/control/switches")
        .body(same.to_string().into())
        .unwrap();
    assert_eq!(harness.send(request).await.status, StatusCode::OK);
    let (_, token) = connect(&harness, "juniper").await;
    assert_eq!(refresh(&harness, &token).await.text("refresh_token"), token);
    harness.set_switch("tiktok", Switch::RefreshReply(RefreshReply::Omit));
    assert_eq!(
        refresh(&harness, &token).await.json().get("refresh_token"),
        None
    );
    assert_eq!(refresh(&harness, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refresh_tokens_expire_one_year_after_consent() {
    let harness = Harness::new();
    let (_, first) = connect(&harness, "juniper").await;
    harness.sandbox.advance_seconds(100 * DAY_SECONDS);
    let response = refresh(&harness, &first).await;
    assert_eq!(response.json()["refresh_expires_in"], 265 * DAY_SECONDS);
    harness.sandbox.advance_seconds(265 * DAY_SECONDS - 1);
    let last = refresh(&harness, &response.text("refresh_token")).await;
    assert_eq!(last.json()["refresh_expires_in"], 1);
    harness.sandbox.advance_seconds(1);
    assert_eq!(
        flat_error(&refresh(&harness, &last.text("refresh_token")).await),
        invalid_grant()
    );
}

#[tokio::test]
async fn rolling_expiry_moves_with_each_refresh() {
    let harness = Harness::new();
    harness.set_switch("tiktok", Switch::RefreshExpiry(RefreshExpiry::Rolling));
    let (_, mut token) = connect(&harness, "juniper").await;
    for _ in 0..3 {
        harness.sandbox.advance_seconds(300 * DAY_SECONDS);
        let response = refresh(&harness, &token).await;
        assert_eq!(response.json()["refresh_expires_in"], 365 * DAY_SECONDS);
        token = response.text("refresh_token");
    }
    harness.sandbox.advance_seconds(365 * DAY_SECONDS);
    assert_eq!(
        flat_error(&refresh(&harness, &token).await),
        invalid_grant()
    );
}

#[tokio::test]
async fn revoked_user_is_rejected_on_use_and_on_refresh() {
    let harness = Harness::new();
    let (access, token) = connect(&harness, "juniper").await;
    assert_eq!(harness.sandbox.revoke_user("tiktok", "juniper").unwrap(), 1);
    assert_eq!(
        envelope_code(&get(&harness, OPEN_ID, &access).await),
        (401, "access_token_invalid".into())
    );
    assert_eq!(
        flat_error(&refresh(&harness, &token).await),
        invalid_grant()
    );
}
