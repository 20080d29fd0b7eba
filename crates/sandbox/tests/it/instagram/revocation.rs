//! Invalidation of tokens: subcodes, removal of the app, and the end of data access.

use axum::http::StatusCode;
use evergrant_sandbox::{RevokeReply, Switch};
use serde_json::json;

use crate::harness::{Harness, Response};
use crate::meta::{JUNIPER, error_codes};

#[tokio::test]
async fn each_invalidation_reason_has_its_subcode() {
    let harness = Harness::new();
    for subcode in [458, 459, 460, 463, 464, 467, 492] {
        let token = harness.fb_connect("juniper").await;
        harness
            .sandbox
            .invalidate("instagram", "juniper", Some(subcode))
            .unwrap();
        let me = harness.graph_with_token("/v25.0/me", &token).await;
        assert_eq!(error_codes(&me), (190, u64::from(subcode)));
        assert!(
            me.header("www-authenticate")
                .unwrap()
                .contains("\"invalid_token\"")
        );
        assert_eq!(
            error_codes(&harness.fb_long_lived(&token).await),
            (190, u64::from(subcode))
        );
        assert_eq!(
            harness.debug_token(&token).await["error"]["subcode"],
            subcode
        );
    }
    assert!(
        harness
            .sandbox
            .invalidate("instagram", "juniper", Some(461))
            .is_err()
    );
}

#[tokio::test]
async fn checkpoint_is_recoverable_and_password_change_is_not() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    for (subcode, is_recoverable) in [(459, true), (464, true), (460, false)] {
        harness
            .sandbox
            .invalidate("instagram", "juniper", Some(subcode))
            .unwrap();
        harness
            .sandbox
            .invalidate("instagram", "juniper", None)
            .unwrap();
        let me = harness.graph_with_token("/v25.0/me", &token).await;
        assert_eq!(me.status.is_success(), is_recoverable, "{subcode}");
    }
}

/// Removes the app as the token's owner; a `DELETE` of all permissions.
async fn remove_app(harness: &Harness, token: &str) -> Response {
    let path = format!("/facebook/graph/v25.0/me/permissions?access_token={token}");
    harness.delete(&path).await
}

#[tokio::test]
async fn removing_the_app_invalidates_all_tokens_of_that_person_only() {
    let harness = Harness::new();
    let (first, second, other_person) = (
        harness.fb_connect("juniper").await,
        harness.fb_connect("juniper").await,
        harness.fb_connect("wren").await,
    );
    let response = remove_app(&harness, &first).await;
    assert_eq!(
        (response.status, response.json()),
        (StatusCode::OK, json!({ "success": true }))
    );
    for token in [&first, &second] {
        let me = harness.graph_with_token("/v25.0/me", token).await;
        assert_eq!(error_codes(&me), (190, 458));
    }
    let again = remove_app(&harness, &first).await;
    assert_eq!(error_codes(&again), (190, 458));
    let me = harness.graph_with_token("/v25.0/me", &other_person).await;
    assert_eq!(me.status, StatusCode::OK);
    let reconnected = harness.fb_connect("juniper").await;
    let me = harness.graph_with_token("/v25.0/me", &reconnected).await;
    assert_eq!(me.status, StatusCode::OK);
}

#[tokio::test]
async fn revocation_can_return_a_bare_true_as_in_older_versions() {
    let harness = Harness::new();
    harness.set_switch("instagram", Switch::RevokeReply(RevokeReply::True));
    let token = harness.fb_connect("juniper").await;
    let response = harness
        .delete(&format!(
            "/facebook/graph/v25.0/10150000000000001/permissions?access_token={token}"
        ))
        .await;
    assert_eq!(response.body, "true");
    assert_eq!(
        error_codes(&harness.graph_with_token("/v25.0/me", &token).await),
        (190, 458)
    );
}

#[tokio::test]
async fn single_permission_can_be_revoked() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    harness
        .delete(&format!(
            "/facebook/graph/v25.0/me/permissions/instagram_basic?access_token={token}"
        ))
        .await;
    assert_eq!(
        error_codes(
            &harness
                .graph_with_token(&format!("/v25.0/{JUNIPER}"), &token)
                .await
        ),
        (10, 0)
    );
    assert_eq!(
        harness.graph_with_token("/v25.0/me", &token).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn app_removal_in_the_settings_has_subcode_458() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    assert_eq!(
        harness.sandbox.revoke_user("instagram", "juniper").unwrap(),
        1
    );
    assert_eq!(
        error_codes(&harness.graph_with_token("/v25.0/me", &token).await),
        (190, 458)
    );
}

#[tokio::test]
async fn data_access_ends_after_90_days_while_the_token_is_valid() {
    let harness = Harness::new();
    let first = harness.fb_connect("juniper").await;
    harness.sandbox.advance_seconds(50 * 86_400);
    let token = harness.fb_long_lived(&first).await.text("access_token");
    harness.sandbox.advance_seconds(41 * 86_400);
    assert_eq!(harness.debug_token(&token).await["is_valid"], true);
    let read = harness
        .graph_with_token(&format!("/v25.0/{JUNIPER}"), &token)
        .await;
    assert_eq!(error_codes(&read), (10, 0));
}
