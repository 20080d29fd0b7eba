use axum::http::StatusCode;
use evergrant_sandbox::{RefreshExpiry, RefreshMode, RefreshReply, Switch};
use serde_json::json;

use super::{OPEN_ID, connect, flat, get, refresh, verdict};
use crate::harness::Stand;

const DAY_S: i64 = 86_400;

fn dead() -> (u16, String) {
    (400, "invalid_grant".into())
}

#[tokio::test]
async fn the_old_refresh_token_dies_at_once_unless_told_otherwise() {
    let stand = Stand::new();
    let (access, first) = connect(&stand, "juniper").await;
    let answer = refresh(&stand, &first).await;
    let second = answer.text("refresh_token");
    assert_ne!(second, first);
    assert_eq!(answer.text("open_id"), "-000simOpenId01");
    assert_eq!(flat(&refresh(&stand, &first).await), dead());
    assert_eq!(refresh(&stand, &second).await.status, StatusCode::OK);
    assert_eq!(
        get(&stand, OPEN_ID, &access).await.status,
        StatusCode::OK,
        "old access tokens live on"
    );
}

#[tokio::test]
async fn graceful_rotation_leaves_the_old_token_a_minute() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("tiktok", Switch::RefreshToken(RefreshMode::RotateGrace))
        .unwrap();
    let (_, first) = connect(&stand, "juniper").await;
    refresh(&stand, &first).await.text("refresh_token");
    stand.sandbox.advance_seconds(59);
    assert_eq!(refresh(&stand, &first).await.status, StatusCode::OK);
    stand.sandbox.advance_seconds(1);
    assert_eq!(flat(&refresh(&stand, &first).await), dead());
}

#[tokio::test]
async fn the_refresh_token_can_stay_the_same_and_be_left_out() {
    let stand = Stand::new();
    let same = json!({ "platform": "tiktok", "switch": "refreshToken", "value": "same" });
    let request = axum::http::Request::post("/control/switches")
        .body(same.to_string().into())
        .unwrap();
    assert_eq!(stand.send(request).await.status, StatusCode::OK);
    let (_, token) = connect(&stand, "juniper").await;
    assert_eq!(refresh(&stand, &token).await.text("refresh_token"), token);
    stand
        .sandbox
        .set("tiktok", Switch::RefreshReply(RefreshReply::Omit))
        .unwrap();
    assert_eq!(
        refresh(&stand, &token).await.json().get("refresh_token"),
        None
    );
    assert_eq!(refresh(&stand, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_year_after_the_consent_no_refresh_token_works() {
    let stand = Stand::new();
    let (_, first) = connect(&stand, "juniper").await;
    stand.sandbox.advance_seconds(100 * DAY_S);
    let answer = refresh(&stand, &first).await;
    assert_eq!(answer.json()["refresh_expires_in"], 265 * DAY_S);
    stand.sandbox.advance_seconds(265 * DAY_S - 1);
    let last = refresh(&stand, &answer.text("refresh_token")).await;
    assert_eq!(last.json()["refresh_expires_in"], 1);
    stand.sandbox.advance_seconds(1);
    assert_eq!(
        flat(&refresh(&stand, &last.text("refresh_token")).await),
        dead()
    );
}

#[tokio::test]
async fn each_refresh_can_put_the_end_off() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("tiktok", Switch::RefreshExpiry(RefreshExpiry::Rolling))
        .unwrap();
    let (_, mut token) = connect(&stand, "juniper").await;
    for _ in 0..3 {
        stand.sandbox.advance_seconds(300 * DAY_S);
        let answer = refresh(&stand, &token).await;
        assert_eq!(answer.json()["refresh_expires_in"], 365 * DAY_S);
        token = answer.text("refresh_token");
    }
    stand.sandbox.advance_seconds(365 * DAY_S);
    assert_eq!(flat(&refresh(&stand, &token).await), dead());
}

#[tokio::test]
async fn a_withdrawn_person_shows_on_use_and_on_refresh() {
    let stand = Stand::new();
    let (access, token) = connect(&stand, "juniper").await;
    assert_eq!(stand.sandbox.revoke_user("tiktok", "juniper").unwrap(), 1);
    assert_eq!(
        verdict(&get(&stand, OPEN_ID, &access).await),
        (401, "access_token_invalid".into())
    );
    assert_eq!(flat(&refresh(&stand, &token).await), dead());
}
