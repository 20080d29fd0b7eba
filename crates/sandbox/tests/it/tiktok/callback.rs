//! Authorization URL, callback and PKCE.

use axum::http::StatusCode;
use evergrant_sandbox::{ClientKind, Switch};

use super::{
    AUTHORIZE, CALLBACK, CHALLENGE, RFC_CHALLENGE, SCOPES, TOKEN, VERIFIER, auth_url, code,
    exchange, flat_error, post_as_app,
};
use crate::harness::{Harness, path_of, query_param};

#[tokio::test]
async fn callback_has_scopes_and_token_response_has_scope() {
    let harness = Harness::new();
    let location = harness
        .sandbox
        .approve(&auth_url(&[]), "juniper", None)
        .unwrap();
    assert_eq!(query_param(&location, "scopes").as_deref(), Some(SCOPES));
    assert_eq!(query_param(&location, "scope"), None);
    assert_eq!(query_param(&location, "state").as_deref(), Some("st&te=1"));
    let tokens = exchange(&harness, &query_param(&location, "code").unwrap()).await;
    assert_eq!(tokens.text("scope"), SCOPES);
    assert_eq!(tokens.json().get("scopes"), None);
}

#[tokio::test]
async fn person_can_grant_fewer_scopes() {
    let harness = Harness::new();
    let granted = ["user.info.basic", "video.list"];
    let location = harness
        .sandbox
        .approve(&auth_url(&[]), "juniper", Some(&granted))
        .unwrap();
    assert_eq!(
        query_param(&location, "scopes").as_deref(),
        Some("user.info.basic,video.list")
    );
    let tokens = exchange(&harness, &query_param(&location, "code").unwrap()).await;
    assert_eq!(tokens.text("scope"), "user.info.basic,video.list");
}

#[tokio::test]
async fn denial_redirects_with_access_denied_and_description() {
    let harness = Harness::new();
    let location = harness.sandbox.deny(&auth_url(&[])).unwrap();
    assert_eq!(
        query_param(&location, "error").as_deref(),
        Some("access_denied")
    );
    assert!(query_param(&location, "error_description").is_some());
    assert_eq!(query_param(&location, "state").as_deref(), Some("st&te=1"));
}

#[tokio::test]
async fn code_must_be_url_decoded_exactly_once() {
    let harness = Harness::new();
    let location = harness
        .sandbox
        .approve(&auth_url(&[]), "juniper", None)
        .unwrap();
    let once = query_param(&location, "code").unwrap();
    assert!(
        ["*", "!", "%"].iter().all(|sign| once.contains(sign)),
        "{once}"
    );
    let (_, raw) = location.split_once("code=").unwrap();
    let raw = raw.split('&').next().unwrap();
    let twice = url::form_urlencoded::parse(format!("code={once}").as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned();
    assert!(raw != once && twice != once, "{raw} {once} {twice}");
    for wrong in [raw, &twice] {
        assert_eq!(
            flat_error(&exchange(&harness, wrong).await),
            (400, "invalid_grant".into())
        );
    }
    assert_eq!(exchange(&harness, &once).await.status, StatusCode::OK);
}

#[tokio::test]
async fn invalid_authorization_request_gets_a_page_without_redirect() {
    let harness = Harness::new();
    let long = format!("https://app.example/{}", "a".repeat(500));
    for invalid in [
        vec![("client_key", ""), ("client_id", "simkey01")],
        vec![("client_key", "simkey99")],
        vec![("scope", "user.info.basic video.list")],
        vec![("scope", "user.info.everything")],
        vec![("redirect_uri", "https://app.example/cb?a=1")],
        vec![("redirect_uri", "https://app.example/cb#a")],
        vec![("redirect_uri", "http://app.example/cb")],
        vec![("redirect_uri", &long)],
        vec![("state", "")],
        vec![("code_challenge", "")],
        vec![("code_challenge_method", "plain")],
    ] {
        let response = harness.get(&path_of(&auth_url(&invalid)), &[]).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{invalid:?}");
        assert!(
            response.is_html() && response.header("location").is_none(),
            "{invalid:?}"
        );
    }
}

#[tokio::test]
async fn authorization_url_without_trailing_slash_is_redirected() {
    let harness = Harness::new();
    let bare = auth_url(&[]).replace("/authorize/?", "/authorize?");
    let redirect = harness.get(&path_of(&bare), &[]).await;
    assert_eq!(redirect.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        redirect.header("location"),
        Some(path_of(&auth_url(&[])).as_str())
    );
    let page = harness.get(redirect.header("location").unwrap(), &[]).await;
    assert!(page.status == StatusCode::OK && page.body.contains("not the real TikTok"));
    assert!(
        page.header("set-cookie")
            .unwrap()
            .contains(&format!("Path={AUTHORIZE}"))
    );
    assert!(harness.sandbox.approve(&bare, "juniper", None).is_ok());
}

/// Exchanges a code with this challenge and verifier; an empty one is omitted. Returns status and
/// `error` of the response.
async fn exchange_with_pkce(
    harness: &Harness,
    redirect_uri: &str,
    challenge: &str,
    verifier: &str,
) -> (u16, Option<String>) {
    let code = code(
        harness,
        "juniper",
        &[
            ("redirect_uri", redirect_uri),
            ("code_challenge", challenge),
        ],
    );
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect_uri),
    ];
    let verifier = [("code_verifier", verifier)];
    let verifier = if verifier[0].1.is_empty() {
        &[][..]
    } else {
        &verifier
    };
    let response = post_as_app(harness, TOKEN, &[&fields[..], verifier].concat()).await;
    (
        response.status.as_u16(),
        response.json()["error"].as_str().map(str::to_owned),
    )
}

#[tokio::test]
async fn desktop_client_requires_a_hex_pkce_challenge() {
    let harness = Harness::new();
    let refused = (400, Some("invalid_request".to_owned()));
    assert_eq!(
        exchange_with_pkce(&harness, CALLBACK, CHALLENGE, VERIFIER).await,
        (200, None)
    );
    assert_eq!(
        exchange_with_pkce(&harness, CALLBACK, RFC_CHALLENGE, VERIFIER).await,
        refused
    );
    assert_eq!(
        exchange_with_pkce(&harness, CALLBACK, &CHALLENGE.to_uppercase(), VERIFIER).await,
        refused
    );
    assert_eq!(
        exchange_with_pkce(&harness, CALLBACK, CHALLENGE, &VERIFIER.replace('e', "f")).await,
        refused
    );
    assert_eq!(
        exchange_with_pkce(&harness, CALLBACK, CHALLENGE, "").await,
        refused
    );
    // The challenge matches "short", which is below the minimum length of a verifier.
    let of_short = "f9b0078b5df596d2ea19010c001bbd009e651de2c57e8fb7e355f31eb9d3f739";
    assert_eq!(
        exchange_with_pkce(&harness, CALLBACK, of_short, "short").await,
        refused
    );
}

#[tokio::test]
async fn web_client_needs_no_pkce() {
    let harness = Harness::new();
    let web = "https://app.example/cb";
    assert_eq!(exchange_with_pkce(&harness, web, "", "").await, (200, None));
    assert_eq!(
        exchange_with_pkce(&harness, web, RFC_CHALLENGE, "anything").await,
        (200, None),
        "a challenge is ignored"
    );
}

#[tokio::test]
async fn client_kind_switch_overrides_the_redirect_uri() {
    let harness = Harness::new();
    let set_kind = |kind| harness.set_switch("tiktok", Switch::ClientKind(kind));
    set_kind(ClientKind::Web);
    assert_eq!(
        exchange_with_pkce(&harness, CALLBACK, "", "").await,
        (200, None)
    );
    set_kind(ClientKind::Desktop);
    let url = auth_url(&[
        ("redirect_uri", "https://app.example/cb"),
        ("code_challenge", ""),
    ]);
    let refused = harness.sandbox.approve(&url, "juniper", None).unwrap_err();
    assert!(refused.to_string().contains("code challenge"), "{refused}");
    set_kind(ClientKind::ByRedirect);
    assert!(harness.sandbox.approve(&url, "juniper", None).is_ok());
}
