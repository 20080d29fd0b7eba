//! Instagram with its own login, which is the engine and a definition.

use std::sync::Arc;

use evergrant_adapters::{
    AdapterError, CodeExchange, ErrorClass, HeldTokens, PlatformAdapter, RemoteRevocation,
};
use evergrant_model::{AccessToken, ScopeSet, Timestamp, TokenSet};

use crate::support::{NOW_S, Platform, acme, catalogue, code, told};

const CALLBACK: &str = "https://app.example/api/integrations/callback/instagram-login";
const LONG: &str = r#"{"access_token":"IGAAsimlong","token_type":"bearer","expires_in":5183000}"#;

fn login(base: &str) -> Arc<dyn PlatformAdapter> {
    catalogue("instagram-login", base, &[])
}

async fn exchanged(platform: &Platform) -> Result<TokenSet, AdapterError> {
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
fn its_spec_says_what_it_cannot_do_and_when_it_renews() {
    let adapter = login("http://127.0.0.1:1");
    let spec = adapter.spec();
    assert!(
        spec.is_configured()
            && !spec.uses_pkce()
            && !spec.capabilities.revoke
            && spec.can_refresh(false)
    );
    assert_eq!(
        (spec.refresh_not_before_seconds, spec.refresh_ahead_seconds),
        (86_400, Some(864_000))
    );
}

#[tokio::test]
async fn a_wrapped_or_flat_answer_gives_the_same_tokens() {
    let short = r#"{"access_token":"IGAAsimshort","user_id":17841400000000001,"permissions":["instagram_business_basic","instagram_business_manage_insights"]}"#;
    let text = r#"{"access_token":"IGAAsimshort","user_id":"17841400000000001","permissions":"instagram_business_manage_insights,instagram_business_basic"}"#;
    for body in [
        short.to_owned(),
        text.to_owned(),
        format!(r#"{{"data":[{short}]}}"#),
        format!(r#"{{"data":[{text}]}}"#),
    ] {
        let platform = Platform::telling(told(200, &body)).await;
        platform.tell_at("GET /access_token?", told(200, LONG));
        let tokens = exchanged(&platform).await.unwrap();
        assert_eq!(
            platform.routes_seen(),
            ["POST /oauth/access_token", "GET /access_token"]
        );
        let lengthened = &platform.seen()[1];
        assert_eq!(lengthened.query("grant_type"), "ig_exchange_token");
        assert_eq!(
            (
                lengthened.query("client_secret"),
                lengthened.query("client_id")
            ),
            ("sim-app-secret".into(), String::new())
        );
        assert_eq!(lengthened.query("access_token"), "IGAAsimshort");
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
async fn the_code_travels_in_parts_and_another_definition_may_say_otherwise() {
    let platform = Platform::telling(told(200, LONG)).await;
    exchanged(&platform).await.unwrap();
    let seen = &platform.seen()[0];
    assert!(
        seen.header("content-type")
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
        assert!(seen.body.contains(&part), "{name} in {}", seen.body);
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
    assert_eq!(platform.seen().last().unwrap().field("code"), "sim-code*!%");
}

#[tokio::test]
async fn a_refused_code_is_recognised_in_its_flat_shape() {
    let flat = r#"{"error_type":"OAuthException","code":400,"error_message":"sim: code used"}"#;
    let platform = Platform::telling(told(400, flat)).await;
    assert_eq!(
        exchanged(&platform).await.unwrap_err().class(),
        ErrorClass::BadRequest
    );
    assert_eq!(platform.seen().len(), 1);
}

#[tokio::test]
async fn a_renewal_needs_no_secret() {
    let platform = Platform::telling(told(200, LONG)).await;
    let held = HeldTokens {
        access: Some(AccessToken::new("IGAAold")),
        refresh: None,
    };
    let tokens = login(&platform.base)
        .refresh_access_token(&held)
        .await
        .unwrap();
    let seen = platform.only();
    assert_eq!(seen.route(), "GET /refresh_access_token");
    assert_eq!(
        seen.uri.query(),
        Some("grant_type=ig_refresh_token&access_token=IGAAold")
    );
    assert_eq!(tokens.access.expose(), "IGAAsimlong");
}

#[tokio::test]
async fn the_account_is_the_professional_one_with_all_its_digits() {
    let flat = r#"{"id":"98765","user_id":17841400000000001,"username":"simgram","name":"Sim","account_type":"BUSINESS","followers_count":5}"#;
    for body in [flat.to_owned(), format!(r#"{{"data":[{flat}]}}"#)] {
        let platform = Platform::telling(told(200, &body)).await;
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
        let seen = platform.only();
        assert_eq!(
            (seen.route().as_str(), seen.header("authorization")),
            ("GET /v25.0/me", "")
        );
        assert_eq!(seen.query("access_token"), "IGAAsimlong");
        assert!(
            seen.query("fields").starts_with("id,user_id,username,"),
            "{}",
            seen.uri
        );
    }
}

#[tokio::test]
async fn nothing_ends_the_grant_from_here() {
    let platform = Platform::telling(told(200, "{}")).await;
    let held = HeldTokens {
        access: Some(AccessToken::new("IGAA")),
        refresh: None,
    };
    assert_eq!(
        login(&platform.base).revoke_access(&held).await.unwrap(),
        RemoteRevocation::Unsupported
    );
    assert!(platform.seen().is_empty());
}
