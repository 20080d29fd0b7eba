//! The consent page and the validation of authorization requests.

use axum::http::StatusCode;
use evergrant_sandbox::SandboxOptions;

use crate::harness::{CALLBACK, Harness, ME, Response, auth_url, path_of, query_param};

/// The cookie and the two hidden fields of a consent page.
struct Page {
    /// As `name=value`.
    cookie: String,
    csrf: String,
    /// Query of the authorization request.
    request: String,
}

/// Opens the consent page.
async fn open(harness: &Harness) -> Page {
    let url = auth_url(&[]);
    let response = harness.get(&path_of(&url), &[]).await;
    assert_eq!(response.status, StatusCode::OK);
    let cookie = response.cookie();
    let csrf = cookie.split_once('=').unwrap().1.to_owned();
    assert!(
        response
            .body
            .contains(&format!("name=\"csrf\" value=\"{csrf}\""))
    );
    Page {
        cookie,
        csrf,
        request: url.split_once('?').unwrap().1.to_owned(),
    }
}

/// Submits the form of `page` with further `fields`.
async fn submit(harness: &Harness, page: &Page, fields: &[(&str, &str)]) -> Response {
    let all = [
        &[
            ("csrf", page.csrf.as_str()),
            ("request", page.request.as_str()),
        ],
        fields,
    ]
    .concat();
    harness
        .post(
            "/reddit/www/api/v1/authorize",
            &[("cookie", &page.cookie)],
            &all,
        )
        .await
}

#[tokio::test]
async fn allow_redirects_with_state_and_a_working_code() {
    let harness = Harness::new();
    let page = open(&harness).await;
    let fields = [
        ("person", "kiln"),
        ("scope", "identity"),
        ("decision", "allow"),
    ];
    let response = submit(&harness, &page, &fields).await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    let location = response.header("location").unwrap();
    assert!(
        location.starts_with(&format!("{CALLBACK}?state=")),
        "{location}"
    );
    assert!(location.ends_with("#_"), "{location}");
    assert_eq!(query_param(location, "state").as_deref(), Some("st&te=1"));
    let tokens = harness
        .exchange(&query_param(location, "code").unwrap())
        .await;
    assert_eq!(
        tokens.text("scope"),
        "identity",
        "only selected scopes are granted"
    );
    assert!(
        tokens
            .text("access_token")
            .starts_with(&format!("{}-", u64::from_str_radix("sima4", 36).unwrap()))
    );
}

#[tokio::test]
async fn deny_redirects_with_access_denied() {
    let harness = Harness::new();
    let page = open(&harness).await;
    let response = submit(
        &harness,
        &page,
        &[
            ("person", "kiln"),
            ("scope", "identity"),
            ("decision", "deny"),
        ],
    )
    .await;
    let location = response.header("location").unwrap();
    assert_eq!(
        query_param(location, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(query_param(location, "state").as_deref(), Some("st&te=1"));
    assert_eq!(query_param(location, "code"), None);
}

#[tokio::test]
async fn allow_without_scopes_counts_as_denial() {
    let harness = Harness::new();
    let page = open(&harness).await;
    let response = submit(
        &harness,
        &page,
        &[("person", "kiln"), ("decision", "allow")],
    )
    .await;
    assert_eq!(
        query_param(response.header("location").unwrap(), "error").as_deref(),
        Some("access_denied")
    );
}

#[tokio::test]
async fn consent_form_requires_the_matching_csrf_cookie() {
    let harness = Harness::new();
    let (first, second) = (open(&harness).await, open(&harness).await);
    let mixed = Page {
        cookie: second.cookie,
        csrf: first.csrf,
        request: first.request,
    };
    let fields = [
        ("person", "kiln"),
        ("scope", "identity"),
        ("decision", "allow"),
    ];
    assert_eq!(
        submit(&harness, &mixed, &fields).await.status,
        StatusCode::FORBIDDEN
    );
    for cookie in [
        "",
        "evergrant_sandbox_csrf=",
        "evergrant_sandbox_csrf=short",
    ] {
        let forged = Page {
            cookie: cookie.into(),
            csrf: "short".into(),
            request: mixed.request.clone(),
        };
        assert_eq!(
            submit(&harness, &forged, &fields).await.status,
            StatusCode::FORBIDDEN,
            "{cookie:?}"
        );
    }
}

#[tokio::test]
async fn two_tabs_share_one_csrf_cookie() {
    let harness = Harness::new();
    let first = open(&harness).await;
    let again = harness
        .get(&path_of(&auth_url(&[])), &[("cookie", &first.cookie)])
        .await;
    assert_eq!(again.cookie(), first.cookie);
}

#[tokio::test]
async fn consent_form_rejects_unrequested_scope_and_unknown_person() {
    let harness = Harness::new();
    let page = open(&harness).await;
    for fields in [
        [
            ("person", "kiln"),
            ("scope", "submit"),
            ("decision", "allow"),
        ],
        [
            ("person", "ghost"),
            ("scope", "identity"),
            ("decision", "allow"),
        ],
    ] {
        let response = submit(&harness, &page, &fields).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST);
        assert_eq!(response.header("location"), None);
    }
}

#[tokio::test]
async fn invalid_authorization_request_gets_a_page_without_redirect() {
    let harness = Harness::new();
    for invalid in [
        ("client_id", "unknownClient"),
        ("client_id", ""),
        ("redirect_uri", "http://app.example/cb"),
        ("redirect_uri", "http://localhost.evil.example/cb"),
        ("redirect_uri", "https://app.example/cb#part"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", ""),
        ("response_type", "token"),
        ("response_type", ""),
        ("scope", "identity everything"),
        ("scope", ""),
        ("state", ""),
    ] {
        let url = auth_url(&[invalid]);
        let response = harness.get(&path_of(&url), &[]).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{invalid:?}");
        assert!(
            response.is_html() && response.header("location").is_none(),
            "{invalid:?}"
        );
        assert!(
            harness.sandbox.approve(&url, "juniper", None).is_err(),
            "{invalid:?}"
        );
    }
}

#[tokio::test]
async fn scopes_can_be_comma_separated() {
    let harness = Harness::new();
    let code = harness.code("juniper", &[("scope", "read,identity")]);
    assert_eq!(harness.exchange(&code).await.text("scope"), "identity read");
}

#[tokio::test]
async fn registered_redirect_uri_must_match_exactly() {
    let harness = Harness::with(SandboxOptions {
        redirect_uris: vec![CALLBACK.to_owned()],
        ..SandboxOptions::default()
    });
    assert!(
        harness
            .sandbox
            .approve(&auth_url(&[]), "juniper", None)
            .is_ok()
    );
    for similar in [
        format!("{CALLBACK}/"),
        CALLBACK.to_uppercase(),
        format!("{CALLBACK}?a=1"),
        "https://a.example".into(),
    ] {
        let response = harness
            .get(&path_of(&auth_url(&[("redirect_uri", &similar)])), &[])
            .await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{similar}");
    }
}

#[tokio::test]
async fn redirect_uri_keeps_its_query() {
    let harness = Harness::new();
    let location = harness
        .sandbox
        .approve(
            &auth_url(&[("redirect_uri", "https://app.example/cb?a=1")]),
            "wren",
            None,
        )
        .unwrap();
    assert!(
        location.starts_with("https://app.example/cb?a=1&state="),
        "{location}"
    );
}

#[tokio::test]
async fn misbehave_parameter_selects_a_failure() {
    let harness = Harness::new();
    let mangled = harness
        .sandbox
        .approve(
            &auth_url(&[("misbehave", "state-mangled")]),
            "juniper",
            None,
        )
        .unwrap();
    assert_ne!(query_param(&mangled, "state").as_deref(), Some("st&te=1"));

    let expired = harness
        .exchange(&harness.code("juniper", &[("misbehave", "code-expired")]))
        .await;
    assert_eq!(expired.text("error"), "invalid_grant");

    let other = harness
        .exchange(&harness.code("juniper", &[("misbehave", "wrong-account")]))
        .await;
    let me = harness.api_get(ME, &other.text("access_token")).await;
    assert_ne!(me.text("name"), "juniper_vale");

    let page = harness
        .get(&path_of(&auth_url(&[("misbehave", "rate-limited")])), &[])
        .await;
    assert!(page.body.contains("value=\"rate-limited\" selected"));
}
