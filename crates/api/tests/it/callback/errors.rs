//! Errors of the provider, and the error page.

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::callback::{CALLBACK, exchanges, query_param_names};
use crate::harness::Harness;

/// Values of `error` and `error_description` that must not reach a redirect or a page.
const HOSTILE_ERRORS: [&str; 7] = [
    "<script>alert(1)</script>",
    "a&status=connected&accountId=x",
    "a&success=true#",
    "x\r\nSet-Cookie: hush=1",
    "x\0y",
    "access_denied\r\nLocation: https://evil.example",
    "\u{202e}hush",
];

/// Returns the path of a callback with this error.
fn error_callback(state: &str, error: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("state", state),
            ("error", error),
            ("error_description", error),
        ])
        .finish();
    format!("{CALLBACK}?{query}")
}

#[tokio::test]
async fn item_11_provider_error_text_is_not_echoed_in_redirect() {
    let harness = Harness::new().await;
    for error in HOSTILE_ERRORS {
        let started = harness.start_flow(1, "reddit", json!({})).await;
        let path = error_callback(&started.text("state"), error);
        let redirect = harness.anonymous().get(&path).await;
        assert_eq!(
            query_param_names(&redirect),
            ["integration", "status", "code", "correlationId"],
            "{error:?}"
        );
        assert_eq!(
            redirect.query_param("code").as_deref(),
            Some("OAUTH_CALLBACK_ERROR"),
            "{error:?}"
        );
        for part in [
            "script",
            "Set-Cookie",
            "evil",
            "hush",
            "success",
            "access",
            "ACCESS",
        ] {
            assert!(
                !redirect.full_text().contains(part),
                "{error:?}: {redirect}"
            );
        }
    }
    assert_eq!(exchanges(&harness), 0);
    assert!(harness.stored().await["oauth_accounts"].is_empty());
}

#[tokio::test]
async fn item_11_provider_error_text_is_not_echoed_in_page() {
    let harness = Harness::new().await;
    for error in HOSTILE_ERRORS {
        let page = harness.anonymous().get(&error_callback("x", error)).await;
        assert!(page.status == 400 && page.is_page(), "{page}");
        assert!(
            !page.body.contains("alert") && !page.body.contains("hush"),
            "{page}"
        );
    }
}

#[tokio::test]
async fn user_who_declines_in_the_words_of_another_platform_gets_denied() {
    let harness = Harness::new().await;
    for (query, code) in [
        (
            "error=user_cancelled_login&error_description=x",
            "OAUTH_DENIED",
        ),
        ("error=user_cancelled_authorize", "OAUTH_DENIED"),
        ("error_code=200&error_reason=user_denied", "OAUTH_DENIED"),
        (
            "error_code=200&error_message=x&error_message=y",
            "OAUTH_CALLBACK_ERROR",
        ),
        ("error_reason=x", "OAUTH_CALLBACK_ERROR"),
    ] {
        let started = harness.start_flow(1, "reddit", json!({})).await;
        let path = format!("{CALLBACK}?state={}&{query}", started.text("state"));
        let redirect = harness.anonymous().get(&path).await;
        assert_eq!(
            redirect.query_param("code").as_deref(),
            Some(code),
            "{query}"
        );
    }
}

#[tokio::test]
async fn error_page_has_strict_content_security_policy() {
    let harness = Harness::new().await;
    let page = harness
        .anonymous()
        .get(&format!("{CALLBACK}?state=x"))
        .await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(
        page.body.contains(page.header("x-request-id").unwrap()),
        "the page shows the request id"
    );
    assert!(!page.body.contains("<script"), "{page}");
    let way_back = "https://app.example/settings";
    assert!(!page.body.replace(way_back, "").contains("http"), "{page}");
    assert_eq!(
        page.header("cross-origin-opener-policy"),
        None,
        "the header would disconnect the app's pop-up"
    );
}

#[tokio::test]
async fn accept_json_returns_problem_instead_of_page() {
    let harness = Harness::new().await;
    let request = harness
        .anonymous()
        .request(Method::GET, &format!("{CALLBACK}?state=x"));
    assert_snapshot!(request.header("accept", "application/json").send().await.problem_summary(), @"
    400 INVALID_STATE
    retryable: false
    detail: This sign-in link is invalid, expired or already used. Please start again.
    ");
}
