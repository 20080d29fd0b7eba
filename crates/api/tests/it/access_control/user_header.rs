//! The `Evergrant-User` header: unknown, missing and malformed users.

use axum::http::Method;
use insta::assert_snapshot;

use crate::access_control::routes::{ROUTES, send};
use crate::harness::Harness;

#[tokio::test]
async fn unknown_user_is_404_and_not_created() {
    let harness = Harness::new().await;
    let before = harness.stored().await;
    for user in ["99", "ext:unknown"] {
        let app = harness.app().await.for_user(user);
        for route in ROUTES.iter().filter(|route| route.user) {
            let response = send(&app, route, &route.concrete()).await;
            let is_flow_route = route.path.contains("{flowId}") && user == "99";
            let code = if is_flow_route {
                "FLOW_NOT_FOUND"
            } else {
                "USER_NOT_FOUND"
            };
            assert_eq!(
                response.problem(),
                format!("404 {code}"),
                "{user} on {}",
                route.path
            );
        }
    }
    assert_eq!(harness.stored().await, before);
}

/// Values that name neither a user id nor an external id.
const MALFORMED_USERS: [&str; 17] = [
    "",
    "0",
    "-1",
    "+1",
    "01",
    "1.0",
    "1e3",
    "one",
    "2147483648",
    "99999999999999999999",
    "1,2",
    "1 OR 1=1",
    "ext:",
    "ext:%00",
    "ext:%0d%0a",
    "ext:%ff",
    "é",
];

#[tokio::test]
async fn missing_or_malformed_user_header_is_400() {
    let harness = Harness::new().await;
    let long = format!("ext:{}", "x".repeat(256));
    for user in MALFORMED_USERS.into_iter().chain([long.as_str()]) {
        let app = harness.app().await.for_user(user);
        for route in ROUTES.iter().filter(|route| route.user) {
            let response = send(&app, route, &route.concrete()).await;
            assert_eq!(
                response.problem(),
                "400 INVALID_USER_ID",
                "{user:?} on {}",
                route.path
            );
        }
    }
    let app = harness.app().await;
    let none = app.get("/api/integrations/status").await;
    let two = app
        .request(Method::GET, "/api/integrations/status")
        .header("evergrant-user", "1")
        .header("evergrant-user", "2");
    assert_eq!(
        none.without_request_id(),
        two.send().await.without_request_id()
    );
    assert_snapshot!(none.problem_summary(), @"
    400 INVALID_USER_ID
    retryable: false
    detail: Send one Evergrant-User header with a user id, or with ext: and your own id for the user.
    ");
}

#[tokio::test]
async fn malformed_user_header_of_a_browser_is_400() {
    let harness = Harness::new().await;
    let browser = harness.browser(1).await;
    for user in MALFORMED_USERS {
        let request = browser.request(Method::GET, "/api/integrations/status");
        let response = request.header("evergrant-user", user).send().await;
        assert_eq!(response.problem(), "400 INVALID_USER_ID", "{user:?}");
    }
}
