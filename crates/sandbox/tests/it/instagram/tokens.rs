//! Code exchange, token lifetimes and `appsecret_proof`.

use axum::http::StatusCode;
use evergrant_sandbox::Switch;

use crate::harness::Harness;
use crate::meta::{CALLBACK, error_codes};

#[tokio::test]
async fn code_yields_a_short_lived_and_then_a_long_lived_token() {
    let harness = Harness::new();
    let short = harness
        .fb_exchange(&harness.fb_code("juniper", &[]), &[])
        .await;
    assert_eq!(short.status, StatusCode::OK);
    assert_eq!(
        (
            short.json()["expires_in"].as_i64(),
            short.text("token_type")
        ),
        (Some(5400), "bearer".into())
    );
    let long = harness.fb_long_lived(&short.text("access_token")).await;
    assert_eq!(long.json()["expires_in"], 5_184_000);
    assert!(
        long.text("access_token").len() > 255,
        "expected a token of more than 255 characters"
    );
}

#[tokio::test]
async fn exchange_accepts_post() {
    let harness = Harness::new();
    let code = harness.fb_code("juniper", &[]);
    let fields = [
        ("client_id", "1001"),
        ("client_secret", "sim-app-secret"),
        ("redirect_uri", CALLBACK),
        ("code", &code),
    ];
    let response = harness
        .post("/facebook/graph/v25.0/oauth/access_token", &[], &fields)
        .await;
    assert_eq!(response.json()["expires_in"], 5400);
}

#[tokio::test]
async fn code_can_be_used_once() {
    let harness = Harness::new();
    let code = harness.fb_code("juniper", &[]);
    assert_eq!(harness.fb_exchange(&code, &[]).await.status, StatusCode::OK);
    let again = harness.fb_exchange(&code, &[]).await;
    assert_eq!(
        (again.status, error_codes(&again)),
        (StatusCode::BAD_REQUEST, (100, 36009))
    );
    let challenge = again.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("OAuth \"Facebook Platform\" \"invalid_code\" \""),
        "{challenge}"
    );
}

#[tokio::test]
async fn wrong_redirect_uri_consumes_the_code() {
    let harness = Harness::new();
    let code = harness.fb_code("juniper", &[]);
    let other = format!("{CALLBACK}/");
    assert_eq!(
        error_codes(
            &harness
                .fb_exchange(&code, &[("redirect_uri", &other)])
                .await
        ),
        (100, 36008)
    );
    assert_eq!(
        error_codes(&harness.fb_exchange(&code, &[]).await),
        (100, 36009),
        "the failed exchange consumed the code"
    );
}

#[tokio::test]
async fn failed_exchanges_have_distinct_error_codes() {
    let harness = Harness::new();
    let code = harness.fb_code("juniper", &[]);
    for (field, expected) in [
        (("client_secret", "wrong"), (1, 0)),
        (("client_secret", ""), (1, 0)),
        (("client_id", "999"), (101, 0)),
        (("client_id", ""), (101, 0)),
        (("redirect_uri", ""), (191, 0)),
        (("code", ""), (100, 0)),
        (("code", "unknown"), (100, 0)),
    ] {
        assert_eq!(
            error_codes(&harness.fb_exchange(&code, &[field]).await),
            expected,
            "{field:?}"
        );
    }
    assert_eq!(
        harness.fb_exchange(&code, &[]).await.status,
        StatusCode::OK,
        "none of these failures consumes the code"
    );
    let other_app = [("client_id", "1002"), ("client_secret", "sim-other-secret")];
    let code = harness.fb_code("juniper", &[]);
    assert_eq!(
        error_codes(&harness.fb_exchange(&code, &other_app).await),
        (100, 0)
    );
}

#[tokio::test]
async fn code_expires_after_ten_minutes() {
    let harness = Harness::new();
    let (young, old) = (
        harness.fb_code("juniper", &[]),
        harness.fb_code("juniper", &[]),
    );
    harness.sandbox.advance_seconds(599);
    assert_eq!(
        harness.fb_exchange(&young, &[]).await.status,
        StatusCode::OK
    );
    harness.sandbox.advance_seconds(1);
    assert_eq!(
        error_codes(&harness.fb_exchange(&old, &[]).await),
        (100, 36007)
    );
}

#[tokio::test]
async fn expired_short_lived_token_cannot_be_exchanged() {
    let harness = Harness::new();
    let short = harness
        .fb_exchange(&harness.fb_code("juniper", &[]), &[])
        .await
        .text("access_token");
    harness.sandbox.advance_seconds(5399);
    assert_eq!(
        harness.graph_with_token("/v25.0/me", &short).await.status,
        StatusCode::OK
    );
    harness.sandbox.advance_seconds(1);
    assert_eq!(
        error_codes(&harness.fb_long_lived(&short).await),
        (190, 463)
    );
    assert_eq!(
        error_codes(&harness.graph_with_token("/v25.0/me", &short).await),
        (190, 463)
    );
    assert_eq!(
        error_codes(&harness.fb_long_lived("nonsense").await),
        (190, 0)
    );
}

#[tokio::test]
async fn long_lived_token_can_be_extended_before_it_expires() {
    let harness = Harness::new();
    let first = harness.fb_connect("juniper").await;
    harness.sandbox.advance_seconds(50 * 86_400);
    let second = harness.fb_long_lived(&first).await.text("access_token");
    assert_ne!(first, second);
    harness.sandbox.advance_seconds(20 * 86_400);
    assert_eq!(
        error_codes(&harness.fb_long_lived(&first).await),
        (190, 463)
    );
    assert_eq!(harness.fb_long_lived(&second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn extended_token_can_keep_its_value() {
    let harness = Harness::new();
    harness.set_switch("instagram", Switch::SameToken(true));
    let token = harness.fb_connect("juniper").await;
    harness.sandbox.advance_seconds(50 * 86_400);
    assert_eq!(
        harness.fb_long_lived(&token).await.text("access_token"),
        token
    );
    harness.sandbox.advance_seconds(50 * 86_400);
    assert_eq!(
        harness.debug_token(&token).await["is_valid"],
        true,
        "the extended token is still valid"
    );
}

#[tokio::test]
async fn appsecret_proof_is_always_checked_and_can_be_required() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let me = async |proof: &str| {
        let fields = [("access_token", token.as_str()), ("appsecret_proof", proof)];
        harness
            .graph(
                "/v25.0/me",
                if proof.is_empty() {
                    &fields[..1]
                } else {
                    &fields
                },
            )
            .await
    };
    let valid = appsecret_proof(&token);
    assert_eq!(me(&valid).await.status, StatusCode::OK);
    assert_eq!(
        error_codes(&me("0badc0de").await),
        (100, 0),
        "a wrong proof is rejected although none is required"
    );
    assert_eq!(me("").await.status, StatusCode::OK);
    harness.set_switch("instagram", Switch::RequireProof(true));
    assert_eq!(error_codes(&me("").await), (100, 0));
    assert_eq!(me(&valid).await.status, StatusCode::OK);
}

/// Returns the hex HMAC-SHA-256 of `token` under the app secret.
fn appsecret_proof(token: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(b"sim-app-secret").unwrap();
    const_hex::encode(mac.chain_update(token).finalize().into_bytes())
}
