//! Code exchange at the token endpoint.

use axum::http::{Request, StatusCode};
use evergrant_sandbox::Switch;
use serde_json::json;

use crate::harness::{ALL_SCOPES, BASIC, CALLBACK, Harness, ME, OTHER_BASIC, TOKEN, USER_AGENT};

#[tokio::test]
async fn code_is_exchanged_for_tokens() {
    let harness = Harness::new();
    let response = harness.exchange(&harness.code("juniper", &[])).await;
    assert_eq!(response.status, StatusCode::OK);
    let (json, number) = (response.json(), u64::from_str_radix("sim9z", 36).unwrap());
    assert_eq!(json["token_type"], "bearer");
    assert_eq!(json["expires_in"], 86_400);
    let mut scopes: Vec<_> = ALL_SCOPES.split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(json["scope"], scopes.join(" "));
    for token in ["access_token", "refresh_token"] {
        assert!(
            response.text(token).starts_with(&format!("{number}-")),
            "{token}"
        );
    }
    assert_ne!(json["access_token"], json["refresh_token"]);
}

#[tokio::test]
async fn temporary_grant_has_no_refresh_token() {
    let harness = Harness::new();
    for duration in ["temporary", ""] {
        let response = harness
            .exchange(&harness.code("juniper", &[("duration", duration)]))
            .await;
        assert!(response.json().get("access_token").is_some());
        assert_eq!(response.json().get("refresh_token"), None, "{duration:?}");
    }
}

#[tokio::test]
async fn rejected_code_gets_200_with_an_error() {
    let harness = Harness::new();
    let code = harness.code("juniper", &[]);
    let grant = ("grant_type", "authorization_code");
    let wrong_uri = format!("{CALLBACK}/");
    let unknown = [grant, ("code", "unknown"), ("redirect_uri", CALLBACK)];
    let other_redirect = [grant, ("code", &code), ("redirect_uri", &wrong_uri)];
    for fields in [unknown, other_redirect] {
        let response = harness.post_as_client(TOKEN, &fields).await;
        assert_eq!(
            (response.status, response.json()),
            (StatusCode::OK, json!({ "error": "invalid_grant" }))
        );
    }
    let valid = [grant, ("code", &code), ("redirect_uri", CALLBACK)];
    let other_client = harness
        .post(
            TOKEN,
            &[("user-agent", USER_AGENT), ("authorization", OTHER_BASIC)],
            &valid,
        )
        .await;
    assert_eq!(
        (other_client.status, other_client.json()),
        (StatusCode::OK, json!({ "error": "invalid_grant" }))
    );
    assert!(
        harness
            .post_as_client(TOKEN, &valid)
            .await
            .json()
            .get("access_token")
            .is_some(),
        "a rejected exchange does not consume the code"
    );
}

#[tokio::test]
async fn code_can_be_used_once() {
    let harness = Harness::new();
    let code = harness.code("juniper", &[]);
    assert!(
        harness
            .exchange(&code)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
    assert_eq!(
        harness.exchange(&code).await.json(),
        json!({ "error": "invalid_grant" })
    );
}

#[tokio::test]
async fn code_expires_after_ten_minutes() {
    let harness = Harness::new();
    let (young, old) = (harness.code("juniper", &[]), harness.code("juniper", &[]));
    harness.clock.advance_seconds(599);
    assert!(
        harness
            .exchange(&young)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
    harness.sandbox.advance_seconds(1);
    assert_eq!(
        harness.exchange(&old).await.json(),
        json!({ "error": "invalid_grant" })
    );
}

/// Malformed fields of a token request, and the error in the response.
const MALFORMED_REQUESTS: [(&[(&str, &str)], &str); 6] = [
    (
        &[
            ("grant_type", "authorization_code"),
            ("redirect_uri", CALLBACK),
        ],
        "invalid_request",
    ),
    (
        &[("grant_type", "authorization_code"), ("code", "c")],
        "invalid_request",
    ),
    (&[("grant_type", "magic")], "unsupported_grant_type"),
    (&[], "unsupported_grant_type"),
    (
        &[
            ("grant_type", "password"),
            ("username", "u"),
            ("password", "p"),
        ],
        "unauthorized_client",
    ),
    (
        &[
            ("grant_type", "client_credentials"),
            ("scope", "no-such-scope"),
        ],
        "invalid_scope",
    ),
];

#[tokio::test]
async fn malformed_token_request_gets_200_with_an_error() {
    let harness = Harness::new();
    for (fields, error) in MALFORMED_REQUESTS {
        let response = harness.post_as_client(TOKEN, fields).await;
        assert_eq!(
            (response.status, response.text("error").as_str()),
            (StatusCode::OK, error),
            "{fields:?}"
        );
    }
    let described = harness
        .post_as_client(TOKEN, &[("grant_type", "password")])
        .await;
    assert!(described.json().get("error_description").is_some());
}

/// Missing, malformed, wrong and unsupported values of the `Authorization` header.
const INVALID_AUTHORIZATIONS: [Option<&str>; 4] = [
    None,
    Some("Basic !"),
    Some("Basic c2ltUmVkZGl0SWQ6bm8="),
    Some("bearer x"),
];

#[tokio::test]
async fn failed_client_authentication_gets_401_with_numeric_error() {
    let harness = Harness::new();
    let code = harness.code("juniper", &[]);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let credentials = [
        ("client_id", "simRedditId"),
        ("client_secret", "simRedditSecret"),
    ];
    let with_credentials_in_body = [&fields[..], &credentials].concat();
    for authorization in INVALID_AUTHORIZATIONS {
        let authorization = authorization.map(|value| ("authorization", value));
        let headers = [&[("user-agent", USER_AGENT)][..], authorization.as_slice()].concat();
        for fields in [&fields[..], &with_credentials_in_body] {
            let response = harness.post(TOKEN, &headers, fields).await;
            assert_eq!(response.status, StatusCode::UNAUTHORIZED);
            assert_eq!(
                response.header("www-authenticate"),
                Some("Basic realm=\"reddit\"")
            );
            assert_eq!(
                response.json(),
                json!({ "message": "Unauthorized", "error": 401 })
            );
        }
    }
    let tokens = harness.exchange(&code).await.json();
    assert!(tokens.get("access_token").is_some());
}

#[tokio::test]
async fn non_form_body_has_no_parameters() {
    let harness = Harness::new();
    let request = Request::post(TOKEN)
        .header("user-agent", USER_AGENT)
        .header("authorization", BASIC)
        .header("content-type", "application/json")
        .body(r#"{"grant_type":"refresh_token","refresh_token":"x"}"#.into());
    assert_eq!(
        harness.send(request.unwrap()).await.text("error"),
        "unsupported_grant_type"
    );
}

#[tokio::test]
async fn access_token_lifetime_follows_switch_and_sandbox_clock() {
    let harness = Harness::new();
    harness.set_switch("reddit", Switch::ExpiresIn(3600));
    let response = harness.exchange(&harness.code("juniper", &[])).await;
    assert_eq!(response.json()["expires_in"], 3600);
    let token = response.text("access_token");
    harness.sandbox.advance_seconds(3599);
    assert_eq!(harness.api_get(ME, &token).await.status, StatusCode::OK);
    harness.sandbox.advance_seconds(1);
    assert_eq!(
        harness.api_get(ME, &token).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn exchange_can_fail_once_and_then_succeed() {
    let harness = Harness::new();
    let limited = harness.code("juniper", &[("misbehave", "rate-limited")]);
    let response = harness.exchange(&limited).await;
    assert_eq!(
        (response.status, response.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, Some("3"))
    );
    assert_eq!(harness.exchange(&limited).await.status, StatusCode::OK);

    let broken = harness.code("juniper", &[("misbehave", "server-error")]);
    let response = harness.exchange(&broken).await;
    assert_eq!(
        (response.status, response.body.as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, "")
    );
    assert!(
        harness
            .exchange(&broken)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn slow_token_response_takes_five_seconds() {
    let harness = Harness::new();
    let code = harness.code("juniper", &[("misbehave", "slow-token")]);
    let before = tokio::time::Instant::now();
    assert!(
        harness
            .exchange(&code)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
    assert_eq!(before.elapsed().as_secs(), 5);
}
