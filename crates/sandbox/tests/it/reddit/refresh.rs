//! Refresh requests, and the modes of refresh token rotation.

use axum::http::StatusCode;
use evergrant_sandbox::{DeadRefreshBody, RefreshMode, RefreshReply, Switch};
use serde_json::json;

use crate::harness::{Harness, ME, OTHER_BASIC, TOKEN, USER_AGENT};

#[tokio::test]
async fn refresh_keeps_the_refresh_token_and_older_access_tokens() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    let response = harness.refresh(&refresh).await;
    assert_eq!(response.text("refresh_token"), refresh);
    assert_eq!(response.json()["expires_in"], 86_400);
    assert_ne!(response.text("access_token"), access);
    for token in [access, response.text("access_token")] {
        assert_eq!(harness.api_get(ME, &token).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn omitted_refresh_token_remains_valid() {
    let harness = Harness::new();
    harness.set_switch("reddit", Switch::RefreshReply(RefreshReply::Omit));
    let (_, refresh) = harness.connect("juniper").await;
    for _ in 0..2 {
        let response = harness.refresh(&refresh).await;
        assert_eq!(response.json().get("refresh_token"), None);
        assert_eq!(
            harness
                .api_get(ME, &response.text("access_token"))
                .await
                .status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn refresh_token_does_not_expire() {
    let harness = Harness::new();
    let (_, refresh) = harness.connect("juniper").await;
    harness.sandbox.advance_seconds(5 * 365 * 86_400);
    assert_eq!(harness.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn invalid_refresh_token_gets_400_in_each_of_three_formats() {
    let harness = Harness::new();
    for (switch, body) in [
        (
            DeadRefreshBody::Message,
            json!({ "message": "Bad Request", "error": 400 }),
        ),
        (DeadRefreshBody::Bare, json!({ "error": 400 })),
        (
            DeadRefreshBody::Oauth,
            json!({ "error": "invalid_request" }),
        ),
    ] {
        harness.set_switch("reddit", Switch::DeadRefreshBody(switch));
        let response = harness.refresh("1-unknown").await;
        assert_eq!(
            (response.status, response.json()),
            (StatusCode::BAD_REQUEST, body)
        );
    }
    let missing = harness
        .post_as_client(TOKEN, &[("grant_type", "refresh_token")])
        .await;
    assert_eq!(
        missing.status,
        StatusCode::BAD_REQUEST,
        "a missing token is treated as an invalid one"
    );
}

#[tokio::test]
async fn refresh_rejects_access_tokens_and_other_clients() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    assert_eq!(
        harness.refresh(&access).await.status,
        StatusCode::BAD_REQUEST
    );
    let headers = [("user-agent", USER_AGENT), ("authorization", OTHER_BASIC)];
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    assert_eq!(
        harness.post(TOKEN, &headers, &fields).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(harness.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn strict_rotation_invalidates_the_old_token_immediately() {
    let harness = Harness::new();
    harness.set_switch("reddit", Switch::RefreshToken(RefreshMode::RotateStrict));
    let (_, first) = harness.connect("juniper").await;
    let second = harness.refresh(&first).await.text("refresh_token");
    assert_ne!(second, first);
    assert_eq!(
        harness.refresh(&first).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(harness.refresh(&second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rotation_with_grace_keeps_the_old_token_for_one_minute() {
    let harness = Harness::new();
    harness.set_switch("reddit", Switch::RefreshToken(RefreshMode::RotateGrace));
    let (_, first) = harness.connect("juniper").await;
    harness.refresh(&first).await.text("refresh_token");
    harness.sandbox.advance_seconds(59);
    let again = harness.refresh(&first).await;
    assert_eq!(again.status, StatusCode::OK);
    harness.sandbox.advance_seconds(1);
    assert_eq!(
        harness.refresh(&first).await.status,
        StatusCode::BAD_REQUEST,
        "use during the grace period does not extend it"
    );
    assert_eq!(
        harness.refresh(&again.text("refresh_token")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn revoked_user_gets_401_on_use_and_400_on_refresh() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    let (other, _) = harness.connect("kiln").await;
    assert_eq!(harness.sandbox.revoke_user("reddit", "juniper").unwrap(), 1);
    assert_eq!(
        harness.api_get(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        harness.refresh(&refresh).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(harness.api_get(ME, &other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rejected_refresh_keeps_the_access_token_valid() {
    let harness = Harness::new();
    let response = harness
        .exchange(&harness.code("juniper", &[("misbehave", "refresh-refused")]))
        .await;
    assert_eq!(
        harness
            .refresh(&response.text("refresh_token"))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        harness
            .api_get(ME, &response.text("access_token"))
            .await
            .status,
        StatusCode::OK
    );
}
