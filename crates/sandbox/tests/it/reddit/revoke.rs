//! The revocation endpoint.

use axum::http::StatusCode;
use evergrant_sandbox::{RevokeStatus, Switch};
use serde_json::json;

use crate::harness::{Harness, ME, OTHER_BASIC, REVOKE, USER_AGENT};

#[tokio::test]
async fn revocation_is_idempotent_and_has_an_empty_body() {
    let harness = Harness::new();
    let (_, refresh) = harness.connect("juniper").await;
    for (status, expected) in [
        (RevokeStatus::Ok, StatusCode::OK),
        (RevokeStatus::NoContent, StatusCode::NO_CONTENT),
    ] {
        harness.set_switch("reddit", Switch::RevokeStatus(status));
        for token in [refresh.as_str(), refresh.as_str(), "never-seen"] {
            let response = harness
                .post_as_client(
                    REVOKE,
                    &[("token", token), ("token_type_hint", "refresh_token")],
                )
                .await;
            assert_eq!((response.status, response.body.as_str()), (expected, ""));
        }
    }
}

#[tokio::test]
async fn revoking_the_refresh_token_invalidates_its_access_tokens() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    let newer = harness.refresh(&refresh).await.text("access_token");
    // A wrong `token_type_hint` is ignored (RFC 7009, section 2.1).
    harness
        .post_as_client(
            REVOKE,
            &[("token", &refresh), ("token_type_hint", "access_token")],
        )
        .await;
    for token in [access, newer] {
        assert_eq!(
            harness.api_get(ME, &token).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(
        harness.refresh(&refresh).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn revoking_an_access_token_keeps_the_refresh_token_valid() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    harness.post_as_client(REVOKE, &[("token", &access)]).await;
    assert_eq!(
        harness.api_get(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(harness.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn revocation_rejects_another_clients_token() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    let headers = [("user-agent", USER_AGENT), ("authorization", OTHER_BASIC)];
    let response = harness.post(REVOKE, &headers, &[("token", &refresh)]).await;
    assert_eq!(
        (response.status, response.json()),
        (
            StatusCode::BAD_REQUEST,
            json!({ "error": "unauthorized_client" })
        )
    );
    assert_eq!(harness.api_get(ME, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn revocation_requires_client_authentication() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    let response = harness
        .post(
            REVOKE,
            &[("user-agent", USER_AGENT)],
            &[("token", &refresh)],
        )
        .await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert_eq!(harness.api_get(ME, &access).await.status, StatusCode::OK);
}
