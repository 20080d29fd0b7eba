//! The authorization URL, the code exchange and client authentication.

use evergrant_adapters::{AuthorizationRequest, CodeExchange, ErrorClass};
use evergrant_model::{AuthorizationCode, FlowState, PkceVerifier, ScopeSet, Timestamp};
use url::Url;

use crate::support::{FakePlatform, NOW_S, acme, code, held_tokens, reddit, response};

const CALLBACK: &str = "https://app.example/api/integrations/callback/reddit";
const TOKENS: &str = r#"{"access_token":"1000001-simAccess","token_type":"bearer","expires_in":86400,
    "refresh_token":"1000001-simRefresh","scope":"history identity read"}"#;
const VERIFIER: &str = "evergrant-sim-verifier-0123456789-abcdefghijklmnop";

fn query(url: &str) -> Vec<(String, String)> {
    Url::parse(url)
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
    code: &'a AuthorizationCode,
    verifier: Option<&'a PkceVerifier>,
) -> CodeExchange<'a> {
    CodeExchange {
        code,
        redirect_uri: CALLBACK,
        verifier,
    }
}

#[test]
fn reddit_authorization_url_requests_a_permanent_grant() {
    let scopes = ScopeSet::parse("identity history");
    let state = FlowState::new("sim-state");
    let request = AuthorizationRequest {
        redirect_uri: CALLBACK,
        state: &state,
        scopes: &scopes,
        verifier: None,
    };
    let url = reddit("http://127.0.0.1:1").auth_url(&request).unwrap();
    assert!(url.starts_with("http://127.0.0.1:1/api/v1/authorize?"));
    let expected = pairs(&[
        ("response_type", "code"),
        ("client_id", "simRedditId"),
        ("redirect_uri", CALLBACK),
        ("state", "sim-state"),
        ("scope", "history identity"),
        ("duration", "permanent"),
    ]);
    assert_eq!(query(&url), expected);
}

#[test]
fn authorization_url_keeps_its_query_and_uses_configured_names() {
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
async fn flow_without_valid_verifier_is_rejected_before_any_call() {
    let platform = FakePlatform::responding_with(response(200, TOKENS)).await;
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
    assert!(platform.requests().is_empty());
}

#[tokio::test]
async fn reddit_exchange_uses_basic_auth_and_the_configured_user_agent() {
    let platform = FakePlatform::responding_with(response(200, TOKENS)).await;
    let tokens = reddit(&platform.base)
        .exchange_code_for_token(&exchange(&code(), None))
        .await
        .unwrap();
    let request = platform.only_request();
    assert_eq!(
        (request.method.as_str(), request.uri.path()),
        ("POST", "/api/v1/access_token")
    );
    assert_eq!(
        request.header("authorization"),
        "Basic c2ltUmVkZGl0SWQ6c2ltUmVkZGl0U2VjcmV0"
    );
    assert_eq!(
        request.header("user-agent"),
        "web:evergrant-sim:0.1 (by /u/juniper)"
    );
    assert_eq!(
        request.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    let form: Vec<_> = request.form.into_iter().collect();
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
async fn client_id_and_secret_are_form_encoded_for_basic_auth() {
    let platform = FakePlatform::responding_with(response(200, TOKENS)).await;
    acme(&platform.base, "")
        .refresh_access_token(&held_tokens("a", "r"))
        .await
        .unwrap();
    // base64 of `id:s3cret%2B%2F+%25`
    assert_eq!(
        platform.only_request().header("authorization"),
        "Basic aWQ6czNjcmV0JTJCJTJGKyUyNQ=="
    );
}

#[tokio::test]
async fn client_authenticates_in_the_form_or_not_at_all() {
    let platform = FakePlatform::responding_with(response(200, TOKENS)).await;
    let more = "client_auth = \"post\"\nclient.id_param = \"client_key\"";
    acme(&platform.base, more)
        .refresh_access_token(&held_tokens("a", "r"))
        .await
        .unwrap();
    acme(&platform.base, "client_auth = \"none\"")
        .refresh_access_token(&held_tokens("a", "r"))
        .await
        .unwrap();
    let requests = platform.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.header("authorization").is_empty())
    );
    assert_eq!(
        (
            requests[0].field("client_key"),
            requests[0].field("client_secret")
        ),
        ("id", "s3cret+/ %")
    );
    assert_eq!(requests[0].field("client_id"), "");
    assert_eq!(
        (
            requests[1].field("client_id"),
            requests[1].field("client_secret")
        ),
        ("id", "")
    );
}

#[tokio::test]
async fn code_exchange_sends_the_verifier() {
    let platform = FakePlatform::responding_with(response(200, TOKENS)).await;
    let verifier = PkceVerifier::new(VERIFIER);
    acme(&platform.base, "")
        .exchange_code_for_token(&exchange(&code(), Some(&verifier)))
        .await
        .unwrap();
    assert_eq!(platform.only_request().field("code_verifier"), VERIFIER);
}
