//! The authorization URL, the spec and the code exchange.

use evergrant_adapters::{AuthorizationRequest, ErrorClass, RefreshesWith, RevocationReach};
use evergrant_model::{FlowState, PkceVerifier, ScopeSet, SignedDuration, Timestamp};

use super::{CALLBACK, DEBUG_TOKEN, TOKENS, VERIFIER, exchange, graph, instagram};
use crate::support::{NOW_S, catalogue, response};

#[test]
fn authorization_url_has_the_api_version_and_requests_granted_scopes() {
    let scopes = ScopeSet::parse("instagram_basic pages_show_list");
    let (state, verifier) = (FlowState::new("s"), PkceVerifier::new(VERIFIER));
    let request = AuthorizationRequest {
        redirect_uri: CALLBACK,
        state: &state,
        scopes: &scopes,
        verifier: Some(&verifier),
    };
    let adapter = catalogue(
        "instagram",
        "http://127.0.0.1:1/facebook",
        &[("FACEBOOK_GRAPH_VERSION", "v26.0")],
    );
    let url = adapter.auth_url(&request).unwrap();
    assert!(url.starts_with(
        "http://127.0.0.1:1/facebook/v26.0/dialog/oauth?response_type=code&client_id=app&"
    ));
    assert!(
        url.contains("&scope=instagram_basic%2Cpages_show_list&"),
        "{url}"
    );
    assert!(
        url.contains("&code_challenge=b3jssn5SXQGEMzKAHLVhPlWZfXId7nPEIklOVGmJPBo&"),
        "{url}"
    );
    assert!(url.ends_with("&return_scopes=true"), "{url}");
}

#[test]
fn api_version_that_changes_the_url_path_is_rejected() {
    for bad in ["v25/../..", "v25?x=", "..", "v 25"] {
        let adapter = catalogue(
            "instagram",
            "http://127.0.0.1:1",
            &[("FACEBOOK_GRAPH_VERSION", bad)],
        );
        let problem =
            "FACEBOOK_GRAPH_VERSION must be letters, digits, dots, hyphens and underscores";
        assert_eq!(adapter.spec().problem.as_deref(), Some(problem), "{bad}");
    }
}

#[test]
fn spec_states_refresh_by_access_token_and_revocation_reach() {
    let adapter = instagram("http://127.0.0.1:1");
    let spec = adapter.spec();
    assert!(
        spec.is_configured()
            && spec.multi_account
            && spec.capabilities.revoke
            && spec.can_retry_refresh()
    );
    assert_eq!(spec.refreshes_with, RefreshesWith::AccessToken);
    assert!(spec.can_refresh(false));
    assert_eq!(
        spec.refresh_margin(Some(SignedDuration::from_secs(5_184_000))),
        Some(SignedDuration::from_secs(864_000))
    );
    assert_eq!(spec.revocation_reach, RevocationReach::Person);
    assert_eq!(spec.person_key.as_deref(), Some("facebook_user_id"));
}

#[tokio::test]
async fn code_is_exchanged_for_a_short_and_then_a_long_lived_token() {
    let platform = graph().await;
    let tokens = exchange(&platform).await.unwrap();
    let requests = platform.requests();
    assert_eq!(
        platform.requested_routes(),
        [
            TOKENS,
            TOKENS,
            "GET /v25.0/me/permissions",
            "GET /debug_token"
        ]
    );
    for request in &requests[..2] {
        assert_eq!(
            (request.query("client_id"), request.query("client_secret")),
            ("app".into(), "sim-app-secret".into())
        );
    }
    assert_eq!(
        (requests[0].query("code"), requests[0].query("redirect_uri")),
        ("sim-code*!%".to_owned(), CALLBACK.to_owned())
    );
    assert_eq!(requests[0].query("code_verifier"), VERIFIER);
    assert_eq!(requests[1].query("fb_exchange_token"), "EAAsimshort");
    assert_eq!(tokens.access.expose(), "EAAsimlong");
}

#[tokio::test]
async fn code_exchange_returns_expiry_and_granted_scopes() {
    let tokens = exchange(&graph().await).await.unwrap();
    assert!(tokens.refresh.is_none());
    assert_eq!(
        tokens.expires_at,
        Some(Timestamp::from_unix_seconds(NOW_S + 5_184_000))
    );
    assert_eq!(
        tokens.grant_expires_at,
        Some(Timestamp::from_unix_seconds(1_775_001_600))
    );
    assert_eq!(
        tokens.scope,
        Some(ScopeSet::parse("instagram_basic")),
        "declined and expired permissions are not granted"
    );
}

#[tokio::test]
async fn unreadable_permissions_do_not_fail_the_exchange() {
    for (status, body) in [
        (500, ""),
        (200, "{}"),
        (200, "<html>"),
        (400, r#"{"error":{"code":190}}"#),
    ] {
        let platform = graph().await;
        platform.respond_at("/me/permissions", response(status, body));
        let tokens = exchange(&platform).await.unwrap();
        assert_eq!(
            (tokens.access.expose(), tokens.scope),
            ("EAAsimlong", None),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn missing_lifetime_is_read_from_debug_token_and_zero_is_none() {
    for (stated, expiry) in [
        (
            "1772409600",
            Some(Timestamp::from_unix_seconds(1_772_409_600)),
        ),
        ("0", None),
    ] {
        let platform = graph().await;
        platform
            .respond_at(
                "grant_type=fb_exchange_token",
                response(200, r#"{"access_token":"EAAsimlong"}"#),
            )
            .respond_at(
                "GET /debug_token",
                response(200, DEBUG_TOKEN.replace("1772409600", stated)),
            );
        assert_eq!(
            exchange(&platform).await.unwrap().expires_at,
            expiry,
            "{stated}"
        );
        let requests = platform.requests();
        let debug_request = requests.last().unwrap();
        assert_eq!(debug_request.uri.path(), "/debug_token");
        assert_eq!(debug_request.query("input_token"), "EAAsimlong");
        assert_eq!(debug_request.query("access_token"), "app|sim-app-secret");
    }
}

#[tokio::test]
async fn failure_after_the_code_is_spent_is_not_known_unprocessed() {
    let platform = graph().await;
    platform.respond_at("grant_type=fb_exchange_token", response(429, "{}"));
    let error = exchange(&platform).await.unwrap_err();
    assert_eq!(
        (error.class(), error.is_known_unprocessed()),
        (ErrorClass::RateLimited, false)
    );
}
