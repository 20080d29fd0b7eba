//! Behavior common to all routes: request ids, headers, and problem documents for requests that
//! reach no handler.
//!
//! `TestResponse` checks the headers that every response must have, in every test.

use axum::Router;
use axum::http::Method;
use axum::routing::get;
use evergrant_api::Console;
use insta::assert_snapshot;

use crate::harness::Harness;

const STATUS: &str = "/api/integrations/status";

/// Routes and the `Allow` header of their 405 responses.
const ALLOWED_METHODS: [(&str, &str); 5] = [
    (STATUS, "GET,HEAD"),
    ("/api/integrations/connect/reddit", "POST"),
    ("/api/integrations/callback/reddit", "GET,HEAD,POST"),
    ("/api/users/1", "GET,HEAD,DELETE"),
    ("/openapi.json", "GET,HEAD"),
];

#[tokio::test]
async fn item_46_valid_request_id_is_kept() {
    let harness = Harness::new().await;
    for valid in ["a", "A-b_9", &"x".repeat(64)] {
        let response = harness
            .anonymous()
            .request(Method::GET, STATUS)
            .header("x-request-id", valid)
            .send()
            .await;
        assert_eq!(response.header("x-request-id"), Some(valid));
        assert_eq!(response.text("correlationId"), valid);
    }
}

#[tokio::test]
async fn item_46_invalid_request_id_is_replaced() {
    let harness = Harness::new().await;
    for invalid in [
        "",
        " ",
        "a b",
        "a.b",
        "a;b",
        "a\tb",
        "é",
        "\u{2028}",
        "{{7*7}}",
        "<script>",
        "%0d%0aSet-Cookie:x",
        &"x".repeat(65),
    ] {
        let response = harness
            .anonymous()
            .request(Method::GET, STATUS)
            .header("x-request-id", invalid)
            .send()
            .await;
        let id = response.header("x-request-id").unwrap();
        assert!(
            id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            "{invalid:?}: {id}"
        );
    }
    let line_break = axum::http::HeaderValue::from_bytes(b"a\r\nSet-Cookie: x");
    assert!(
        line_break.is_err(),
        "a header value cannot contain a line break"
    );
}

#[tokio::test]
async fn item_67_generated_request_ids_differ() {
    let harness = Harness::new().await;
    let (first, second) = (
        harness.anonymous().get(STATUS).await,
        harness.anonymous().get(STATUS).await,
    );
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[tokio::test]
async fn unknown_route_returns_problem() {
    let harness = Harness::new().await;
    assert_snapshot!(harness.anonymous().get("/api/integrations/nothing").await, @r#"
    404 Not Found
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "NOT_FOUND",
      "correlationId": "[correlationId]",
      "detail": "No such route. The OpenAPI document lists all routes.",
      "retryable": false,
      "status": 404,
      "title": "Not found",
      "type": "/errors#NOT_FOUND"
    }
    "#);
    for path in [
        "/api",
        "/api/integrations/status/",
        "/API/integrations/status",
        "//api/integrations/status",
        "/api/integrations/token/reddit",
        "/api/integrations/token/reddit/a/b",
        "/api/../api/integrations/status",
        "/.env",
        "/docs/../../etc/passwd",
    ] {
        assert_eq!(
            harness.app_for(1).await.get(path).await.problem(),
            "404 NOT_FOUND",
            "{path}"
        );
    }
}

#[tokio::test]
async fn item_51_unsupported_method_is_405_with_allow_header() {
    let harness = Harness::new().await;
    assert_snapshot!(harness.anonymous().delete(STATUS).await, @r#"
    405 Method Not Allowed
    content-type: application/problem+json
    cache-control: no-store
    allow: GET,HEAD

    {
      "code": "METHOD_NOT_ALLOWED",
      "correlationId": "[correlationId]",
      "detail": "This route does not support the method. See the Allow header for those it supports.",
      "retryable": false,
      "status": 405,
      "title": "Method not allowed",
      "type": "/errors#METHOD_NOT_ALLOWED"
    }
    "#);
    let other = [
        "TRACE", "PUT", "PATCH", "OPTIONS", "CONNECT", "PROPFIND", "get",
    ];
    for method in other.map(|name| Method::from_bytes(name.as_bytes()).unwrap()) {
        for (path, allowed) in ALLOWED_METHODS {
            let response = harness
                .app_for(1)
                .await
                .request(method.clone(), path)
                .send()
                .await;
            assert_eq!(
                response.problem(),
                "405 METHOD_NOT_ALLOWED",
                "{method} {path}"
            );
            assert_eq!(response.header("allow"), Some(allowed), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn head_returns_headers_of_get_without_body() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    let (get, head) = (
        app.get(STATUS).await,
        app.request(Method::HEAD, STATUS).send().await,
    );
    assert_eq!(
        (head.status, head.header("etag"), head.body.as_str()),
        (get.status, get.header("etag"), "")
    );
    assert_eq!(
        app.request(Method::HEAD, "/api/users").send().await.status,
        405
    );
}

async fn panicking_handler() -> String {
    panic!("hush: a secret")
}

#[tokio::test]
async fn item_63_panic_is_500_with_code_and_id_only() {
    let pages = Router::new().route("/", get(panicking_handler));
    let harness = Harness::new().await.with_console(Console {
        pages,
        dev_users: Vec::new(),
    });
    let response = harness.anonymous().get("/").await;
    assert!(!response.full_text().contains("hush"), "{response}");
    assert_snapshot!(response, @r#"
    500 Internal Server Error
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "INTERNAL_ERROR",
      "correlationId": "[correlationId]",
      "retryable": false,
      "status": 500,
      "title": "Internal error",
      "type": "/errors#INTERNAL_ERROR"
    }
    "#);
    assert_eq!(
        harness.app_for(1).await.get(STATUS).await.status,
        200,
        "later requests are served"
    );
}

#[tokio::test]
async fn item_60_forwarding_headers_are_ignored() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    let path = "/api/integrations/connect/reddit";
    let request = app
        .request(Method::POST, path)
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "gopher");
    let response = request
        .header("forwarded", "host=evil.example")
        .header("host", "evil.example")
        .send()
        .await;
    assert!(
        response.status == 200 && !response.full_text().contains("evil"),
        "{response}"
    );
}
