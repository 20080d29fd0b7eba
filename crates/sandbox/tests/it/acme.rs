//! Acme, a provider that follows RFC 9700: PKCE, issuer in the callback, strict rotation.

use axum::http::StatusCode;
use evergrant_sandbox::{AuthorizationRequestError, SandboxError};
use url::Url;

use crate::harness::{BASE, Harness, Response, query_param};

const CALLBACK: &str = "http://localhost:8080/api/integrations/callback/acme";

/// Code verifier of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// S256 challenge of [`VERIFIER`], from the same appendix.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Client credentials: `simAcmeId:simAcmeSecret`.
const BASIC: (&str, &str) = ("authorization", "Basic c2ltQWNtZUlkOnNpbUFjbWVTZWNyZXQ=");

fn auth_url(challenge: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&format!("{BASE}/acme/oauth/authorize")).unwrap();
    let parameters = [
        ("client_id", "simAcmeId"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
    ];
    url.query_pairs_mut()
        .extend_pairs(parameters)
        .extend_pairs(challenge);
    url.into()
}

/// Approves a request with [`CHALLENGE`] as Juniper and returns the callback URL.
fn approve_with_pkce(harness: &Harness) -> String {
    let url = auth_url(&[
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    harness.sandbox.approve(&url, "juniper", None).unwrap()
}

async fn post_token(harness: &Harness, fields: &[(&str, &str)]) -> Response {
    harness.post("/acme/oauth/token", &[BASIC], fields).await
}

async fn exchange(harness: &Harness, code: &str, verifier: &str) -> Response {
    let grant = ("grant_type", "authorization_code");
    post_token(
        harness,
        &[
            grant,
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ],
    )
    .await
}

async fn refresh(harness: &Harness, refresh_token: &str) -> Response {
    post_token(
        harness,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ],
    )
    .await
}

#[tokio::test]
async fn authorization_requires_an_s256_challenge() {
    let harness = Harness::new();
    for challenge in [
        &[][..],
        &[("code_challenge", CHALLENGE)],
        &[("code_challenge_method", "S256")],
    ] {
        let refused = harness
            .sandbox
            .approve(&auth_url(challenge), "juniper", None)
            .unwrap_err();
        assert!(
            matches!(
                refused,
                SandboxError::Authorization(AuthorizationRequestError::MissingChallenge)
            ),
            "{refused}"
        );
    }
    let plain = [
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ];
    assert!(
        harness
            .sandbox
            .approve(&auth_url(&plain), "juniper", None)
            .is_err()
    );
}

#[tokio::test]
async fn code_exchange_requires_the_matching_verifier() {
    let harness = Harness::new();
    let code = query_param(&approve_with_pkce(&harness), "code").unwrap();
    for wrong in ["", CHALLENGE, &VERIFIER.to_lowercase(), "too-short"] {
        let refused = exchange(&harness, &code, wrong).await;
        assert_eq!(
            (refused.status, refused.text("error").as_str()),
            (StatusCode::BAD_REQUEST, "invalid_grant")
        );
    }
    assert_eq!(
        exchange(&harness, &code, VERIFIER).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn callback_contains_the_issuer() {
    let harness = Harness::new();
    assert_eq!(
        query_param(&approve_with_pkce(&harness), "iss").unwrap(),
        format!("{BASE}/acme")
    );
}

#[tokio::test]
async fn userinfo_identifies_the_token_owner() {
    let harness = Harness::new();
    let tokens = exchange(
        &harness,
        &query_param(&approve_with_pkce(&harness), "code").unwrap(),
        VERIFIER,
    )
    .await;
    let bearer = format!("Bearer {}", tokens.text("access_token"));
    let userinfo = harness
        .get("/acme/oauth/userinfo", &[("authorization", &bearer)])
        .await;
    assert_eq!(
        (
            userinfo.text("sub").as_str(),
            userinfo.text("name").as_str()
        ),
        ("ac-1001", "Juniper Vale")
    );
    assert_eq!(
        harness.get("/acme/oauth/userinfo", &[]).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn refresh_token_reuse_revokes_the_grant() {
    let harness = Harness::new();
    let first = exchange(
        &harness,
        &query_param(&approve_with_pkce(&harness), "code").unwrap(),
        VERIFIER,
    )
    .await
    .text("refresh_token");
    let second = refresh(&harness, &first).await.text("refresh_token");
    let third = refresh(&harness, &second).await.text("refresh_token");
    assert_eq!(
        refresh(&harness, &first).await.text("error"),
        "invalid_grant"
    );
    assert_eq!(
        refresh(&harness, &third).await.text("error"),
        "invalid_grant",
        "reuse of the first token revokes the newest one as well"
    );
}
