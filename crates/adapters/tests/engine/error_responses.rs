//! Classification of error responses and of unreadable responses.

use std::fmt::Write;

use evergrant_adapters::{CodeExchange, ErrorClass, RemoteRevocation};
use evergrant_model::{AccessToken, ScopeSet, SignedDuration, StatusReason};

use crate::support::{FakePlatform, acme, code, held_tokens, reddit, response};

#[tokio::test]
async fn invalid_grant_with_status_200_requires_reauth() {
    let platform =
        FakePlatform::responding_with(response(200, r#"{"error":"invalid_grant"}"#)).await;
    let code = code();
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: "https://app.example/cb",
        verifier: None,
    };
    let error = reddit(&platform.base)
        .exchange_code_for_token(&exchange)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::NeedsReauth);
    assert_eq!(
        (error.http_status(), error.provider_code()),
        (Some(200), Some("invalid_grant"))
    );
    assert_eq!(platform.requests().len(), 1, "a code is sent only once");
}

#[tokio::test]
async fn reddit_400_on_refresh_ends_the_grant_after_confirmation() {
    for body in [
        r#"{"error":400}"#,
        r#"{"message":"Bad Request","error":400}"#,
        r#"{"error":"invalid_request"}"#,
    ] {
        let platform = FakePlatform::responding_with(response(400, body)).await;
        let error = reddit(&platform.base)
            .refresh_access_token(&held_tokens("a", "r"))
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::NeedsReauth, "{body}");
        assert!(error.needs_confirmation() && !error.is_known_unprocessed());
        assert_eq!(error.reason(), Some(StatusReason::RefreshTokenInvalid));
    }
}

#[tokio::test]
async fn status_200_without_a_valid_token_is_unknown() {
    let platform = FakePlatform::responding_with(response(200, "")).await;
    for body in [
        "",
        "{}",
        "<html>welcome</html>",
        "access_token=a&access_token=b",
        "access_token=a b",
        r#"{"access_token":"a""#,
        r#"{"access_token":""}"#,
        r#"{"access_token":null,"refresh_token":"r"}"#,
        r#"{"access_token":"a","access_token":"b"}"#,
        r#"[{"access_token":"a"},{}]"#,
    ] {
        platform.respond_with(response(200, body));
        let error = reddit(&platform.base)
            .refresh_access_token(&held_tokens("a", "r"))
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Unknown, "{body}");
        assert!(!error.is_known_unprocessed(), "{body}");
        assert_eq!(error.http_status(), Some(200), "{body}");
    }
}

#[tokio::test]
async fn html_page_does_not_confirm_a_revocation() {
    let platform =
        FakePlatform::responding_with(response(200, "<!doctype html><title>Log in</title>")).await;
    let error = reddit(&platform.base)
        .revoke_access(&held_tokens("a", "r"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unknown);
}

#[tokio::test]
async fn empty_response_confirms_a_revocation_with_any_content_type() {
    let platform = FakePlatform::responding_with(
        response(200, "").header("content-type", "text/html; charset=utf-8"),
    )
    .await;
    let outcome = acme(&platform.base, "")
        .revoke_access(&held_tokens("a", "r"))
        .await
        .unwrap();
    assert_eq!(outcome, RemoteRevocation::Revoked);
}

#[tokio::test]
async fn expired_access_token_is_distinguished_from_missing_scope() {
    let platform =
        FakePlatform::responding_with(response(401, r#"{"message":"Unauthorized","error":401}"#))
            .await;
    let expired = reddit(&platform.base)
        .user_profile(&AccessToken::new("a"), &ScopeSet::default())
        .await
        .unwrap_err();
    assert_eq!(expired.class(), ErrorClass::TokenExpired);
    let challenge = r#"Bearer realm="reddit", error="insufficient_scope""#;
    platform.respond_with(
        response(403, r#"{"message":"Forbidden","error":403}"#)
            .header("www-authenticate", challenge),
    );
    let missing_scope = reddit(&platform.base)
        .user_profile(&AccessToken::new("a"), &ScopeSet::default())
        .await
        .unwrap_err();
    assert_eq!(
        (missing_scope.class(), missing_scope.reason()),
        (ErrorClass::ScopeMissing, Some(StatusReason::ScopeMissing))
    );
}

#[tokio::test]
async fn rate_limited_call_returns_the_retry_after_seconds() {
    let platform =
        FakePlatform::responding_with(response(429, "").header("retry-after", "7")).await;
    let error = acme(&platform.base, "")
        .refresh_access_token(&held_tokens("a", "r"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), error.retry_after()),
        (ErrorClass::RateLimited, Some(SignedDuration::from_secs(7)))
    );
    assert!(error.is_known_unprocessed());
}

#[tokio::test]
async fn errors_and_specs_contain_no_secret_url_or_body() {
    let platform = FakePlatform::responding_with(response(500, "hush-body")).await;
    let adapter = acme(&platform.base, "");
    let mut shown = format!("{:?}", adapter.spec());
    let code = code();
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: "https://app.example/cb",
        verifier: None,
    };
    let stored = held_tokens("hush-access", "hush-refresh");
    for error in [
        adapter
            .exchange_code_for_token(&exchange)
            .await
            .unwrap_err(),
        adapter.refresh_access_token(&stored).await.unwrap_err(),
        adapter
            .user_profile(&AccessToken::new("hush-access"), &ScopeSet::default())
            .await
            .unwrap_err(),
        adapter.revoke_access(&stored).await.unwrap_err(),
    ] {
        assert!(!format!("{error} {error:?}").contains(&platform.base));
        write!(shown, "{error} {error:?}").unwrap();
    }
    assert!(
        !shown.contains("hush") && !shown.contains("s3cret"),
        "{shown}"
    );
}
