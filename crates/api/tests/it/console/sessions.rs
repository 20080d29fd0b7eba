//! The session cookie and its CSRF token.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::console::{SESSION, STATUS, Visitor};
use crate::harness::{CHALLENGE, Harness, JUNIPER};

#[tokio::test]
async fn session_route_returns_signed_in_user() {
    let harness = Harness::new().await;
    let visitor = Visitor::signed_in(&harness, 2).await;
    let session = visitor.get(SESSION).await;
    let session = session.json();
    assert_eq!(
        session["user"],
        json!({"id": 2, "name": null, "email": null, "externalId": "ext/2 é"})
    );
    assert_eq!(
        (&session["people"], &session["dev"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(session["expiresAt"], "2026-01-01T12:00:00.000Z");
    for cookie in [
        "",
        "evergrant-8080=",
        "evergrant-8080=evc_none",
        "__Host-evergrant=x",
    ] {
        let response = harness
            .anonymous()
            .request(Method::GET, SESSION)
            .header("cookie", cookie)
            .send()
            .await;
        assert_eq!(response.problem(), "401 UNAUTHENTICATED", "{cookie}");
    }
}

#[tokio::test]
async fn cookie_grants_browser_routes_but_never_tokens() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let visitor = Visitor::signed_in(&harness, 1).await;
    assert_eq!(
        visitor.get(STATUS).await.json()["integrations"][0]["providerAccountId"],
        JUNIPER
    );
    assert_eq!(
        visitor.get("/api/integrations/events").await.status,
        StatusCode::OK
    );
    let csrf = visitor.csrf().await;
    let request = harness
        .anonymous()
        .request(Method::POST, "/api/integrations/connect/reddit")
        .header("cookie", &visitor.cookie);
    let started = request
        .header("x-csrf-token", &csrf)
        .json(&json!({"challenge": CHALLENGE}).to_string())
        .send()
        .await;
    assert_eq!(started.status, StatusCode::OK, "{started}");
    let token = visitor
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    assert_eq!(token.problem(), "403 FORBIDDEN");
    let other = Visitor::signed_in(&harness, 2).await;
    assert_eq!(other.get(STATUS).await.json()["integrations"], json!([]));
}

/// Requests that the console sends to change something.
fn changing_requests() -> [(Method, String); 7] {
    [
        (Method::POST, "/api/integrations/connect/reddit".to_owned()),
        (
            Method::POST,
            format!("/api/integrations/refresh/reddit/{JUNIPER}"),
        ),
        (
            Method::DELETE,
            format!("/api/integrations/disconnect/reddit/{JUNIPER}"),
        ),
        (
            Method::POST,
            "/api/integrations/flows/f00/finish".to_owned(),
        ),
        (Method::DELETE, "/api/sessions".to_owned()),
        (Method::POST, SESSION.to_owned()),
        (Method::DELETE, SESSION.to_owned()),
    ]
}

#[tokio::test]
async fn item_30_state_change_requires_csrf_token_of_session() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let (visitor, other) = (
        Visitor::signed_in(&harness, 1).await,
        Visitor::signed_in(&harness, 1).await,
    );
    let (csrf, other_csrf) = (visitor.csrf().await, other.csrf().await);
    let before = harness.stored().await;
    let changes = changing_requests();
    for (method, path) in &changes {
        for token in [None, Some(""), Some("x"), Some(other_csrf.as_str())] {
            let response = visitor.send(method.clone(), path, token).await;
            assert_eq!(
                response.problem(),
                "403 FORBIDDEN",
                "{method} {path} {token:?}"
            );
        }
        let repeated = visitor
            .request(method.clone(), path)
            .header("x-csrf-token", &csrf)
            .header("x-csrf-token", &csrf);
        let status = repeated.send().await.status;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    assert_eq!(harness.stored().await, before);
    let (method, path) = &changes[1];
    assert_eq!(
        visitor.send(method.clone(), path, Some(&csrf)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn cookie_is_ignored_if_authorization_header_is_present() {
    let harness = Harness::new().await;
    let visitor = Visitor::signed_in(&harness, 1).await;
    for credential in ["Bearer nonsense", "Basic eA==", ""] {
        let request = harness
            .anonymous()
            .request(Method::GET, STATUS)
            .header("cookie", &visitor.cookie);
        assert_eq!(
            request
                .header("authorization", credential)
                .send()
                .await
                .status,
            StatusCode::UNAUTHORIZED,
            "{credential}"
        );
    }
}

#[tokio::test]
async fn item_30_sign_out_ends_session_on_server() {
    let harness = Harness::new().await;
    let visitor = Visitor::signed_in(&harness, 1).await;
    let sign_out = visitor
        .send(Method::DELETE, SESSION, Some(&visitor.csrf().await))
        .await;
    assert_eq!(sign_out.status, StatusCode::NO_CONTENT);
    assert_eq!(
        sign_out.header("set-cookie"),
        Some("evergrant-8080=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    );
    assert_eq!(visitor.get(STATUS).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn item_30_background_polling_does_not_extend_session() {
    let polled = [
        "/api/integrations/events",
        STATUS,
        "/api/integrations/providers",
    ]
    .map(|path| (path, 401));
    for (path, status_after) in polled.into_iter().chain([("/console/session", 200)]) {
        let harness = Harness::new().await;
        let visitor = Visitor::signed_in(&harness, 1).await;
        harness.clock.advance_seconds(59 * 60);
        assert_eq!(visitor.get(path).await.status, StatusCode::OK, "{path}");
        harness.clock.advance_seconds(60);
        assert_eq!(visitor.get(path).await.status, status_after, "{path}");
    }
}
