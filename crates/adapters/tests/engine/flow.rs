//! What is sent, and what is made of success.

use std::sync::Arc;

use axum::Router;
use evergrant_adapters::{
    AuthorizationRequest, CodeExchange, ErrorClass, HeldTokens, RemoteRevocation,
};
use evergrant_model::{AccessToken, Clock, FlowState, PkceVerifier, ScopeSet, Timestamp};
use tokio::net::TcpListener;
use url::Url;

use crate::support::{NOW_S, Platform, acme, clock, code, held, reddit, reddit_by, told};

const CALLBACK: &str = "https://app.example/api/integrations/callback/reddit";
const TOKENS: &str = r#"{"access_token":"1000001-simAccess","token_type":"bearer","expires_in":86400,
    "refresh_token":"1000001-simRefresh","scope":"history identity read"}"#;
const VERIFIER: &str = "evergrant-sim-verifier-0123456789-abcdefghijklmnop";

fn query(address: &str) -> Vec<(String, String)> {
    Url::parse(address)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn exchange<'a>(
    code: &'a evergrant_model::AuthorizationCode,
    verifier: Option<&'a PkceVerifier>,
) -> CodeExchange<'a> {
    CodeExchange {
        code,
        redirect_uri: CALLBACK,
        verifier,
    }
}

#[test]
fn reddits_consent_page_is_asked_for_a_permanent_grant() {
    let scopes = ScopeSet::parse("identity history");
    let state = FlowState::new("sim-state");
    let request = AuthorizationRequest {
        redirect_uri: CALLBACK,
        state: &state,
        scopes: &scopes,
        verifier: None,
    };
    let address = reddit("http://127.0.0.1:1").auth_url(&request).unwrap();
    assert!(address.starts_with("http://127.0.0.1:1/api/v1/authorize?"));
    let expected = pairs(&[
        ("response_type", "code"),
        ("client_id", "simRedditId"),
        ("redirect_uri", CALLBACK),
        ("state", "sim-state"),
        ("scope", "history identity"),
        ("duration", "permanent"),
    ]);
    assert_eq!(query(&address), expected);
}

#[test]
fn a_consent_page_keeps_its_own_query_and_takes_the_platforms_names() {
    let more = r#"
        client.id_param = "client_key"
        client.scope_separator = ","
        pkce = "S256-hex"
        authorize_params = { prompt = "consent" }
    "#;
    let scopes = ScopeSet::parse("b a");
    let (state, verifier) = (FlowState::new("s"), PkceVerifier::new(VERIFIER));
    let request = AuthorizationRequest {
        redirect_uri: CALLBACK,
        state: &state,
        scopes: &scopes,
        verifier: Some(&verifier),
    };
    let adapter = acme("https://acme.example/v2?tenant=1&rest=", more);
    let query = query(&adapter.auth_url(&request).unwrap());
    for pair in pairs(&[
        ("tenant", "1"),
        ("client_key", "id"),
        ("scope", "a,b"),
        (
            "code_challenge",
            "6f78ecb27e525d01843332801cb5613e55997d721dee73c422494e5469893c1a",
        ),
        ("code_challenge_method", "S256"),
        ("prompt", "consent"),
    ]) {
        assert!(query.contains(&pair), "{pair:?} in {query:?}");
    }
    assert!(
        !query
            .iter()
            .any(|(name, value)| name == "client_id" || value.contains(VERIFIER))
    );
}

#[tokio::test]
async fn a_platform_with_pkce_is_never_asked_without() {
    let platform = Platform::telling(told(200, TOKENS)).await;
    let adapter = acme(&platform.base, "");
    let (state, short) = (FlowState::new("s"), PkceVerifier::new("short"));
    for verifier in [None, Some(&short)] {
        let scopes = ScopeSet::default();
        let request = AuthorizationRequest {
            redirect_uri: CALLBACK,
            state: &state,
            scopes: &scopes,
            verifier,
        };
        assert_eq!(
            adapter.auth_url(&request).unwrap_err().class(),
            ErrorClass::BadRequest
        );
        let error = adapter
            .exchange_code_for_token(&exchange(&code(), verifier))
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::BadRequest);
    }
    assert!(platform.seen().is_empty());
}

#[tokio::test]
async fn reddits_code_is_exchanged_with_basic_and_the_operators_user_agent() {
    let platform = Platform::telling(told(200, TOKENS)).await;
    let tokens = reddit(&platform.base)
        .exchange_code_for_token(&exchange(&code(), None))
        .await
        .unwrap();
    let seen = platform.only();
    assert_eq!(
        (seen.method.as_str(), seen.uri.path()),
        ("POST", "/api/v1/access_token")
    );
    assert_eq!(
        seen.header("authorization"),
        "Basic c2ltUmVkZGl0SWQ6c2ltUmVkZGl0U2VjcmV0"
    );
    assert_eq!(
        seen.header("user-agent"),
        "web:evergrant-sim:0.1 (by /u/juniper)"
    );
    assert_eq!(
        seen.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    let form: Vec<_> = seen.form.into_iter().collect();
    let expected = [
        ("code", "sim-code*!%"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
    ];
    assert_eq!(form, pairs(&expected));
    assert_eq!(tokens.access.expose(), "1000001-simAccess");
    assert_eq!(tokens.refresh.unwrap().expose(), "1000001-simRefresh");
    assert_eq!(tokens.token_type.as_deref(), Some("bearer"));
    assert_eq!(
        tokens.expires_at,
        Some(Timestamp::from_unix_seconds(NOW_S + 86_400))
    );
    assert_eq!(tokens.scope, Some(ScopeSet::parse("history identity read")));
}

#[tokio::test]
async fn id_and_secret_are_form_encoded_before_basic() {
    let platform = Platform::telling(told(200, TOKENS)).await;
    acme(&platform.base, "")
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap();
    // base64 of `id:s3cret%2B%2F+%25`
    assert_eq!(
        platform.only().header("authorization"),
        "Basic aWQ6czNjcmV0JTJCJTJGKyUyNQ=="
    );
}

#[tokio::test]
async fn a_client_may_prove_itself_in_the_form_or_not_at_all() {
    let platform = Platform::telling(told(200, TOKENS)).await;
    let more = "client_auth = \"post\"\nclient.id_param = \"client_key\"";
    acme(&platform.base, more)
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap();
    acme(&platform.base, "client_auth = \"none\"")
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap();
    let seen = platform.seen();
    assert!(
        seen.iter()
            .all(|seen| seen.header("authorization").is_empty())
    );
    assert_eq!(
        (seen[0].field("client_key"), seen[0].field("client_secret")),
        ("id", "s3cret+/ %")
    );
    assert_eq!(seen[0].field("client_id"), "");
    assert_eq!(
        (seen[1].field("client_id"), seen[1].field("client_secret")),
        ("id", "")
    );
}

#[tokio::test]
async fn the_verifier_goes_with_the_code() {
    let platform = Platform::telling(told(200, TOKENS)).await;
    let verifier = PkceVerifier::new(VERIFIER);
    acme(&platform.base, "")
        .exchange_code_for_token(&exchange(&code(), Some(&verifier)))
        .await
        .unwrap();
    assert_eq!(platform.only().field("code_verifier"), VERIFIER);
}

#[tokio::test]
async fn a_refresh_sends_the_refresh_token_and_nothing_of_the_access_token() {
    let platform = Platform::telling(told(200, r#"{"access_token":"new","expires_in":60}"#)).await;
    let tokens = reddit(&platform.base)
        .refresh_access_token(&held("old", "r"))
        .await
        .unwrap();
    let form: Vec<_> = platform.only().form.into_iter().collect();
    assert_eq!(
        form,
        pairs(&[("grant_type", "refresh_token"), ("refresh_token", "r")])
    );
    assert_eq!(tokens.access.expose(), "new");
    assert!(tokens.refresh.is_none(), "keep the old one");
}

#[tokio::test]
async fn a17_a_tokens_life_counts_from_the_moment_of_sending() {
    let clock = clock();
    let slow = Arc::clone(&clock);
    let answers = Router::new().fallback(move || {
        slow.advance_seconds(100);
        async { r#"{"access_token":"a","expires_in":3600}"# }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, answers).await });
    let tokens = reddit_by(Arc::clone(&clock), &base)
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap();
    assert_eq!(
        tokens.expires_at,
        Some(Timestamp::from_unix_seconds(NOW_S + 3600))
    );
    assert_eq!(clock.now(), Timestamp::from_unix_seconds(NOW_S + 100));
}

#[tokio::test]
async fn without_a_refresh_token_no_call_is_made() {
    let platform = Platform::telling(told(200, TOKENS)).await;
    let only_access = HeldTokens {
        access: Some(AccessToken::new("a")),
        refresh: None,
    };
    let error = reddit(&platform.base)
        .refresh_access_token(&only_access)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::NeedsReauth);
    let renounced = acme(&platform.base, "tokens.refresh = false")
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap_err();
    assert_eq!(renounced.class(), ErrorClass::NeedsReauth);
    assert!(platform.seen().is_empty());
}

#[tokio::test]
async fn reddits_profile_is_got_with_the_bearer_token() {
    let profile = r#"{"id":"sim9z","name":"juniper","total_karma":12,"created_utc":1767225600.0}"#;
    let platform = Platform::telling(told(200, profile)).await;
    let accounts = reddit(&platform.base)
        .user_profile(&AccessToken::new("tok"), &ScopeSet::default())
        .await
        .unwrap();
    let seen = platform.only();
    assert_eq!(
        (seen.method.as_str(), seen.uri.to_string().as_str()),
        ("GET", "/api/v1/me?raw_json=1")
    );
    assert_eq!(seen.header("authorization"), "Bearer tok");
    assert_eq!(
        seen.header("user-agent"),
        "web:evergrant-sim:0.1 (by /u/juniper)"
    );
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].id.as_str(), "sim9z");
    assert_eq!(accounts[0].metadata["karma"], 12);
}

#[tokio::test]
async fn a_custom_profile_reads_openids_claims() {
    let profile = r#"{"sub":"248289761001","preferred_username":"j.doe","name":"Jane Doe","picture":"https://a.example/j.jpg"}"#;
    let platform = Platform::telling(told(200, profile)).await;
    let accounts = acme(&platform.base, "")
        .user_profile(&AccessToken::new("tok"), &ScopeSet::default())
        .await
        .unwrap();
    assert_eq!(accounts[0].id.as_str(), "248289761001");
    assert_eq!(accounts[0].username.as_deref(), Some("j.doe"));
    assert_eq!(
        accounts[0].metadata["avatar_url"],
        "https://a.example/j.jpg"
    );
}

#[tokio::test]
async fn a_custom_platform_has_every_departure_of_the_catalogue() {
    let platform = Platform::telling(told(
        200,
        r#"{"in":{"sub":"1","a":2,"b":{"c":3},"d":"x","e":[4]}}"#,
    ))
    .await;
    platform.tell_at(
        "grant_type=long",
        told(200, r#"{"in":{"access_token":"long","granted":"x y"}}"#),
    );
    platform.tell_at(
        "POST /token",
        told(200, r#"{"in":{"access_token":"short","granted":["x"]}}"#),
    );
    let more = r#"
        pkce = "none"
        endpoints.variables = { VERSION = "v1" }
        endpoints.unwrap = "/in"
        tokens.scope_field = "granted"
        endpoints.access_token_in = "query"
        tokens.long_lived_exchange = { grant_type = "long" }
        tokens.renew = { grant_type = "renew", token_param = "old", client = ["id"] }
        endpoints.userinfo_fields = { x = ["a", "b"], y = ["c"] }
        account.facts = ["a", "b", "d", "e", "f"]
    "#;
    let adapter = acme(
        &platform.base,
        &more.replace(
            "\"long\"",
            &format!("\"long\", url = \"{}/{{VERSION}}/l\"", platform.base),
        ),
    );
    let tokens = adapter
        .exchange_code_for_token(&exchange(&code(), None))
        .await
        .unwrap();
    assert_eq!(
        (tokens.access.expose(), tokens.scope),
        ("long", Some(ScopeSet::parse("x y")))
    );
    platform.tell_at(
        "grant_type=renew",
        told(200, r#"{"in":{"access_token":"new"}}"#),
    );
    adapter
        .refresh_access_token(&held("long", "unused"))
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
    let asked: Vec<_> = platform
        .seen()
        .iter()
        .map(|seen| seen.uri.to_string())
        .collect();
    let expected = [
        "/token",
        "/v1/l?grant_type=long&access_token=short",
        "/token?grant_type=renew&old=long&client_id=id",
        "/userinfo?fields=a%2Cb&access_token=new",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn reddits_refresh_token_is_the_one_to_revoke() {
    for status in [200, 204] {
        let platform = Platform::telling(told(status, "")).await;
        let outcome = reddit(&platform.base)
            .revoke_access(&held("a", "r"))
            .await
            .unwrap();
        assert_eq!(outcome, RemoteRevocation::Revoked);
        let seen = platform.only();
        assert_eq!(seen.uri.path(), "/api/v1/revoke_token");
        assert_eq!(
            (seen.field("token"), seen.field("token_type_hint")),
            ("r", "refresh_token")
        );
        assert!(seen.header("authorization").starts_with("Basic "));
    }
}

#[tokio::test]
async fn revocation_takes_the_refresh_token_first_and_whatever_else_is_held() {
    let platform = Platform::telling(told(200, "")).await;
    let adapter = acme(&platform.base, "");
    adapter.revoke_access(&held("a", "r")).await.unwrap();
    let only_access = HeldTokens {
        access: Some(AccessToken::new("b")),
        refresh: None,
    };
    reddit(&platform.base)
        .revoke_access(&only_access)
        .await
        .unwrap();
    let sent: Vec<String> = platform
        .seen()
        .iter()
        .map(|seen| seen.field("token").to_owned())
        .collect();
    assert_eq!(sent, ["r", "a", "b"]);
    let nothing = HeldTokens {
        access: None,
        refresh: None,
    };
    assert_eq!(
        adapter.revoke_access(&nothing).await.unwrap(),
        RemoteRevocation::Unsupported
    );
}

#[tokio::test]
async fn a_grant_that_is_gone_already_counts_as_revoked() {
    for body in [
        r#"{"error":"invalid_token"}"#,
        r#"{"error":"invalid_grant"}"#,
    ] {
        let platform = Platform::telling(told(400, body)).await;
        let outcome = acme(&platform.base, "")
            .revoke_access(&held("a", "r"))
            .await
            .unwrap();
        assert_eq!(outcome, RemoteRevocation::Revoked, "{body}");
    }
    let platform = Platform::telling(told(400, r#"{"error":"unsupported_token_type"}"#)).await;
    let outcome = acme(&platform.base, "")
        .revoke_access(&held("a", "r"))
        .await
        .unwrap();
    assert_eq!(outcome, RemoteRevocation::Unsupported);
}
