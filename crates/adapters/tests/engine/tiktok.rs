//! `TikTok`, which is the engine and a definition.

use std::sync::Arc;

use evergrant_adapters::{
    AuthorizationRequest, CodeExchange, ErrorClass, HeldTokens, Pkce, PlatformAdapter,
    RemoteRevocation,
};
use evergrant_model::{AccessToken, FlowState, PkceVerifier, ScopeSet, StatusReason, Timestamp};

use crate::support::{NOW_S, Platform, catalogue, code, held, told};

const CALLBACK: &str = "https://app.example/api/integrations/callback/tiktok";
const VERIFIER: &str = "evergrant-sim-verifier-0123456789-abcdefghijklmnop";
const TOKENS: &str = r#"{"access_token":"act.simA","expires_in":86400,"open_id":"-000simOpenId01",
    "refresh_expires_in":31536000,"refresh_token":"rft.simR","scope":"user.info.basic,video.list","token_type":"Bearer"}"#;

fn tiktok(base: &str) -> Arc<dyn PlatformAdapter> {
    catalogue("tiktok", base, &[])
}

fn consent_page(settings: &[(&str, &str)]) -> String {
    let scopes = ScopeSet::parse("user.info.basic video.list");
    let (state, verifier) = (FlowState::new("s"), PkceVerifier::new(VERIFIER));
    let request = AuthorizationRequest {
        redirect_uri: CALLBACK,
        state: &state,
        scopes: &scopes,
        verifier: Some(&verifier),
    };
    catalogue("tiktok", "http://127.0.0.1:1", settings)
        .auth_url(&request)
        .unwrap()
}

#[test]
fn its_spec_renews_at_80_percent_and_rotates_without_forgiveness() {
    let adapter = tiktok("http://127.0.0.1:1");
    let spec = adapter.spec();
    assert!(spec.rotates && !spec.may_resend_refresh() && spec.capabilities.revoke);
    assert_eq!(spec.refresh_margin_seconds(Some(86_400)), Some(17_280));
    assert_eq!(spec.refresh_margin_seconds(Some(100)), Some(20));
}

#[test]
fn the_consent_page_takes_a_client_key_and_commas() {
    let address = consent_page(&[]);
    assert!(
        address.starts_with(
            "http://127.0.0.1:1/v2/auth/authorize/?response_type=code&client_key=app&"
        )
    );
    assert!(
        address.contains("&scope=user.info.basic%2Cvideo.list"),
        "{address}"
    );
    assert!(
        !address.contains("client_id") && !address.contains("code_challenge"),
        "{address}"
    );
}

#[test]
fn the_operator_says_how_the_challenge_is_made() {
    let hex = "code_challenge=6f78ecb27e525d01843332801cb5613e55997d721dee73c422494e5469893c1a&code_challenge_method=S256";
    assert!(consent_page(&[("TIKTOK_PKCE", "hex")]).contains(hex));
    let base64url = "code_challenge=b3jssn5SXQGEMzKAHLVhPlWZfXId7nPEIklOVGmJPBo";
    assert!(consent_page(&[("TIKTOK_PKCE", "base64url")]).contains(base64url));
    for none in ["none", ""] {
        assert!(!consent_page(&[("TIKTOK_PKCE", none)]).contains("code_challenge"));
    }
    let odd = catalogue("tiktok", "http://127.0.0.1:1", &[("TIKTOK_PKCE", "plain")]);
    assert_eq!(
        odd.spec().problem.as_deref(),
        Some("TIKTOK_PKCE must be none, hex or base64url")
    );
    assert_eq!(
        catalogue("tiktok", "http://127.0.0.1:1", &[("TIKTOK_PKCE", "hex")])
            .spec()
            .pkce,
        Pkce::S256Hex
    );
}

#[tokio::test]
async fn a_code_buys_both_tokens_with_their_ends() {
    let platform = Platform::telling(told(200, TOKENS)).await;
    let (code, verifier) = (code(), PkceVerifier::new(VERIFIER));
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: CALLBACK,
        verifier: Some(&verifier),
    };
    let tokens = tiktok(&platform.base)
        .exchange_code_for_token(&exchange)
        .await
        .unwrap();
    let seen = platform.only();
    assert_eq!(seen.route(), "POST /v2/oauth/token/");
    let form: Vec<_> = seen
        .form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let expected = [
        ("client_key", "app"),
        ("client_secret", "sim-app-secret"),
        ("code", "sim-code*!%"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
    ];
    assert_eq!(form, expected, "no verifier on the web");
    assert_eq!(tokens.refresh.unwrap().expose(), "rft.simR");
    assert_eq!(
        tokens.expires_at,
        Some(Timestamp::from_unix_seconds(NOW_S + 86_400))
    );
    assert_eq!(
        tokens.grant_expires_at,
        Some(Timestamp::from_unix_seconds(NOW_S + 31_536_000))
    );
    assert_eq!(
        tokens.scope,
        Some(ScopeSet::parse("user.info.basic video.list")),
        "less than was asked for"
    );
}

#[tokio::test]
async fn a_refusal_with_200_is_one() {
    let platform = Platform::telling(told(200, r#"{"error":"invalid_grant","log_id":"1"}"#)).await;
    let error = tiktok(&platform.base)
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), error.reason()),
        (
            ErrorClass::NeedsReauth,
            Some(StatusReason::RefreshTokenInvalid)
        )
    );
}

#[tokio::test]
async fn only_fields_of_granted_scopes_are_asked_for() {
    let body = r#"{"data":{"user":{"open_id":"-000simOpenId01","union_id":"u1","display_name":"Sim","follower_count":1200}},
        "error":{"code":"ok","message":"","log_id":"20260101SIM02"}}"#;
    let basic = "open_id,union_id,avatar_url,display_name";
    for (granted, fields) in [
        ("", basic.to_owned()),
        ("video.list", basic.to_owned()),
        ("user.info.basic video.list", basic.to_owned()),
        (
            "user.info.basic user.info.stats",
            format!("{basic},follower_count,following_count,likes_count,video_count"),
        ),
        (
            "user.info.basic user.info.profile",
            format!("{basic},username,profile_deep_link,is_verified"),
        ),
    ] {
        let platform = Platform::telling(told(200, body)).await;
        let granted = ScopeSet::parse(granted);
        let accounts = tiktok(&platform.base)
            .user_profile(&AccessToken::new("act.simA"), &granted)
            .await
            .unwrap();
        let seen = platform.only();
        assert_eq!(
            (seen.route().as_str(), seen.query("fields")),
            ("GET /v2/user/info/", fields)
        );
        assert_eq!(seen.header("authorization"), "Bearer act.simA");
        assert_eq!(accounts[0].id.as_str(), "-000simOpenId01");
        assert_eq!(
            serde_json::Value::Object(accounts[0].metadata.clone()),
            serde_json::json!({
                "display_name": "Sim", "open_id": "-000simOpenId01", "union_id": "u1", "follower_count": 1200,
            })
        );
    }
}

#[tokio::test]
async fn the_access_token_ends_the_grant_and_an_empty_answer_confirms_it() {
    let platform = Platform::telling(told(200, "")).await;
    assert_eq!(
        tiktok(&platform.base)
            .revoke_access(&held("a", "r"))
            .await
            .unwrap(),
        RemoteRevocation::Revoked
    );
    let seen = platform.only();
    assert_eq!(
        (seen.route().as_str(), seen.field("token")),
        ("POST /v2/oauth/revoke/", "a")
    );
    assert_eq!(
        (seen.field("client_key"), seen.field("client_secret")),
        ("app", "sim-app-secret")
    );
}

#[tokio::test]
async fn a_grant_whose_access_token_has_expired_is_renewed_to_be_ended() {
    let platform = Platform::telling(told(200, "")).await;
    let expired = r#"{"error":"access_token_invalid"}"#;
    platform
        .tell_at("/v2/oauth/token/", told(200, TOKENS))
        .tell_at("/v2/oauth/revoke/", told(401, expired));
    let adapter = tiktok(&platform.base);
    let error = adapter.revoke_access(&held("old", "r")).await.unwrap_err();
    assert_eq!(
        error.class(),
        ErrorClass::TokenExpired,
        "the new one is refused too, so nothing is certain"
    );
    let tokens: Vec<_> = platform
        .seen()
        .iter()
        .map(|seen| seen.field("token").to_owned())
        .collect();
    assert_eq!(tokens, ["old", "", "act.simA"]);
    platform.tell_at(
        "/v2/oauth/token/",
        told(400, r#"{"error":"invalid_grant"}"#),
    );
    assert_eq!(
        adapter.revoke_access(&held("old", "r")).await.unwrap(),
        RemoteRevocation::Revoked,
        "it is gone"
    );
    let only_access = HeldTokens {
        access: Some(AccessToken::new("old")),
        refresh: None,
    };
    assert_eq!(
        adapter.revoke_access(&only_access).await.unwrap(),
        RemoteRevocation::Revoked
    );
}
