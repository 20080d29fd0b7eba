//! CORS: disabled by default, and limited to the configured origins without credentials (item 55).

use axum::http::Method;
use insta::assert_snapshot;

use crate::error_log::ErrorLog;
use crate::harness::Harness;
use crate::response::TestResponse;

const STATUS: &str = "/api/integrations/status";

/// Returns the response's CORS headers, one a line.
fn cors_headers(response: &TestResponse) -> String {
    let mut lines: Vec<_> = response
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("access-control") || name.as_str() == "vary")
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines.join("\n")
}

async fn preflight(harness: &Harness, origin: &str) -> TestResponse {
    let request = harness
        .anonymous()
        .request(Method::OPTIONS, STATUS)
        .header("origin", origin);
    request
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .send()
        .await
}

async fn get(harness: &Harness, origin: &str) -> TestResponse {
    harness
        .browser(1)
        .await
        .request(Method::GET, STATUS)
        .header("origin", origin)
        .send()
        .await
}

#[tokio::test]
async fn cors_is_disabled_without_allowed_origins() {
    let harness = Harness::new().await;
    assert_eq!(
        cors_headers(&get(&harness, "https://app.example").await),
        ""
    );
    let response = preflight(&harness, "https://app.example").await;
    assert_eq!(
        (response.status.as_u16(), cors_headers(&response).as_str()),
        (405, "")
    );
}

#[tokio::test]
async fn allowed_origins_may_call_without_cookies() {
    let harness = Harness::new()
        .await
        .with_origins(&["https://app.example", "http://localhost:3000/"]);
    assert_snapshot!(cors_headers(&preflight(&harness, "https://app.example").await), @"
    access-control-allow-headers: authorization,content-type,if-none-match,last-event-id,evergrant-user,x-request-id
    access-control-allow-methods: GET,POST,DELETE
    access-control-allow-origin: https://app.example
    access-control-max-age: 600
    vary: origin
    ");
    assert_snapshot!(cors_headers(&get(&harness, "http://localhost:3000").await), @"
    access-control-allow-origin: http://localhost:3000
    access-control-expose-headers: etag,retry-after,x-request-id
    vary: origin
    ");
    let unauthenticated = harness
        .anonymous()
        .request(Method::GET, STATUS)
        .header("origin", "https://app.example")
        .send()
        .await;
    assert!(
        unauthenticated.status == 401
            && cors_headers(&unauthenticated).contains("allow-origin: https://app.example"),
        "{unauthenticated}"
    );
}

#[tokio::test]
async fn other_and_null_origins_are_not_allowed() {
    let configured = [
        "https://app.example",
        "null",
        "*",
        "data:text/html,x",
        "file:///x",
        "app.example",
    ];
    let harness = Harness::new().await.with_origins(&configured);
    for origin in [
        "null",
        "*",
        "https://evil.example",
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example/",
        "HTTPS://APP.EXAMPLE",
        "file://",
        "",
    ] {
        for response in [
            preflight(&harness, origin).await,
            get(&harness, origin).await,
        ] {
            let headers = cors_headers(&response);
            assert!(
                !headers.contains("allow-origin") && !headers.contains("credentials"),
                "{origin}: {headers}"
            );
            assert!(headers.contains("vary:"), "{origin}: {headers}");
        }
    }
}

#[tokio::test]
async fn origin_that_is_not_allowed_is_logged_once_with_its_setting() {
    let harness = Harness::new().await.with_origins(&["https://app.example"]);
    let log = ErrorLog::start();
    for origin in [
        "https://other.example",
        "https://other.example",
        "https://app.example",
        "null",
    ] {
        preflight(&harness, origin).await;
    }
    let refused = log.lines_with("EVERGRANT_ALLOWED_ORIGINS");
    assert_eq!(refused.len(), 1, "{refused:#?}");
    assert!(refused[0].contains("https://other.example"), "{refused:#?}");
}
