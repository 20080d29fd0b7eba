use axum::http::StatusCode;
use evergrant_sandbox::{DeadRefreshBody, RefreshMode, RefreshReply, Switch};
use serde_json::json;

use crate::harness::{AGENT, ME, OTHER_BASIC, Stand, TOKEN};

#[tokio::test]
async fn a_refresh_repeats_the_refresh_token_and_leaves_old_access_tokens_alive() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    let answer = stand.refresh(&refresh).await;
    assert_eq!(answer.text("refresh_token"), refresh);
    assert_eq!(answer.json()["expires_in"], 86_400);
    assert_ne!(answer.text("access_token"), access);
    for token in [access, answer.text("access_token")] {
        assert_eq!(stand.data(ME, &token).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_refresh_token_can_be_omitted_and_still_works() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("reddit", Switch::RefreshReply(RefreshReply::Omit))
        .unwrap();
    let (_, refresh) = stand.connect("juniper").await;
    for _ in 0..2 {
        let answer = stand.refresh(&refresh).await;
        assert_eq!(answer.json().get("refresh_token"), None);
        assert_eq!(
            stand.data(ME, &answer.text("access_token")).await.status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn a_refresh_token_never_ends() {
    let stand = Stand::new();
    let (_, refresh) = stand.connect("juniper").await;
    stand.sandbox.advance_seconds(5 * 365 * 86_400);
    assert_eq!(stand.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_dead_refresh_token_is_answered_with_400_in_each_of_three_bodies() {
    let stand = Stand::new();
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
        stand
            .sandbox
            .set("reddit", Switch::DeadRefreshBody(switch))
            .unwrap();
        let answer = stand.refresh("1-unknown").await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::BAD_REQUEST, body)
        );
    }
    let missing = stand.call(TOKEN, &[("grant_type", "refresh_token")]).await;
    assert_eq!(
        missing.status,
        StatusCode::BAD_REQUEST,
        "as if it were dead"
    );
}

#[tokio::test]
async fn a_foreign_or_misused_token_does_not_refresh() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    assert_eq!(stand.refresh(&access).await.status, StatusCode::BAD_REQUEST);
    let headers = [("user-agent", AGENT), ("authorization", OTHER_BASIC)];
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    assert_eq!(
        stand.post(TOKEN, &headers, &fields).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(stand.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn strict_rotation_kills_the_old_token_at_once() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("reddit", Switch::RefreshToken(RefreshMode::RotateStrict))
        .unwrap();
    let (_, first) = stand.connect("juniper").await;
    let second = stand.refresh(&first).await.text("refresh_token");
    assert_ne!(second, first);
    assert_eq!(stand.refresh(&first).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(stand.refresh(&second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn graceful_rotation_leaves_the_old_token_a_minute() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("reddit", Switch::RefreshToken(RefreshMode::RotateGrace))
        .unwrap();
    let (_, first) = stand.connect("juniper").await;
    stand.refresh(&first).await.text("refresh_token");
    stand.sandbox.advance_seconds(59);
    let again = stand.refresh(&first).await;
    assert_eq!(again.status, StatusCode::OK);
    stand.sandbox.advance_seconds(1);
    assert_eq!(
        stand.refresh(&first).await.status,
        StatusCode::BAD_REQUEST,
        "a second use does not lengthen its life"
    );
    assert_eq!(
        stand.refresh(&again.text("refresh_token")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_withdrawn_person_shows_as_401_on_use_and_400_on_refresh() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    let (other, _) = stand.connect("kiln").await;
    assert_eq!(stand.sandbox.revoke_user("reddit", "juniper").unwrap(), 1);
    assert_eq!(
        stand.data(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        stand.refresh(&refresh).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(stand.data(ME, &other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refusing_every_refresh_leaves_the_access_token_alive() {
    let stand = Stand::new();
    let answer = stand
        .exchange(&stand.code("juniper", &[("misbehave", "refresh-refused")]))
        .await;
    assert_eq!(
        stand.refresh(&answer.text("refresh_token")).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        stand.data(ME, &answer.text("access_token")).await.status,
        StatusCode::OK
    );
}
