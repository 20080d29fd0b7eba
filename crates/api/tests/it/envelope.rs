//! What lies around every answer: its id, its headers, and a problem document for whatever no
//! handler sees.
//!
//! The headers that every answer owes are checked by `Answer` itself, for each request of each
//! test.

use axum::Router;
use axum::http::Method;
use axum::routing::get;
use evergrant_api::Console;
use insta::assert_snapshot;

use crate::stand::Stand;

const STATUS: &str = "/api/integrations/status";

#[tokio::test]
async fn item_46_keeps_a_sane_request_id() {
    let stand = Stand::new().await;
    for sane in ["a", "A-b_9", &"x".repeat(64)] {
        let answer = stand
            .anonymous()
            .ask(Method::GET, STATUS)
            .with("x-request-id", sane)
            .send()
            .await;
        assert_eq!(answer.header("x-request-id"), Some(sane));
        assert_eq!(answer.text("correlationId"), sane);
    }
}

#[tokio::test]
async fn item_46_replaces_any_other_by_one_of_its_own() {
    let stand = Stand::new().await;
    for odd in [
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
        let answer = stand
            .anonymous()
            .ask(Method::GET, STATUS)
            .with("x-request-id", odd)
            .send()
            .await;
        let id = answer.header("x-request-id").unwrap();
        assert!(
            id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            "{odd:?}: {id}"
        );
    }
    let line_ends = axum::http::HeaderValue::from_bytes(b"a\r\nSet-Cookie: x");
    assert!(
        line_ends.is_err(),
        "a header with a line end never reaches us"
    );
}

#[tokio::test]
async fn item_67_ids_of_its_own_differ() {
    let stand = Stand::new().await;
    let (first, second) = (
        stand.anonymous().get(STATUS).await,
        stand.anonymous().get(STATUS).await,
    );
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    let stand = Stand::new().await;
    assert_snapshot!(stand.anonymous().get("/api/integrations/nothing").await, @r#"
    404 Not Found
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "NOT_FOUND",
      "correlationId": "[correlationId]",
      "detail": "There is no such route; /docs lists them.",
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
            stand.app_for(1).await.get(path).await.refusal(),
            (404, "NOT_FOUND".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn item_51_an_undocumented_method_is_405_and_the_allowed_ones_are_named() {
    let stand = Stand::new().await;
    assert_snapshot!(stand.anonymous().delete(STATUS).await, @r#"
    405 Method Not Allowed
    content-type: application/problem+json
    cache-control: no-store
    allow: GET,HEAD

    {
      "code": "METHOD_NOT_ALLOWED",
      "correlationId": "[correlationId]",
      "detail": "This route does not know that method; /docs lists them.",
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
        for (path, allowed) in [
            (STATUS, "GET,HEAD"),
            ("/api/integrations/connect/reddit", "POST"),
            ("/api/integrations/callback/reddit", "GET,HEAD,POST"),
            ("/api/users/1", "GET,HEAD,DELETE"),
            ("/openapi.json", "GET,HEAD"),
        ] {
            let answer = stand
                .app_for(1)
                .await
                .ask(method.clone(), path)
                .send()
                .await;
            assert_eq!(
                answer.refusal(),
                (405, "METHOD_NOT_ALLOWED".to_owned()),
                "{method} {path}"
            );
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_a_body() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    let (whole, head) = (
        app.get(STATUS).await,
        app.ask(Method::HEAD, STATUS).send().await,
    );
    assert_eq!(
        (head.status, head.header("etag"), head.body.as_str()),
        (whole.status, whole.header("etag"), "")
    );
    assert_eq!(app.ask(Method::HEAD, "/api/users").send().await.status, 405);
}

async fn stops_in_the_middle() -> String {
    panic!("hush: a secret")
}

#[tokio::test]
async fn item_63_a_panic_is_500_with_nothing_but_code_and_id() {
    let pages = Router::new().route("/", get(stops_in_the_middle));
    let stand = Stand::new().await.with_console(Console {
        pages,
        people: Vec::new(),
    });
    let answer = stand.anonymous().get("/").await;
    assert!(!answer.whole().contains("hush"), "{answer}");
    assert_snapshot!(answer, @r#"
    500 Internal Server Error
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "INTERNAL_ERROR",
      "correlationId": "[correlationId]",
      "retryable": true,
      "status": 500,
      "title": "Internal error",
      "type": "/errors#INTERNAL_ERROR"
    }
    "#);
    assert_eq!(
        stand.app_for(1).await.get(STATUS).await.status,
        200,
        "the next request is served"
    );
}

#[tokio::test]
async fn item_60_forwarding_headers_change_nothing() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    let path = "/api/integrations/connect/reddit";
    let ask = app
        .ask(Method::POST, path)
        .with("x-forwarded-host", "evil.example")
        .with("x-forwarded-proto", "gopher");
    let answer = ask
        .with("forwarded", "host=evil.example")
        .with("host", "evil.example")
        .send()
        .await;
    assert!(
        answer.status == 200 && !answer.whole().contains("evil"),
        "{answer}"
    );
}
