//! CORS: off unless origins are named, then for those alone and never with credentials (item 55).

use axum::http::Method;
use insta::assert_snapshot;

use crate::answer::Answer;
use crate::stand::Stand;

const STATUS: &str = "/api/integrations/status";

/// The answer's CORS headers, one a line.
fn shared_with(answer: &Answer) -> String {
    let mut lines: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("access-control") || name.as_str() == "vary")
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines.join("\n")
}

async fn preflight(stand: &Stand, origin: &str) -> Answer {
    let ask = stand
        .anonymous()
        .ask(Method::OPTIONS, STATUS)
        .with("origin", origin);
    ask.with("access-control-request-method", "GET")
        .with("access-control-request-headers", "authorization")
        .send()
        .await
}

async fn get(stand: &Stand, origin: &str) -> Answer {
    stand
        .browser(1)
        .await
        .ask(Method::GET, STATUS)
        .with("origin", origin)
        .send()
        .await
}

#[tokio::test]
async fn is_off_unless_origins_are_named() {
    let stand = Stand::new().await;
    assert_eq!(shared_with(&get(&stand, "https://app.example").await), "");
    let answer = preflight(&stand, "https://app.example").await;
    assert_eq!(
        (answer.status.as_u16(), shared_with(&answer).as_str()),
        (405, "")
    );
}

#[tokio::test]
async fn named_origins_may_call_without_credentials_of_the_browsers_own() {
    let stand = Stand::new()
        .await
        .with_origins(&["https://app.example", "http://localhost:3000/"]);
    assert_snapshot!(shared_with(&preflight(&stand, "https://app.example").await), @"
    access-control-allow-headers: authorization,content-type,if-none-match,last-event-id,evergrant-user,x-request-id
    access-control-allow-methods: GET,POST,DELETE
    access-control-allow-origin: https://app.example
    access-control-max-age: 600
    vary: origin
    ");
    assert_snapshot!(shared_with(&get(&stand, "http://localhost:3000").await), @"
    access-control-allow-origin: http://localhost:3000
    access-control-expose-headers: etag,retry-after,x-request-id
    vary: origin
    ");
    let refused = stand
        .anonymous()
        .ask(Method::GET, STATUS)
        .with("origin", "https://app.example")
        .send()
        .await;
    assert!(
        refused.status == 401
            && shared_with(&refused).contains("allow-origin: https://app.example"),
        "{refused}"
    );
}

#[tokio::test]
async fn no_other_origin_may_and_null_least_of_all() {
    let named = [
        "https://app.example",
        "null",
        "*",
        "data:text/html,x",
        "file:///x",
        "app.example",
    ];
    let stand = Stand::new().await.with_origins(&named);
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
        for answer in [preflight(&stand, origin).await, get(&stand, origin).await] {
            let headers = shared_with(&answer);
            assert!(
                !headers.contains("allow-origin") && !headers.contains("credentials"),
                "{origin}: {headers}"
            );
            assert!(headers.contains("vary:"), "{origin}: {headers}");
        }
    }
}
