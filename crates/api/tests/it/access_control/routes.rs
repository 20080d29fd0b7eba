//! The table of routes and the credentials they require, compared with the OpenAPI document.

use std::collections::BTreeSet;

use axum::http::Method;
use evergrant_service::KeyScope;
use serde_json::{Value, json};

use crate::caller::{Caller, Credential};
use crate::harness::JUNIPER;
use crate::response::TestResponse;

/// A route and the credential that it requires.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// JSON body, or empty.
    pub(super) body: &'static str,
    /// Scope that an API key needs.
    pub(super) scope: KeyScope,
    /// Whether a session token is accepted.
    pub(super) browser: bool,
    /// Whether the route acts for a user, whom an API key must name.
    pub(super) user: bool,
}

const fn route(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    scope: KeyScope,
) -> Route {
    Route {
        method,
        path,
        body,
        scope,
        browser: true,
        user: true,
    }
}

impl Route {
    /// Accepts API keys only.
    const fn api_key_only(self) -> Self {
        Self {
            browser: false,
            ..self
        }
    }

    /// Does not act for a user.
    const fn without_user(self) -> Self {
        Self {
            user: false,
            ..self
        }
    }

    pub(super) fn method(&self) -> Method {
        self.method.parse().unwrap()
    }

    /// Returns the path with parameters of a connected account, an unknown flow and user 1.
    pub(super) fn concrete(&self) -> String {
        let path = self
            .path
            .replace("{provider}", "reddit")
            .replace("{accountId}", JUNIPER);
        path.replace("{flowId}", "f00").replace("{userId}", "1")
    }
}

/// Routes for browsers without a credential: the OAuth callback, forms, portal links and images.
pub(super) const OPEN: [&str; 6] = [
    "GET /api/integrations/callback/{provider}",
    "GET /connect/{provider}",
    "POST /connect/{provider}",
    "POST /connect/{provider}/choose",
    "GET /portal/{code}",
    "GET /images/{signature}/{target}",
];

/// Routes that accept only the console's cookie, tested in `console/`.
pub(super) const CONSOLE: [&str; 3] = [
    "GET /console/session",
    "POST /console/session",
    "DELETE /console/session",
];

/// All other routes of the OpenAPI document.
pub(super) const ROUTES: [Route; 19] = [
    route(
        "GET",
        "/api/integrations/status",
        "",
        KeyScope::ConnectionsRead,
    ),
    route(
        "GET",
        "/api/integrations/providers",
        "",
        KeyScope::ConnectionsRead,
    )
    .without_user(),
    route(
        "POST",
        "/api/integrations/connect/{provider}",
        "{}",
        KeyScope::ConnectionsWrite,
    ),
    route(
        "POST",
        "/api/integrations/callback/{provider}",
        r#"{"state":"s"}"#,
        KeyScope::ConnectionsWrite,
    )
    .api_key_only()
    .without_user(),
    route(
        "GET",
        "/api/integrations/flows/{flowId}",
        "",
        KeyScope::ConnectionsRead,
    ),
    route(
        "POST",
        "/api/integrations/flows/{flowId}/accounts",
        r#"{"verifier":"v","receipt":"r"}"#,
        KeyScope::ConnectionsWrite,
    ),
    route(
        "POST",
        "/api/integrations/flows/{flowId}/finish",
        r#"{"verifier":"v","receipt":"r"}"#,
        KeyScope::ConnectionsWrite,
    ),
    route(
        "POST",
        "/api/integrations/flows/{flowId}/credentials",
        r#"{"values":{}}"#,
        KeyScope::ConnectionsWrite,
    ),
    route(
        "DELETE",
        "/api/integrations/disconnect/{provider}/{accountId}",
        "",
        KeyScope::ConnectionsWrite,
    ),
    route(
        "POST",
        "/api/integrations/refresh/{provider}/{accountId}",
        "",
        KeyScope::ConnectionsWrite,
    ),
    route(
        "GET",
        "/api/integrations/events",
        "",
        KeyScope::ConnectionsRead,
    ),
    route(
        "GET",
        "/api/integrations/token/{provider}/{accountId}",
        "",
        KeyScope::TokensRead,
    )
    .api_key_only(),
    route(
        "POST",
        "/api/integrations/tokens",
        r#"{"accounts":[{"provider":"reddit","accountId":"sim9z"}]}"#,
        KeyScope::TokensRead,
    )
    .api_key_only(),
    route(
        "POST",
        "/api/integrations/report-401",
        r#"{"provider":"reddit","accountId":"sim9z","accessToken":"t"}"#,
        KeyScope::TokensRead,
    )
    .api_key_only(),
    route("POST", "/api/users", "{}", KeyScope::UsersWrite)
        .api_key_only()
        .without_user(),
    route("GET", "/api/users/{userId}", "", KeyScope::UsersWrite)
        .api_key_only()
        .without_user(),
    route("DELETE", "/api/users/{userId}", "", KeyScope::UsersWrite)
        .api_key_only()
        .without_user(),
    route(
        "POST",
        "/api/sessions",
        r#"{"userId":1}"#,
        KeyScope::ConnectionsWrite,
    )
    .api_key_only()
    .without_user(),
    route("DELETE", "/api/sessions", "", KeyScope::ConnectionsWrite),
];

/// Sends the route's method and body to `path` as `caller`.
pub(super) async fn send<C: Credential>(
    caller: &Caller<'_, C>,
    route: &Route,
    path: &str,
) -> TestResponse {
    let request = caller.request(route.method(), path);
    if route.body.is_empty() {
        request.send().await
    } else {
        request.json(route.body).send().await
    }
}

#[tokio::test]
async fn route_table_lists_every_documented_route() {
    let document: Value = serde_json::from_str(&evergrant_api::openapi_json()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        documented.extend(
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    for open in OPEN.iter().chain(&CONSOLE) {
        assert!(documented.remove(*open), "{open}");
    }
    let listed = ROUTES
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(documented, listed);
}

#[test]
fn document_declares_credentials_and_user_header() {
    let document: Value = serde_json::from_str(&evergrant_api::openapi_json()).unwrap();
    for route in &ROUTES {
        let place = format!("{} {}", route.method, route.path);
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        let user = operation["parameters"].as_array().into_iter().flatten();
        let user = user
            .clone()
            .find(|parameter| parameter["name"] == "Evergrant-User");
        // A browser acts for its own user, so the header is required with API keys only.
        let required = user.map(|user| user["required"] == true);
        assert_eq!(required, route.user.then_some(!route.browser), "{place}");
        assert_eq!(operation["security"], credentials(route), "{place}");
    }
    let credentials_of = |place: &str| {
        let (method, path) = place.split_once(' ').unwrap();
        document["paths"][path][method.to_lowercase()]["security"].clone()
    };
    for place in OPEN {
        assert_eq!(credentials_of(place), json!([{}]), "{place}");
    }
    for place in CONSOLE {
        let method = place.split(' ').next().unwrap();
        assert_eq!(credentials_of(place), json!([cookie(method)]), "{place}");
    }
}

/// Returns the credentials that the document must declare for a route.
fn credentials(route: &Route) -> Value {
    let key = json!({"apiKey": [route.scope.as_str()]});
    match (route.path, route.browser) {
        // A form of the platform needs no credential; JSON does.
        ("/api/integrations/callback/{provider}", _) => json!([{}, key]),
        (_, true) => json!([key, {"session": []}, cookie(route.method)]),
        (_, false) => json!([key]),
    }
}

/// Returns the console's cookie, with the CSRF token that unsafe methods require.
fn cookie(method: &str) -> Value {
    if method == "GET" {
        json!({"console": []})
    } else {
        json!({"console": [], "csrf": []})
    }
}
