use axum::http::StatusCode;
use evergrant_sandbox::{AuthorizationFault, SandboxError};
use url::Url;

use crate::harness::{Answer, BASE, Stand, query};

const CALLBACK: &str = "http://localhost:8080/api/integrations/callback/acme";
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// `simAcmeId:simAcmeSecret`.
const BASIC: (&str, &str) = ("authorization", "Basic c2ltQWNtZUlkOnNpbUFjbWVTZWNyZXQ=");

fn auth_url(challenge: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&format!("{BASE}/acme/oauth/authorize")).unwrap();
    let usual = [
        ("client_id", "simAcmeId"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
    ];
    url.query_pairs_mut()
        .extend_pairs(usual)
        .extend_pairs(challenge);
    url.into()
}

fn consent(stand: &Stand) -> String {
    let url = auth_url(&[
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    stand.sandbox.approve(&url, "juniper", None).unwrap()
}

async fn token(stand: &Stand, fields: &[(&str, &str)]) -> Answer {
    stand.post("/acme/oauth/token", &[BASIC], fields).await
}

async fn exchange(stand: &Stand, code: &str, verifier: &str) -> Answer {
    let grant = ("grant_type", "authorization_code");
    token(
        stand,
        &[
            grant,
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ],
    )
    .await
}

async fn refresh(stand: &Stand, refresh_token: &str) -> Answer {
    token(
        stand,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ],
    )
    .await
}

#[tokio::test]
async fn no_consent_without_an_s256_challenge() {
    let stand = Stand::new();
    for challenge in [
        &[][..],
        &[("code_challenge", CHALLENGE)],
        &[("code_challenge_method", "S256")],
    ] {
        let refused = stand
            .sandbox
            .approve(&auth_url(challenge), "juniper", None)
            .unwrap_err();
        assert!(
            matches!(
                refused,
                SandboxError::Authorization(AuthorizationFault::MissingChallenge)
            ),
            "{refused}"
        );
    }
    let plain = [
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ];
    assert!(
        stand
            .sandbox
            .approve(&auth_url(&plain), "juniper", None)
            .is_err()
    );
}

#[tokio::test]
async fn a_code_is_worth_nothing_without_its_verifier() {
    let stand = Stand::new();
    let code = query(&consent(&stand), "code").unwrap();
    for wrong in ["", CHALLENGE, &VERIFIER.to_lowercase(), "too-short"] {
        let refused = exchange(&stand, &code, wrong).await;
        assert_eq!(
            (refused.status, refused.text("error").as_str()),
            (StatusCode::BAD_REQUEST, "invalid_grant")
        );
    }
    assert_eq!(
        exchange(&stand, &code, VERIFIER).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_callback_names_the_issuer() {
    let stand = Stand::new();
    assert_eq!(
        query(&consent(&stand), "iss").unwrap(),
        format!("{BASE}/acme")
    );
}

#[tokio::test]
async fn the_bearer_is_told_who_they_are() {
    let stand = Stand::new();
    let tokens = exchange(&stand, &query(&consent(&stand), "code").unwrap(), VERIFIER).await;
    let bearer = format!("Bearer {}", tokens.text("access_token"));
    let userinfo = stand
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
        stand.get("/acme/oauth/userinfo", &[]).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_the_grant() {
    let stand = Stand::new();
    let first = exchange(&stand, &query(&consent(&stand), "code").unwrap(), VERIFIER)
        .await
        .text("refresh_token");
    let second = refresh(&stand, &first).await.text("refresh_token");
    let third = refresh(&stand, &second).await.text("refresh_token");
    assert_eq!(refresh(&stand, &first).await.text("error"), "invalid_grant");
    assert_eq!(
        refresh(&stand, &third).await.text("error"),
        "invalid_grant",
        "the newest ended with it"
    );
}
