//! A custom provider that uses the less common keys of a definition.

use std::sync::Arc;

use evergrant_adapters::{CodeExchange, PlatformAdapter};
use evergrant_model::{AccessToken, ScopeSet};

use crate::support::{FakePlatform, acme, code, held_tokens, response};

/// `{BASE}` is the base URL of the platform.
const KEYS: &str = r#"
    pkce = "none"
    endpoints.variables = { VERSION = "v1" }
    endpoints.unwrap = "/in"
    tokens.scope_field = "granted"
    endpoints.access_token_in = "query"
    tokens.long_lived_exchange = { grant_type = "long", url = "{BASE}/{VERSION}/l" }
    tokens.refresh_exchange = { grant_type = "swap", token_param = "old", client = ["id"] }
    endpoints.userinfo_fields = { x = ["a", "b"], y = ["c"] }
    account.facts = ["a", "b", "d", "e", "f"]
"#;
const PROFILE: &str = r#"{"in":{"sub":"1","a":2,"b":{"c":3},"d":"x","e":[4]}}"#;
const SHORT_LIVED: &str = r#"{"in":{"access_token":"short","granted":["x"]}}"#;
const LONG_LIVED: &str = r#"{"in":{"access_token":"long","granted":"x y"}}"#;
const REFRESHED: &str = r#"{"in":{"access_token":"new"}}"#;

async fn custom_provider() -> (FakePlatform, Arc<dyn PlatformAdapter>) {
    let platform = FakePlatform::responding_with(response(200, PROFILE)).await;
    platform
        .respond_at("grant_type=long", response(200, LONG_LIVED))
        .respond_at("grant_type=swap", response(200, REFRESHED))
        .respond_at("POST /token", response(200, SHORT_LIVED));
    let adapter = acme(&platform.base, &KEYS.replace("{BASE}", &platform.base));
    (platform, adapter)
}

#[tokio::test]
async fn custom_provider_supports_every_key_of_the_catalogue() {
    let (platform, adapter) = custom_provider().await;
    let code = code();
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: "https://app.example/api/integrations/callback/acme",
        verifier: None,
    };
    let tokens = adapter.exchange_code_for_token(&exchange).await.unwrap();
    assert_eq!(
        (tokens.access.expose(), tokens.scope),
        ("long", Some(ScopeSet::parse("x y")))
    );
    adapter
        .refresh_access_token(&held_tokens("long", "unused"))
        .await
        .unwrap();
    let accounts = adapter
        .user_profile(&AccessToken::new("new"), &ScopeSet::parse("x"))
        .await
        .unwrap();
    assert_eq!(
        serde_json::Value::Object(accounts[0].metadata.clone()),
        serde_json::json!({"a": 2, "d": "x"})
    );
    let requested: Vec<_> = platform
        .requests()
        .iter()
        .map(|request| request.uri.to_string())
        .collect();
    let expected = [
        "/token",
        "/v1/l?grant_type=long&access_token=short",
        "/token?grant_type=swap&old=long&client_id=id",
        "/userinfo?fields=a%2Cb&access_token=new",
    ];
    assert_eq!(requested, expected);
}
