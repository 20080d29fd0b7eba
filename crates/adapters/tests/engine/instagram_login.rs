//! Instagram with its own login, which needs no Rust code of its own.

use std::sync::Arc;

use evergrant_adapters::{
    AdapterError, CodeExchange, ErrorClass, HeldTokens, PlatformAdapter, RemoteRevocation,
};
use evergrant_model::{AccessToken, ScopeSet, SignedDuration, Timestamp, TokenSet};

use crate::support::{FakePlatform, NOW_S, acme, catalogue, code, response};

const CALLBACK: &str = "https://app.example/api/integrations/callback/instagram-login";
const LONG_LIVED: &str =
    r#"{"access_token":"IGAAsimlong","token_type":"bearer","expires_in":5183000}"#;

fn login(base: &str) -> Arc<dyn PlatformAdapter> {
    catalogue("instagram-login", base, &[])
}

async fn exchange(platform: &FakePlatform) -> Result<TokenSet, AdapterError> {
    let code = code();
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: CALLBACK,
        verifier: None,
    };
    login(&platform.base)
        .exchange_code_for_token(&exchange)
        .await
}

#[test]
fn spec_states_missing_capabilities_and_refresh_times() {
    let adapter = login("http://127.0.0.1:1");
    let spec = adapter.spec();
    assert!(
        spec.is_configured()
            && !spec.requires_pkce()
            && !spec.capabilities.revoke
            && spec.can_refresh(false)
    );
    assert_eq!(
        (spec.min_refresh_age, spec.refresh_ahead),
        (
            SignedDuration::from_secs(86_400),
            Some(SignedDuration::from_secs(864_000))
        )
    );
}

#[tokio::test]
async fn wrapped_and_flat_responses_return_the_same_tokens() {
    let short = r#"{"access_token":"IGAAsimshort","user_id":17841400000000001,"permissions":["instagram_business_basic","instagram_business_manage_insights"]}"#;
    let text = r#"{"access_token":"IGAAsimshort","user_id":"17841400000000001","permissions":"instagram_business_manage_insights,instagram_business_basic"}"#;
    for body in [
        short.to_owned(),
        text.to_owned(),
        format!(r#"{{"data":[{short}]}}"#),
        format!(r#"{{"data":[{text}]}}"#),
    ] {
        let platform = FakePlatform::responding_with(response(200, &body)).await;
        platform.respond_at("GET /access_token?", response(200, LONG_LIVED));
        let tokens = exchange(&platform).await.unwrap();
        assert_eq!(
            platform.requested_routes(),
            ["POST /oauth/access_token", "GET /access_token"]
        );
        let long_lived = &platform.requests()[1];
        assert_eq!(long_lived.query("grant_type"), "ig_exchange_token");
        assert_eq!(
            (
                long_lived.query("client_secret"),
                long_lived.query("client_id")
            ),
            ("sim-app-secret".into(), String::new())
        );
        assert_eq!(long_lived.query("access_token"), "IGAAsimshort");
        assert_eq!(tokens.access.expose(), "IGAAsimlong");
        assert_eq!(
            tokens.expires_at,
            Some(Timestamp::from_unix_seconds(NOW_S + 5_183_000))
        );
        let both = ScopeSet::parse("instagram_business_basic instagram_business_manage_insights");
        assert_eq!(tokens.scope, Some(both), "{body}");
    }
}

#[tokio::test]
async fn code_is_sent_as_multipart_unless_the_definition_sets_a_form() {
    let platform = FakePlatform::responding_with(response(200, LONG_LIVED)).await;
    exchange(&platform).await.unwrap();
    let request = &platform.requests()[0];
    assert!(
        request
            .header("content-type")
            .starts_with("multipart/form-data; boundary=")
    );
    for (name, value) in [
        ("client_id", "app"),
        ("client_secret", "sim-app-secret"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
        ("code", "sim-code*!%"),
    ] {
        let part = format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        assert!(request.body.contains(&part), "{name} in {}", request.body);
    }
    let other = acme(
        &platform.base,
        "pkce = \"none\"\ntokens.request = \"form\"\nclient_auth = \"post\"",
    );
    let code = code();
    other
        .exchange_code_for_token(&CodeExchange {
            code: &code,
            redirect_uri: CALLBACK,
            verifier: None,
        })
        .await
        .unwrap();
    assert_eq!(
        platform.requests().last().unwrap().field("code"),
        "sim-code*!%"
    );
}

#[tokio::test]
async fn flat_error_body_of_a_rejected_code_is_a_bad_request() {
    let body = r#"{"error_type":"OAuthException","code":400,"error_message":"sim: code used"}"#;
    let platform = FakePlatform::responding_with(response(400, body)).await;
    assert_eq!(
        exchange(&platform).await.unwrap_err().class(),
        ErrorClass::BadRequest
    );
    assert_eq!(platform.requests().len(), 1);
}

#[tokio::test]
async fn refresh_sends_no_client_secret() {
    let platform = FakePlatform::responding_with(response(200, LONG_LIVED)).await;
    let stored = HeldTokens {
        access: Some(AccessToken::new("IGAAold")),
        refresh: None,
    };
    let tokens = login(&platform.base)
        .refresh_access_token(&stored)
        .await
        .unwrap();
    let request = platform.only_request();
    assert_eq!(request.route(), "GET /refresh_access_token");
    assert_eq!(
        request.uri.query(),
        Some("grant_type=ig_refresh_token&access_token=IGAAold")
    );
    assert_eq!(tokens.access.expose(), "IGAAsimlong");
}

#[tokio::test]
async fn account_id_is_the_professional_one_without_lost_digits() {
    let flat = r#"{"id":"98765","user_id":17841400000000001,"username":"simgram","name":"Sim","account_type":"BUSINESS","followers_count":5}"#;
    for body in [flat.to_owned(), format!(r#"{{"data":[{flat}]}}"#)] {
        let platform = FakePlatform::responding_with(response(200, &body)).await;
        let access = AccessToken::new("IGAAsimlong");
        let granted = ScopeSet::parse("instagram_business_basic");
        let accounts = login(&platform.base)
            .user_profile(&access, &granted)
            .await
            .unwrap();
        assert_eq!(accounts.len(), 1);
        assert_eq!(
            (accounts[0].id.as_str(), accounts[0].username.as_deref()),
            ("17841400000000001", Some("simgram"))
        );
        assert_eq!(accounts[0].metadata["app_scoped_id"], "98765");
        assert_eq!(accounts[0].metadata["account_type"], "BUSINESS");
        let request = platform.only_request();
        assert_eq!(
            (request.route().as_str(), request.header("authorization")),
            ("GET /v25.0/me", "")
        );
        assert_eq!(request.query("access_token"), "IGAAsimlong");
        assert!(
            request.query("fields").starts_with("id,user_id,username,"),
            "{}",
            request.uri
        );
    }
}

#[tokio::test]
async fn revocation_is_unsupported_and_makes_no_call() {
    let platform = FakePlatform::responding_with(response(200, "{}")).await;
    let stored = HeldTokens {
        access: Some(AccessToken::new("IGAA")),
        refresh: None,
    };
    assert_eq!(
        login(&platform.base).revoke_access(&stored).await.unwrap(),
        RemoteRevocation::Unsupported
    );
    assert!(platform.requests().is_empty());
}
