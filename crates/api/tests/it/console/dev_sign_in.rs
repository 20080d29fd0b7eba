//! The console's pages, and the automatic sign-in that only `evergrant dev` has.

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use evergrant_api::Console;
use serde_json::json;

use crate::console::{SESSION, Visitor};
use crate::harness::Harness;
use crate::response::TestResponse;

/// Opens the console's start page under its own host name, without a cookie.
async fn open_console(harness: &Harness) -> TestResponse {
    harness
        .anonymous()
        .request(Method::GET, "/")
        .header("host", "localhost:8080")
        .send()
        .await
}

/// Returns a console that signs in one of these users automatically, as `evergrant dev` does.
fn console(dev_users: &[i64]) -> Console {
    let dev_users = dev_users
        .iter()
        .map(|number| (*number).try_into().unwrap())
        .collect();
    let page = || async { axum::response::Html("<body>the console") };
    let pages = Router::new()
        .route("/", get(page))
        .route("/assets/a.js", get(page));
    Console {
        pages: pages.fallback(async || evergrant_api::route_not_found()),
        dev_users,
    }
}

#[tokio::test]
async fn production_console_does_not_switch_users() {
    let harness = Harness::new().await.with_console(console(&[]));
    let visitor = Visitor::signed_in(&harness, 1).await;
    let csrf = visitor.csrf().await;
    let request = harness
        .anonymous()
        .request(Method::POST, SESSION)
        .header("cookie", &visitor.cookie)
        .header("x-csrf-token", &csrf);
    assert_eq!(
        request.json(r#"{"userId":2}"#).send().await.problem(),
        "403 FORBIDDEN"
    );
    let page = open_console(&harness).await;
    assert_eq!(
        (page.status, page.header("set-cookie")),
        (StatusCode::OK, None)
    );
}

#[tokio::test]
async fn dev_console_signs_in_first_user() {
    let harness = Harness::new().await.with_console(console(&[2, 1]));
    let visitor = Visitor::from_response(&harness, &open_console(&harness).await);
    let session = visitor.get(SESSION).await.json();
    assert_eq!(
        (&session["user"]["id"], &session["dev"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(session["people"].as_array().unwrap().len(), 2);
    let second_visit = visitor
        .request(Method::GET, "/")
        .header("host", "localhost:8080");
    assert_eq!(
        second_visit.send().await.header("set-cookie"),
        None,
        "an existing session is kept"
    );
}

#[tokio::test]
async fn dev_console_switches_between_its_users() {
    let harness = Harness::new().await.with_console(console(&[2, 1]));
    let visitor = Visitor::from_response(&harness, &open_console(&harness).await);
    let csrf = visitor.csrf().await;
    let switch_to = |user: i32| {
        visitor
            .request(Method::POST, SESSION)
            .header("x-csrf-token", &csrf)
            .json(&json!({"userId": user}).to_string())
            .send()
    };
    assert_eq!(switch_to(3).await.problem(), "422 VALIDATION_ERROR");
    let switched = switch_to(1).await;
    assert_eq!(switched.json()["user"]["id"], 1);
    let switched_visitor = Visitor::from_response(&harness, &switched);
    assert_eq!(switched_visitor.csrf().await, switched.text("csrfToken"));
    assert_eq!(
        visitor.get(SESSION).await.status,
        StatusCode::UNAUTHORIZED,
        "the old session has ended"
    );
}

#[tokio::test]
async fn dev_console_signs_in_on_its_own_host_only() {
    let harness = Harness::new().await.with_console(console(&[1]));
    for host in [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1:8080",
        "localhost",
        "localhost:8081",
    ] {
        let response = harness
            .anonymous()
            .request(Method::GET, "/?a=b")
            .header("host", host)
            .send()
            .await;
        assert_eq!(
            (response.status, response.header("set-cookie")),
            (StatusCode::SEE_OTHER, None),
            "{host}"
        );
        assert_eq!(
            response.header("location"),
            Some("http://localhost:8080/?a=b"),
            "{host}"
        );
    }
    for path in ["/assets/a.js", "/nowhere", "/api/nowhere"] {
        let response = harness
            .anonymous()
            .request(Method::GET, path)
            .header("host", "localhost:8080")
            .send()
            .await;
        assert_eq!(response.header("set-cookie"), None, "{path}");
    }
}

#[tokio::test]
async fn console_pages_do_not_shadow_api_paths() {
    let harness = Harness::new().await.with_console(Console {
        pages: Router::new().fallback(async || "a page"),
        ..Console::default()
    });
    assert_eq!(
        harness.anonymous().get("/integrations").await.body,
        "a page"
    );
    for path in [
        "/api",
        "/api/nowhere",
        "/console/x",
        "/errors/x",
        "/images/x",
        "/portal",
        "/openapi.json/x",
        "/connect",
    ] {
        assert_eq!(
            harness.anonymous().get(path).await.problem(),
            "404 NOT_FOUND",
            "{path}"
        );
    }
}
