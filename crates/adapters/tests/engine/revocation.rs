//! Revocation requests: the tokens sent, and their order.

use evergrant_adapters::{HeldTokens, RemoteRevocation};
use evergrant_model::AccessToken;

use crate::support::{FakePlatform, acme, held_tokens, reddit, response};

#[tokio::test]
async fn reddit_revocation_sends_the_refresh_token() {
    for status in [200, 204] {
        let platform = FakePlatform::responding_with(response(status, "")).await;
        let outcome = reddit(&platform.base)
            .revoke_access(&held_tokens("a", "r"))
            .await
            .unwrap();
        assert_eq!(outcome, RemoteRevocation::Revoked);
        let request = platform.only_request();
        assert_eq!(request.uri.path(), "/api/v1/revoke_token");
        assert_eq!(
            (request.field("token"), request.field("token_type_hint")),
            ("r", "refresh_token")
        );
        assert!(request.header("authorization").starts_with("Basic "));
    }
}

#[tokio::test]
async fn revocation_sends_the_refresh_token_before_the_access_token() {
    let platform = FakePlatform::responding_with(response(200, "")).await;
    let adapter = acme(&platform.base, "");
    adapter.revoke_access(&held_tokens("a", "r")).await.unwrap();
    let only_access = HeldTokens {
        access: Some(AccessToken::new("b")),
        refresh: None,
    };
    reddit(&platform.base)
        .revoke_access(&only_access)
        .await
        .unwrap();
    let sent: Vec<String> = platform
        .requests()
        .iter()
        .map(|request| request.field("token").to_owned())
        .collect();
    assert_eq!(sent, ["r", "a", "b"]);
    let nothing = HeldTokens {
        access: None,
        refresh: None,
    };
    assert_eq!(
        adapter.revoke_access(&nothing).await.unwrap(),
        RemoteRevocation::Unsupported
    );
}

#[tokio::test]
async fn revoking_an_ended_grant_succeeds() {
    for body in [
        r#"{"error":"invalid_token"}"#,
        r#"{"error":"invalid_grant"}"#,
    ] {
        let platform = FakePlatform::responding_with(response(400, body)).await;
        let outcome = acme(&platform.base, "")
            .revoke_access(&held_tokens("a", "r"))
            .await
            .unwrap();
        assert_eq!(outcome, RemoteRevocation::Revoked, "{body}");
    }
    let platform =
        FakePlatform::responding_with(response(400, r#"{"error":"unsupported_token_type"}"#)).await;
    let outcome = acme(&platform.base, "")
        .revoke_access(&held_tokens("a", "r"))
        .await
        .unwrap();
    assert_eq!(outcome, RemoteRevocation::Unsupported);
}
