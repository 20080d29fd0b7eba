use axum::http::StatusCode;
use evergrant_sandbox::{RevokeStatus, Switch};
use serde_json::json;

use crate::harness::{AGENT, ME, OTHER_BASIC, REVOKE, Stand};

#[tokio::test]
async fn revoking_is_idempotent_and_says_nothing() {
    let stand = Stand::new();
    let (_, refresh) = stand.connect("juniper").await;
    for (status, expected) in [
        (RevokeStatus::Ok, StatusCode::OK),
        (RevokeStatus::NoContent, StatusCode::NO_CONTENT),
    ] {
        stand
            .sandbox
            .set("reddit", Switch::RevokeStatus(status))
            .unwrap();
        for token in [refresh.as_str(), refresh.as_str(), "never-seen"] {
            let answer = stand
                .call(
                    REVOKE,
                    &[("token", token), ("token_type_hint", "refresh_token")],
                )
                .await;
            assert_eq!((answer.status, answer.body.as_str()), (expected, ""));
        }
    }
}

#[tokio::test]
async fn revoking_the_refresh_token_kills_its_access_tokens() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    let newer = stand.refresh(&refresh).await.text("access_token");
    // The hint may be wrong; the token is what counts.
    stand
        .call(
            REVOKE,
            &[("token", &refresh), ("token_type_hint", "access_token")],
        )
        .await;
    for token in [access, newer] {
        assert_eq!(
            stand.data(ME, &token).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(
        stand.refresh(&refresh).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn revoking_an_access_token_leaves_the_refresh_token_alive() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    stand.call(REVOKE, &[("token", &access)]).await;
    assert_eq!(
        stand.data(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(stand.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_clients_token_is_not_revoked() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    let headers = [("user-agent", AGENT), ("authorization", OTHER_BASIC)];
    let answer = stand.post(REVOKE, &headers, &[("token", &refresh)]).await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            StatusCode::BAD_REQUEST,
            json!({ "error": "unauthorized_client" })
        )
    );
    assert_eq!(stand.data(ME, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_stranger_revokes_nothing() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    let answer = stand
        .post(REVOKE, &[("user-agent", AGENT)], &[("token", &refresh)])
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stand.data(ME, &access).await.status, StatusCode::OK);
}
