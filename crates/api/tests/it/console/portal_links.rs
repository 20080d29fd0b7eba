//! `GET /portal/{code}`

use axum::http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::json;

use crate::console::{SESSION, Visitor, portal_link};
use crate::harness::Harness;

#[tokio::test]
async fn portal_link_signs_in_once() {
    let harness = Harness::new().await;
    let link = portal_link(&harness, 1).await;
    let opened = harness.anonymous().get(&link).await;
    assert_snapshot!(opened, @r"
    303 See Other
    cache-control: no-store
    location: /integrations
    ");
    let cookie = opened.header("set-cookie").unwrap();
    assert!(cookie.starts_with("evergrant-8080=evc_"), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let again = harness.anonymous().get(&link).await;
    assert_eq!(
        (again.status, again.is_page(), again.header("set-cookie")),
        (StatusCode::GONE, true, None)
    );
}

#[tokio::test]
async fn prefetch_and_head_do_not_use_up_portal_link() {
    let harness = Harness::new().await;
    let link = portal_link(&harness, 1).await;
    let prefetch = harness
        .anonymous()
        .request(Method::GET, &link)
        .header("sec-purpose", "prefetch;prerender")
        .send()
        .await;
    let head = harness
        .anonymous()
        .request(Method::HEAD, &link)
        .send()
        .await;
    assert_eq!(
        (prefetch.status, head.status),
        (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT)
    );
    assert_eq!(
        harness.anonymous().get(&link).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn session_token_cannot_create_portal_link() {
    let harness = Harness::new().await;
    let response = harness
        .browser(1)
        .await
        .post("/api/sessions", json!({"userId": 1, "portal": true}))
        .await;
    assert_eq!(response.problem(), "403 FORBIDDEN");
    let without_portal = harness
        .app()
        .await
        .post("/api/sessions", json!({"userId": 1}))
        .await;
    assert!(without_portal.json()["url"].is_null());
}

#[tokio::test]
async fn session_of_a_portal_link_leads_back_to_the_app() {
    let harness = Harness::new().await;
    let return_url = "https://app.example/settings/accounts?tab=2";
    let body = json!({"userId": 1, "portal": true, "returnUrl": return_url});
    let created = harness.app().await.post("/api/sessions", body).await;
    let link = created.text("url");
    let path = link.strip_prefix("http://localhost:8080").unwrap();
    let opened = harness.anonymous().get(path).await;
    let visitor = Visitor::from_response(&harness, &opened);
    let session = visitor.get(SESSION).await.json();
    assert_eq!(session["returnUrl"], return_url);
    let other = Visitor::signed_in(&harness, 1).await;
    assert!(other.get(SESSION).await.json()["returnUrl"].is_null());
}

#[tokio::test]
async fn way_back_leads_only_to_allowed_redirects() {
    let harness = Harness::new().await;
    for (return_url, problem) in [
        ("https://evil.example/", "400 INVALID_REDIRECT_URL"),
        ("javascript:alert(1)", "400 INVALID_REDIRECT_URL"),
        (
            "https://app.example.evil.example/settings",
            "400 INVALID_REDIRECT_URL",
        ),
    ] {
        let body = json!({"userId": 1, "portal": true, "returnUrl": return_url});
        let response = harness.app().await.post("/api/sessions", body).await;
        assert_eq!(response.problem(), problem, "{return_url}");
    }
    let body = json!({"userId": 1, "returnUrl": "https://app.example/settings"});
    let response = harness.app().await.post("/api/sessions", body).await;
    assert_eq!(response.problem(), "422 VALIDATION_ERROR");
}

#[tokio::test]
async fn item_30_portal_link_replaces_existing_session() {
    let harness = Harness::new().await;
    let first = Visitor::signed_in(&harness, 1).await;
    let link = portal_link(&harness, 2).await;
    let opened = harness
        .anonymous()
        .request(Method::GET, &link)
        .header("cookie", &first.cookie)
        .send()
        .await;
    let second = Visitor::from_response(&harness, &opened);
    assert_ne!(first.cookie, second.cookie);
    assert_eq!(
        (
            first.get(SESSION).await.status,
            second.get(SESSION).await.status
        ),
        (401.try_into().unwrap(), StatusCode::OK)
    );
    assert_eq!(second.get(SESSION).await.json()["user"]["id"], 2);
}
