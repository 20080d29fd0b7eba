//! Refreshes, revocations and the contents of errors.

use evergrant_adapters::{ErrorClass, HeldTokens, RemoteRevocation};
use evergrant_model::{AccessToken, ScopeSet, StatusReason};

use super::{TOKENS, access_only, graph, instagram};
use crate::support::{FakePlatform, response};

#[tokio::test]
async fn refresh_exchanges_the_access_token_and_may_return_the_same_one() {
    let platform = graph().await;
    let tokens = instagram(&platform.base)
        .refresh_access_token(&access_only("EAAsimlong"))
        .await
        .unwrap();
    assert_eq!(
        platform.requested_routes(),
        [TOKENS, "GET /debug_token"],
        "debug_token returns the end of the data access"
    );
    let request = &platform.requests()[0];
    assert_eq!(request.query("grant_type"), "fb_exchange_token");
    assert_eq!(
        (request.query("fb_exchange_token"), tokens.access.expose()),
        ("EAAsimlong".to_owned(), "EAAsimlong")
    );
    let no_tokens = HeldTokens {
        access: None,
        refresh: None,
    };
    let error = instagram(&platform.base)
        .refresh_access_token(&no_tokens)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::NeedsReauth);
}

#[tokio::test]
async fn removed_app_is_distinguished_from_an_expired_session() {
    for (subcode, reason) in [
        (458, StatusReason::RevokedByUser),
        (463, StatusReason::SessionEnded),
    ] {
        let platform = graph().await;
        let body =
            format!(r#"{{"error":{{"code":190,"error_subcode":{subcode},"message":"sim"}}}}"#);
        platform.respond_at(TOKENS, response(400, &body));
        platform.respond_at("grant_type=fb_exchange_token", response(400, &body));
        let error = instagram(&platform.base)
            .refresh_access_token(&access_only("EAAsimlong"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.reason()),
            (ErrorClass::NeedsReauth, Some(reason))
        );
    }
}

#[tokio::test]
async fn errors_contain_no_token_secret_or_host() {
    let platform = FakePlatform::responding_with(response(500, "EAAsimtoken123")).await;
    for base in [platform.base.as_str(), "http://127.0.0.1:1"] {
        let adapter = instagram(base);
        let stored = access_only("EAAsimtoken123");
        for error in [
            adapter.refresh_access_token(&stored).await.unwrap_err(),
            adapter
                .user_profile(&AccessToken::new("EAAsimtoken123"), &ScopeSet::default())
                .await
                .unwrap_err(),
            adapter.revoke_access(&stored).await.unwrap_err(),
        ] {
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("EAAsim")
                    && !shown.contains("secret")
                    && !shown.contains("127.0.0.1"),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn revocation_deletes_the_permissions() {
    for (status, body, outcome) in [
        (200, r#"{"success":true}"#, Some(RemoteRevocation::Revoked)),
        (200, "true", Some(RemoteRevocation::Revoked)),
        (
            400,
            r#"{"error":{"code":190,"error_subcode":458}}"#,
            Some(RemoteRevocation::Revoked),
        ),
        (
            400,
            r#"{"error":{"code":190}}"#,
            Some(RemoteRevocation::Revoked),
        ),
        (200, r#"{"success":false}"#, None),
        (200, "false", None),
        (200, "<html>true", None),
        (500, r#"{"error":{"code":2}}"#, None),
        (400, r#"{"error":{"code":190,"error_subcode":459}}"#, None),
    ] {
        let platform = graph().await;
        platform.respond_at("DELETE /v25.0/me/permissions", response(status, body));
        let revoked = instagram(&platform.base)
            .revoke_access(&access_only("EAAsimtoken123"))
            .await;
        assert_eq!(revoked.ok(), outcome, "{status} {body}");
        let request = platform.only_request();
        assert_eq!(request.route(), "DELETE /v25.0/me/permissions");
        assert_eq!(request.query("access_token"), "EAAsimtoken123");
        assert_eq!(request.query("appsecret_proof").len(), 64);
    }
}
