//! `TikTok`, which needs no Rust code of its own.

use std::sync::Arc;

use evergrant_adapters::{
    AuthorizationRequest, CodeExchange, ErrorClass, HeldTokens, Pkce, PlatformAdapter,
    RemoteRevocation,
};
use evergrant_model::{
    AccessToken, FlowState, PkceVerifier, ScopeSet, SignedDuration, StatusReason, Timestamp,
    TokenSet,
};

use crate::support::{CannedResponse, FakePlatform, NOW_S, catalogue, code, held_tokens, response};

const CALLBACK: &str = "https://app.example/api/integrations/callback/tiktok";
const VERIFIER: &str = "evergrant-sim-verifier-0123456789-abcdefghijklmnop";
const TOKENS: &str = r#"{"access_token":"act.simA","expires_in":86400,"open_id":"-000simOpenId01",
    "refresh_expires_in":31536000,"refresh_token":"rft.simR","scope":"user.info.basic,video.list","token_type":"Bearer"}"#;

fn tiktok(base: &str) -> Arc<dyn PlatformAdapter> {
    catalogue("tiktok", base, &[])
}

fn authorization_url(settings: &[(&str, &str)]) -> String {
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
fn spec_refreshes_at_80_percent_and_rotates_without_replay_window() {
    let adapter = tiktok("http://127.0.0.1:1");
    let spec = adapter.spec();
    assert!(spec.rotates_refresh_token && !spec.can_retry_refresh() && spec.capabilities.revoke);
    let seconds = SignedDuration::from_secs;
    for (lifetime, margin) in [(86_400, 17_280), (100, 20)] {
        assert_eq!(
            spec.refresh_margin(Some(seconds(lifetime))),
            Some(seconds(margin))
        );
    }
}

#[test]
fn authorization_url_uses_client_key_and_comma_separated_scopes() {
    let url = authorization_url(&[]);
    assert!(
        url.starts_with("http://127.0.0.1:1/v2/auth/authorize/?response_type=code&client_key=app&")
    );
    assert!(url.contains("&scope=user.info.basic%2Cvideo.list"), "{url}");
    assert!(
        !url.contains("client_id") && !url.contains("code_challenge"),
        "{url}"
    );
}

#[test]
fn challenge_encoding_is_set_by_the_operator() {
    let hex = "code_challenge=6f78ecb27e525d01843332801cb5613e55997d721dee73c422494e5469893c1a&code_challenge_method=S256";
    assert!(authorization_url(&[("TIKTOK_PKCE", "hex")]).contains(hex));
    let base64url = "code_challenge=b3jssn5SXQGEMzKAHLVhPlWZfXId7nPEIklOVGmJPBo";
    assert!(authorization_url(&[("TIKTOK_PKCE", "base64url")]).contains(base64url));
    for none in ["none", ""] {
        assert!(!authorization_url(&[("TIKTOK_PKCE", none)]).contains("code_challenge"));
    }
    let invalid = catalogue("tiktok", "http://127.0.0.1:1", &[("TIKTOK_PKCE", "plain")]);
    assert_eq!(
        invalid.spec().problem.as_deref(),
        Some("TIKTOK_PKCE must be none, hex or base64url")
    );
    assert_eq!(
        catalogue("tiktok", "http://127.0.0.1:1", &[("TIKTOK_PKCE", "hex")])
            .spec()
            .pkce,
        Pkce::S256Hex
    );
}

async fn exchange(platform: &FakePlatform) -> TokenSet {
    let (code, verifier) = (code(), PkceVerifier::new(VERIFIER));
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: CALLBACK,
        verifier: Some(&verifier),
    };
    tiktok(&platform.base)
        .exchange_code_for_token(&exchange)
        .await
        .unwrap()
}

#[tokio::test]
async fn code_exchange_of_a_web_app_sends_no_verifier() {
    let platform = FakePlatform::responding_with(response(200, TOKENS)).await;
    exchange(&platform).await;
    let request = platform.only_request();
    assert_eq!(request.route(), "POST /v2/oauth/token/");
    let form: Vec<_> = request
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
    assert_eq!(form, expected);
}

#[tokio::test]
async fn code_exchange_returns_both_tokens_with_their_expiry() {
    let platform = FakePlatform::responding_with(response(200, TOKENS)).await;
    let tokens = exchange(&platform).await;
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
        "the granted scopes, not the requested ones"
    );
}

#[tokio::test]
async fn invalid_grant_with_status_200_requires_reauth() {
    let platform =
        FakePlatform::responding_with(response(200, r#"{"error":"invalid_grant","log_id":"1"}"#))
            .await;
    let error = tiktok(&platform.base)
        .refresh_access_token(&held_tokens("a", "r"))
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
async fn profile_requests_only_fields_of_granted_scopes() {
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
        let platform = FakePlatform::responding_with(response(200, body)).await;
        let granted = ScopeSet::parse(granted);
        let accounts = tiktok(&platform.base)
            .user_profile(&AccessToken::new("act.simA"), &granted)
            .await
            .unwrap();
        let request = platform.only_request();
        assert_eq!(
            (request.route().as_str(), request.query("fields")),
            ("GET /v2/user/info/", fields)
        );
        assert_eq!(request.header("authorization"), "Bearer act.simA");
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
async fn revocation_sends_the_access_token_and_accepts_an_empty_response() {
    let platform = FakePlatform::responding_with(response(200, "")).await;
    assert_eq!(
        tiktok(&platform.base)
            .revoke_access(&held_tokens("a", "r"))
            .await
            .unwrap(),
        RemoteRevocation::Revoked
    );
    let request = platform.only_request();
    assert_eq!(
        (request.route().as_str(), request.field("token")),
        ("POST /v2/oauth/revoke/", "a")
    );
    assert_eq!(
        (request.field("client_key"), request.field("client_secret")),
        ("app", "sim-app-secret")
    );
}

/// Starts a platform that rejects every access token as expired and refreshes with
/// `token_response`.
async fn with_expired_tokens(token_response: CannedResponse) -> FakePlatform {
    let platform = FakePlatform::responding_with(response(200, "")).await;
    let expired = r#"{"error":"access_token_invalid"}"#;
    platform
        .respond_at("/v2/oauth/token/", token_response)
        .respond_at("/v2/oauth/revoke/", response(401, expired));
    platform
}

#[tokio::test]
async fn revocation_with_expired_access_token_refreshes_first() {
    let platform = with_expired_tokens(response(200, TOKENS)).await;
    let error = tiktok(&platform.base)
        .revoke_access(&held_tokens("old", "r"))
        .await
        .unwrap_err();
    assert_eq!(
        error.class(),
        ErrorClass::TokenExpired,
        "the new token is rejected too, so the outcome is uncertain"
    );
    let tokens: Vec<_> = platform
        .requests()
        .iter()
        .map(|request| request.field("token").to_owned())
        .collect();
    assert_eq!(tokens, ["old", "", "act.simA"]);
}

#[tokio::test]
async fn revocation_succeeds_if_the_expired_token_cannot_be_refreshed() {
    let platform = with_expired_tokens(response(400, r#"{"error":"invalid_grant"}"#)).await;
    let adapter = tiktok(&platform.base);
    let only_access = HeldTokens {
        access: Some(AccessToken::new("old")),
        refresh: None,
    };
    for tokens in [held_tokens("old", "r"), only_access] {
        assert_eq!(
            adapter.revoke_access(&tokens).await.unwrap(),
            RemoteRevocation::Revoked,
            "the grant has ended"
        );
    }
}
