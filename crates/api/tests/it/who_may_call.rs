//! Every route against every kind of caller: who is refused, and that a refusal tells nothing.

use std::collections::BTreeSet;

use axum::http::Method;
use evergrant_service::KeyScope;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::caller::{Caller, Credential};
use crate::stand::{JUNIPER, Stand, call};

/// A route and what its callers need.
struct Route {
    method: &'static str,
    path: &'static str,
    body: &'static str,
    scope: KeyScope,
    browser: bool,
    /// Whether it acts for a user, whom an API key must name.
    user: bool,
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
    const fn server_only(self) -> Self {
        Self {
            browser: false,
            ..self
        }
    }

    const fn for_nobody(self) -> Self {
        Self {
            user: false,
            ..self
        }
    }

    fn method(&self) -> Method {
        self.method.parse().unwrap()
    }

    /// The path with an account, a flow and a user in it.
    fn concrete(&self) -> String {
        let path = self
            .path
            .replace("{provider}", "reddit")
            .replace("{accountId}", JUNIPER);
        path.replace("{flowId}", "f00").replace("{userId}", "1")
    }
}

/// What browsers without any credential come to: the way back from a platform, and our own forms.
const OPEN: [&str; 6] = [
    "GET /api/integrations/callback/{provider}",
    "GET /connect/{provider}",
    "POST /connect/{provider}",
    "POST /connect/{provider}/choose",
    "GET /portal/{code}",
    "GET /images/{signature}/{target}",
];

/// For the console's cookie alone: see `console.rs`.
const CONSOLE: [&str; 3] = [
    "GET /console/session",
    "POST /console/session",
    "DELETE /console/session",
];

/// Every other route of the document.
const ROUTES: [Route; 18] = [
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
    .for_nobody(),
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
    .server_only()
    .for_nobody(),
    route(
        "GET",
        "/api/integrations/flows/{flowId}",
        "",
        KeyScope::ConnectionsRead,
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
    .server_only(),
    route(
        "POST",
        "/api/integrations/tokens",
        r#"{"accounts":[{"provider":"reddit","accountId":"sim9z"}]}"#,
        KeyScope::TokensRead,
    )
    .server_only(),
    route(
        "POST",
        "/api/integrations/report-401",
        r#"{"provider":"reddit","accountId":"sim9z","accessToken":"t"}"#,
        KeyScope::TokensRead,
    )
    .server_only(),
    route("POST", "/api/users", "{}", KeyScope::UsersWrite)
        .server_only()
        .for_nobody(),
    route("GET", "/api/users/{userId}", "", KeyScope::UsersWrite)
        .server_only()
        .for_nobody(),
    route("DELETE", "/api/users/{userId}", "", KeyScope::UsersWrite)
        .server_only()
        .for_nobody(),
    route(
        "POST",
        "/api/sessions",
        r#"{"userId":1}"#,
        KeyScope::ConnectionsWrite,
    )
    .server_only()
    .for_nobody(),
    route("DELETE", "/api/sessions", "", KeyScope::ConnectionsWrite),
];

/// Sends the route's request as `caller`, to the concrete path or another one.
async fn ask<Who: Credential>(caller: &Caller<'_, Who>, route: &Route, path: &str) -> Answer {
    let ask = caller.ask(route.method(), path);
    if route.body.is_empty() {
        ask.send().await
    } else {
        ask.json(route.body).send().await
    }
}

fn all_but(scope: KeyScope) -> Vec<KeyScope> {
    KeyScope::ALL
        .iter()
        .copied()
        .filter(|other| *other != scope)
        .collect()
}

#[tokio::test]
async fn the_table_above_has_every_route_of_the_document() {
    let document: Value = serde_json::from_str(&evergrant_api::openapi_json()).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        described.extend(
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    for open in OPEN.iter().chain(&CONSOLE) {
        assert!(described.remove(*open), "{open}");
    }
    let here = ROUTES
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(described, here);
}

#[test]
fn the_document_says_who_may_call_and_where_a_key_names_the_user() {
    let document: Value = serde_json::from_str(&evergrant_api::openapi_json()).unwrap();
    for route in &ROUTES {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        let parameters = operation["parameters"].as_array();
        let names_user = parameters
            .into_iter()
            .flatten()
            .any(|parameter| parameter["name"] == "Evergrant-User");
        assert_eq!(names_user, route.user, "{} {}", route.method, route.path);
        let security = if operation["security"].is_null() {
            &document["security"]
        } else {
            &operation["security"]
        };
        assert_eq!(
            security.to_string().contains("session"),
            route.browser,
            "{} {}",
            route.method,
            route.path
        );
    }
}

#[tokio::test]
async fn no_credential_is_401_everywhere_with_the_same_body() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let before = stand.stored().await;
    for route in &ROUTES {
        let answer = ask(&stand.anonymous(), route, &route.concrete()).await;
        insta::allow_duplicates! {
            assert_snapshot!(answer, @r#"
            401 Unauthorized
            content-type: application/problem+json
            cache-control: no-store
            www-authenticate: Bearer

            {
              "code": "UNAUTHENTICATED",
              "correlationId": "[correlationId]",
              "detail": "A valid API key or session token is needed.",
              "retryable": false,
              "status": 401,
              "title": "Unauthenticated",
              "type": "/errors#UNAUTHENTICATED"
            }
            "#);
        }
    }
    assert_eq!(stand.stored().await, before);
}

#[tokio::test]
async fn every_bad_credential_is_answered_as_none_is() {
    let stand = Stand::new().await;
    let refused = stand
        .anonymous()
        .get("/api/integrations/status")
        .await
        .anonymous();
    for credentials in bad_credentials(&stand).await {
        for route in &ROUTES {
            let mut ask = stand
                .anonymous()
                .ask(route.method(), &route.concrete())
                .with("evergrant-user", "1");
            for credential in &credentials {
                ask = ask.with("authorization", credential);
            }
            let ask = if route.body.is_empty() {
                ask
            } else {
                ask.json(route.body)
            };
            assert_eq!(
                ask.send().await.anonymous(),
                refused,
                "{credentials:?} on {}",
                route.path
            );
        }
    }
}

/// The `Authorization` headers of somebody who may not.
async fn bad_credentials(stand: &Stand) -> Vec<Vec<String>> {
    let good = stand.app().await.key().to_owned();
    let revoked = stand
        .service
        .api_keys()
        .create(&call(), "revoked", &[])
        .await
        .unwrap();
    assert!(
        stand
            .service
            .api_keys()
            .revoke(&call(), &revoked.stored)
            .await
            .unwrap()
    );
    let revoked = secrecy::ExposeSecret::expose_secret(&revoked.secret).to_owned();
    let ended = stand.browser(1).await;
    assert_eq!(ended.delete("/api/sessions").await.status, 200);
    let over = stand.browser(1).await;
    stand.clock.advance_seconds(901);
    let last = if good.ends_with('A') { 'B' } else { 'A' };
    let changed = format!("{}{last}", &good[..good.len() - 1]);
    let mut all: Vec<_> = [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer evg_",
        "Bearer evs_",
        "Basic dXNlcjpwYXNz",
        "Bearer null",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    ]
    .map(|text| vec![text.to_owned()])
    .to_vec();
    all.push(vec![good.clone()]);
    all.push(vec![format!("Basic {good}")]);
    all.push(vec![format!("Bearer {good} {good}")]);
    all.push(vec![format!("Bearer {}", good.to_uppercase())]);
    for text in [&changed, &revoked, ended.session(), over.session()] {
        all.push(vec![format!("Bearer {text}")]);
    }
    all.push(vec![format!("Bearer {good}"), format!("Bearer {good}")]);
    all
}

#[tokio::test]
async fn a_key_without_the_scope_and_a_browser_at_the_servers_routes_get_the_same_403() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let before = stand.stored().await;
    let browser = stand.browser(1).await;
    for route in &ROUTES {
        let app = stand.app_with(&all_but(route.scope)).await.for_user("1");
        let mut answers = vec![ask(&app, route, &route.concrete()).await];
        if !route.browser {
            answers.push(ask(&browser, route, &route.concrete()).await);
        }
        for answer in answers {
            insta::allow_duplicates! {
                assert_snapshot!(answer, @r#"
                403 Forbidden
                content-type: application/problem+json
                cache-control: no-store

                {
                  "code": "FORBIDDEN",
                  "correlationId": "[correlationId]",
                  "detail": "This credential may not do that.",
                  "retryable": false,
                  "status": 403,
                  "title": "Forbidden",
                  "type": "/errors#FORBIDDEN"
                }
                "#);
            }
        }
    }
    let after = stand.stored().await;
    assert_eq!(after["oauth_accounts"], before["oauth_accounts"]);
    assert_eq!(after["evergrant_flows"], before["evergrant_flows"]);
    assert_eq!(after["users"], before["users"]);
}

#[tokio::test]
async fn the_one_scope_is_enough() {
    for route in &ROUTES {
        let stand = Stand::new().await;
        stand.connect(1, "juniper").await;
        let answer = ask(
            &stand.app_with(&[route.scope]).await.for_user("1"),
            route,
            &route.concrete(),
        )
        .await;
        assert!(
            ![401, 403].contains(&answer.status.as_u16()),
            "{}: {answer}",
            route.path
        );
        if route.browser {
            let answer = ask(&stand.browser(1).await, route, &route.concrete()).await;
            assert!(
                ![401, 403].contains(&answer.status.as_u16()),
                "{}: {answer}",
                route.path
            );
        }
    }
}

#[tokio::test]
async fn an_admin_key_reads_no_token() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let admin = stand.app_with(&[KeyScope::Admin]).await.for_user("1");
    for route in &ROUTES {
        assert_eq!(
            ask(&admin, route, &route.concrete()).await.refusal(),
            (403, "FORBIDDEN".to_owned())
        );
    }
}

#[tokio::test]
async fn another_users_account_is_answered_as_an_unknown_one() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let (before, calls) = (stand.stored().await, stand.platform_calls());
    let (app, browser) = (stand.app_for(2).await, stand.browser(2).await);
    for route in ROUTES
        .iter()
        .filter(|route| route.path.contains("{accountId}"))
    {
        let unknown = route.concrete().replace(JUNIPER, "nobody");
        let mut pairs = vec![(
            ask(&app, route, &route.concrete()).await,
            ask(&app, route, &unknown).await,
        )];
        if route.browser {
            pairs.push((
                ask(&browser, route, &route.concrete()).await,
                ask(&browser, route, &unknown).await,
            ));
        }
        for (foreign, unknown) in pairs {
            assert_eq!(
                foreign.refusal(),
                (404, "ACCOUNT_NOT_FOUND".to_owned()),
                "{}",
                route.path
            );
            assert_eq!(foreign.anonymous(), unknown.anonymous(), "{}", route.path);
        }
    }
    let batch = app
        .post(
            "/api/integrations/tokens",
            json!({"accounts": [{"provider": "reddit", "accountId": JUNIPER}]}),
        )
        .await;
    assert_eq!(
        batch.json()["tokens"][0]["error"]["code"],
        "ACCOUNT_NOT_FOUND"
    );
    let report = json!({"provider": "reddit", "accountId": JUNIPER, "accessToken": "t"});
    let report = app.post("/api/integrations/report-401", report).await;
    assert_eq!(report.refusal(), (404, "ACCOUNT_NOT_FOUND".to_owned()));
    let reconnect = app
        .post(
            "/api/integrations/connect/reddit",
            json!({"accountId": JUNIPER}),
        )
        .await;
    assert_eq!(reconnect.refusal(), (404, "ACCOUNT_NOT_FOUND".to_owned()));
    let after = stand.stored().await;
    assert_eq!(
        (
            &after["oauth_accounts"],
            &after["evergrant_flows"],
            stand.platform_calls()
        ),
        (&before["oauth_accounts"], &before["evergrant_flows"], calls)
    );
}

#[tokio::test]
async fn another_users_flow_is_answered_as_an_unknown_one() {
    let stand = Stand::new().await;
    let flow = stand.begin(1, "reddit", json!({})).await.text("flowId");
    let (app, browser) = (stand.app_for(2).await, stand.browser(2).await);
    for route in ROUTES
        .iter()
        .filter(|route| route.path.contains("{flowId}"))
    {
        let theirs = route.path.replace("{flowId}", &flow);
        for (foreign, unknown) in [
            (
                ask(&app, route, &theirs).await,
                ask(&app, route, &route.concrete()).await,
            ),
            (
                ask(&browser, route, &theirs).await,
                ask(&browser, route, &route.concrete()).await,
            ),
        ] {
            assert_eq!(
                foreign.refusal(),
                (404, "FLOW_NOT_FOUND".to_owned()),
                "{}",
                route.path
            );
            assert_eq!(foreign.anonymous(), unknown.anonymous(), "{}", route.path);
        }
    }
}

#[tokio::test]
async fn an_unknown_user_is_404_and_is_not_made() {
    let stand = Stand::new().await;
    let before = stand.stored().await;
    for user in ["99", "ext:nobody"] {
        let app = stand.app().await.for_user(user);
        for route in ROUTES.iter().filter(|route| route.user) {
            let answer = ask(&app, route, &route.concrete()).await;
            let about_a_flow = route.path.contains("{flowId}") && user == "99";
            let code = if about_a_flow {
                "FLOW_NOT_FOUND"
            } else {
                "USER_NOT_FOUND"
            };
            assert_eq!(
                answer.refusal(),
                (404, code.to_owned()),
                "{user} on {}",
                route.path
            );
        }
    }
    assert_eq!(stand.stored().await, before);
}

const INSANE_USERS: [&str; 17] = [
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
async fn whoever_names_no_sane_user_is_told_what_one_looks_like() {
    let stand = Stand::new().await;
    let long = format!("ext:{}", "x".repeat(256));
    for user in INSANE_USERS.into_iter().chain([long.as_str()]) {
        let app = stand.app().await.for_user(user);
        for route in ROUTES.iter().filter(|route| route.user) {
            let answer = ask(&app, route, &route.concrete()).await;
            assert_eq!(
                answer.refusal(),
                (400, "INVALID_USER_ID".to_owned()),
                "{user:?} on {}",
                route.path
            );
        }
    }
    let app = stand.app().await;
    let none = app.get("/api/integrations/status").await;
    let two = app
        .ask(Method::GET, "/api/integrations/status")
        .with("evergrant-user", "1")
        .with("evergrant-user", "2");
    assert_eq!(none.anonymous(), two.send().await.anonymous());
    assert_snapshot!(none, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "INVALID_USER_ID",
      "correlationId": "[correlationId]",
      "detail": "Say whom this is for: one Evergrant-User header with a user id, or ext: and your own id.",
      "retryable": false,
      "status": 400,
      "title": "Invalid user id",
      "type": "/errors#INVALID_USER_ID"
    }
    "#);
}
