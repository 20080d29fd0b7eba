//! What is made of refusals and of answers that say nothing.

use std::fmt::Write;

use evergrant_adapters::{CodeExchange, ErrorClass, RemoteRevocation};
use evergrant_model::{AccessToken, ScopeSet, StatusReason};

use crate::support::{Platform, acme, code, held, reddit, told};

#[tokio::test]
async fn a_refused_code_is_recognised_in_a_200() {
    let platform = Platform::telling(told(200, r#"{"error":"invalid_grant"}"#)).await;
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
    assert_eq!(platform.seen().len(), 1, "a code is sent once");
}

#[tokio::test]
async fn reddits_400_on_a_refresh_ends_the_grant_once_it_is_confirmed() {
    for body in [
        r#"{"error":400}"#,
        r#"{"message":"Bad Request","error":400}"#,
        r#"{"error":"invalid_request"}"#,
    ] {
        let platform = Platform::telling(told(400, body)).await;
        let error = reddit(&platform.base)
            .refresh_access_token(&held("a", "r"))
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::NeedsReauth, "{body}");
        assert!(error.needs_confirmation() && !error.is_surely_unprocessed());
        assert_eq!(error.reason(), Some(StatusReason::RefreshTokenInvalid));
    }
}

#[tokio::test]
async fn a_200_without_a_readable_token_says_nothing() {
    let platform = Platform::telling(told(200, "")).await;
    for body in [
        "",
        "{}",
        "<html>welcome</html>",
        "access_token=a&token_type=bearer",
        r#"{"access_token":"a""#,
        r#"{"access_token":""}"#,
        r#"{"access_token":null,"refresh_token":"r"}"#,
        r#"{"access_token":"a","access_token":"b"}"#,
        r#"[{"access_token":"a"}]"#,
    ] {
        platform.tell(told(200, body));
        let error = reddit(&platform.base)
            .refresh_access_token(&held("a", "r"))
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Unknown, "{body}");
        assert!(!error.is_surely_unprocessed(), "{body}");
        assert_eq!(error.http_status(), Some(200), "{body}");
    }
}

#[tokio::test]
async fn a_page_for_people_does_not_confirm_a_revocation() {
    let platform = Platform::telling(told(200, "<!doctype html><title>Log in</title>")).await;
    let error = reddit(&platform.base)
        .revoke_access(&held("a", "r"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unknown);
}

#[tokio::test]
async fn an_empty_answer_confirms_a_revocation_whatever_it_is_declared_as() {
    let platform =
        Platform::telling(told(200, "").with("content-type", "text/html; charset=utf-8")).await;
    let outcome = acme(&platform.base, "")
        .revoke_access(&held("a", "r"))
        .await
        .unwrap();
    assert_eq!(outcome, RemoteRevocation::Revoked);
}

#[tokio::test]
async fn an_ended_access_token_is_told_from_a_missing_scope() {
    let platform = Platform::telling(told(401, r#"{"message":"Unauthorized","error":401}"#)).await;
    let ended = reddit(&platform.base)
        .user_profile(&AccessToken::new("a"), &ScopeSet::default())
        .await
        .unwrap_err();
    assert_eq!(ended.class(), ErrorClass::TokenExpired);
    let challenge = r#"Bearer realm="reddit", error="insufficient_scope""#;
    platform.tell(
        told(403, r#"{"message":"Forbidden","error":403}"#).with("www-authenticate", challenge),
    );
    let lacking = reddit(&platform.base)
        .user_profile(&AccessToken::new("a"), &ScopeSet::default())
        .await
        .unwrap_err();
    assert_eq!(
        (lacking.class(), lacking.reason()),
        (ErrorClass::ScopeMissing, Some(StatusReason::ScopeMissing))
    );
}

#[tokio::test]
async fn a_throttled_call_says_when_to_come_back() {
    let platform = Platform::telling(told(429, "").with("retry-after", "7")).await;
    let error = acme(&platform.base, "")
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), error.retry_after_seconds()),
        (ErrorClass::RateLimited, Some(7))
    );
    assert!(error.is_surely_unprocessed());
}

#[tokio::test]
async fn no_secret_address_or_body_is_in_any_error_or_spec() {
    let platform = Platform::telling(told(500, "hush-body")).await;
    let adapter = acme(&platform.base, "");
    let mut shown = format!("{:?}", adapter.spec());
    let code = code();
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: "https://app.example/cb",
        verifier: None,
    };
    let held = held("hush-access", "hush-refresh");
    for error in [
        adapter
            .exchange_code_for_token(&exchange)
            .await
            .unwrap_err(),
        adapter.refresh_access_token(&held).await.unwrap_err(),
        adapter
            .user_profile(&AccessToken::new("hush-access"), &ScopeSet::default())
            .await
            .unwrap_err(),
        adapter.revoke_access(&held).await.unwrap_err(),
    ] {
        assert!(!format!("{error} {error:?}").contains(&platform.base));
        write!(shown, "{error} {error:?}").unwrap();
    }
    assert!(
        !shown.contains("hush") && !shown.contains("s3cret"),
        "{shown}"
    );
}
