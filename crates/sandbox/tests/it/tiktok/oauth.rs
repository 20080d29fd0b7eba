//! The token and revocation endpoints.

use axum::http::StatusCode;
use evergrant_sandbox::{Switch, dev_settings};
use serde_json::json;

use super::{
    APP, CALLBACK, OPEN_ID, OTHER_APP, REVOKE, SCOPES, TOKEN, VERIFIER, auth_url, code, connect,
    envelope_code, exchange, flat_error, get, post_as_app, refresh,
};
use crate::harness::{BASE, Harness, path_of, query_param};

#[tokio::test]
async fn code_is_exchanged_for_tokens() {
    let harness = Harness::new();
    let response = exchange(&harness, &code(&harness, "juniper", &[])).await;
    assert_eq!(response.status, StatusCode::OK);
    let json = response.json();
    assert_eq!(json["open_id"], "-000simOpenId01");
    assert_eq!(
        (&json["expires_in"], &json["refresh_expires_in"]),
        (&json!(86_400), &json!(31_536_000))
    );
    assert_eq!(
        (&json["token_type"], &json["scope"]),
        (&json!("Bearer"), &json!(SCOPES))
    );
    assert_ne!(json["access_token"], json["refresh_token"]);
    assert_eq!(
        json.get("error"),
        None,
        "the response has no error envelope"
    );
}

#[tokio::test]
async fn client_id_is_not_accepted_as_client_key() {
    let harness = Harness::new();
    let (_, token) = connect(&harness, "juniper").await;
    let fields = [
        ("client_id", "simkey01"),
        ("client_secret", "sim-client-secret"),
    ];
    let refreshing = [
        &fields[..],
        &[("grant_type", "refresh_token"), ("refresh_token", &token)],
    ]
    .concat();
    let revoking = [&fields[..], &[("token", &token)]].concat();
    for (path, fields) in [(TOKEN, refreshing), (REVOKE, revoking)] {
        assert_eq!(
            flat_error(&harness.post(path, &[], &fields).await),
            (400, "invalid_request".into())
        );
    }
    assert_eq!(refresh(&harness, &token).await.status, StatusCode::OK);
}

const GRANT_TYPE_CODE: (&str, &str) = ("grant_type", "authorization_code");
const PROOF: [(&str, &str); 1] = [("code_verifier", VERIFIER)];

/// Posts `fields` to the token endpoint and asserts that the response is this error.
async fn assert_token_error(harness: &Harness, fields: &[&[(&str, &str)]], expected: (u16, &str)) {
    let response = harness.post(TOKEN, &[], &fields.concat()).await;
    assert_eq!(
        flat_error(&response),
        (expected.0, expected.1.to_owned()),
        "{fields:?}"
    );
}

#[tokio::test]
async fn rejected_exchange_gets_a_flat_error_and_keeps_the_code() {
    let harness = Harness::new();
    let code = code(&harness, "juniper", &[]);
    let grant = [
        GRANT_TYPE_CODE,
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let (wrong_secret, unknown_key) = (
        [("client_key", "simkey01"), ("client_secret", "wrong")],
        [
            ("client_key", "simkey99"),
            ("client_secret", "sim-client-secret"),
        ],
    );
    let fails = async |fields: &[&[(&str, &str)]], status, error| {
        assert_token_error(&harness, fields, (status, error)).await;
    };
    fails(&[&wrong_secret, &grant, &PROOF], 401, "invalid_client").await;
    fails(&[&unknown_key, &grant, &PROOF], 401, "invalid_client").await;
    fails(&[&OTHER_APP, &grant, &PROOF], 400, "invalid_grant").await;
    fails(&[&APP, &grant], 400, "invalid_request").await;
    fails(&[&APP, &grant[..2], &PROOF], 400, "invalid_request").await;
    assert_eq!(
        exchange(&harness, &code).await.status,
        StatusCode::OK,
        "a rejected exchange does not consume the code"
    );
    assert_eq!(
        flat_error(&exchange(&harness, &code).await),
        (400, "invalid_grant".into()),
        "a successful exchange does"
    );
}

#[tokio::test]
async fn invalid_grant_types_and_tokens_get_flat_errors() {
    let harness = Harness::new();
    let refreshing = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let fails = async |fields: &[&[(&str, &str)]], error| {
        assert_token_error(&harness, fields, (400, error)).await;
    };
    fails(
        &[&APP, &[("grant_type", "magic")]],
        "unsupported_grant_type",
    )
    .await;
    fails(
        &[&APP, &[("grant_type", "client_credentials")]],
        "unauthorized_client",
    )
    .await;
    fails(&[&APP, &refreshing], "invalid_grant").await;
    fails(&[], "invalid_request").await;
}

#[tokio::test]
async fn switch_returns_oauth_errors_with_200() {
    let harness = Harness::new();
    harness.set_switch("tiktok", Switch::OauthErrorsAs200(true));
    assert_eq!(
        flat_error(&refresh(&harness, "unknown").await),
        (200, "invalid_grant".into())
    );
    assert_eq!(
        flat_error(&harness.post(REVOKE, &[], &[]).await),
        (200, "invalid_request".into())
    );
    assert_eq!(
        envelope_code(&get(&harness, OPEN_ID, "unknown").await),
        (401, "access_token_invalid".into()),
        "data endpoints are not affected"
    );
}

#[tokio::test]
async fn endpoint_without_trailing_slash_does_not_exist() {
    let harness = Harness::new();
    let (access, token) = connect(&harness, "juniper").await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
    ];
    let responses = [
        post_as_app(&harness, TOKEN.trim_end_matches('/'), &fields).await,
        post_as_app(
            &harness,
            REVOKE.trim_end_matches('/'),
            &[("token", &access)],
        )
        .await,
        get(&harness, "/tiktok/api/v2/user/info?fields=open_id", &access).await,
        get(&harness, "/tiktok/api/v2/video/list/?fields=id", &access).await,
    ];
    for response in responses {
        assert_eq!(response.status, StatusCode::NOT_FOUND);
        assert!(
            serde_json::from_str::<serde_json::Value>(&response.body).is_err(),
            "{}",
            response.body
        );
    }
    assert_eq!(harness.sandbox.calls().get("tiktok", "other"), 4);
    assert_eq!(get(&harness, OPEN_ID, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn revoking_the_access_token_ends_the_grant_with_an_empty_200() {
    let harness = Harness::new();
    let (access, token) = connect(&harness, "juniper").await;
    for _ in 0..2 {
        let response = post_as_app(&harness, REVOKE, &[("token", &access)]).await;
        assert_eq!(
            (response.status, response.body.as_str()),
            (StatusCode::OK, "")
        );
    }
    assert_eq!(
        envelope_code(&get(&harness, OPEN_ID, &access).await),
        (401, "access_token_invalid".into())
    );
    assert_eq!(
        flat_error(&refresh(&harness, &token).await),
        (400, "invalid_grant".into())
    );
}

#[tokio::test]
async fn revocation_rejects_another_apps_token() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "juniper").await;
    let fields = [&OTHER_APP[..], &[("token", &access)]].concat();
    assert_eq!(
        flat_error(&harness.post(REVOKE, &[], &fields).await),
        (400, "invalid_request".into())
    );
    assert_eq!(get(&harness, OPEN_ID, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn open_id_differs_per_app_and_union_id_does_not() {
    let harness = Harness::new();
    let location = harness
        .sandbox
        .approve(&auth_url(&[("client_key", "simkey02")]), "juniper", None)
        .unwrap();
    let code = query_param(&location, "code").unwrap();
    let grant = [
        GRANT_TYPE_CODE,
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let fields = [&OTHER_APP[..], &grant, &PROOF].concat();
    let other_tokens = harness.post(TOKEN, &[], &fields).await;
    let (access, _) = connect(&harness, "juniper").await;
    let ids = "/tiktok/api/v2/user/info/?fields=open_id,union_id";
    let user = async |token: &str| get(&harness, ids, token).await.json()["data"]["user"].clone();
    let own = user(&access).await;
    let other = user(&other_tokens.text("access_token")).await;
    assert_eq!(other["open_id"], other_tokens.text("open_id"));
    assert_ne!(own["open_id"], other_tokens.text("open_id"));
    assert_eq!(own["union_id"], other["union_id"]);
}

#[tokio::test]
async fn misbehave_parameter_selects_a_failure() {
    let harness = Harness::new();
    let misbehaving = |failure: &'static str| code(&harness, "juniper", &[("misbehave", failure)]);
    let limited = misbehaving("rate-limited");
    let response = exchange(&harness, &limited).await;
    assert_eq!(response.header("retry-after"), Some("3"));
    assert_eq!(flat_error(&response), (429, "rate_limit_exceeded".into()));
    assert_eq!(exchange(&harness, &limited).await.status, StatusCode::OK);
    assert_eq!(
        flat_error(&exchange(&harness, &misbehaving("server-error")).await),
        (500, "server_error".into())
    );
    assert_eq!(
        flat_error(&exchange(&harness, &misbehaving("code-expired")).await),
        (400, "invalid_grant".into())
    );
    let refused = exchange(&harness, &misbehaving("refresh-refused"))
        .await
        .text("refresh_token");
    assert_eq!(
        flat_error(&refresh(&harness, &refused).await),
        (400, "invalid_grant".into())
    );
    let other = exchange(&harness, &misbehaving("wrong-account")).await;
    assert_ne!(other.text("open_id"), "-000simOpenId01");
    let location = harness
        .sandbox
        .approve(
            &auth_url(&[("misbehave", "state-mangled")]),
            "juniper",
            None,
        )
        .unwrap();
    assert_ne!(query_param(&location, "state").as_deref(), Some("st&te=1"));
}

#[tokio::test]
async fn dev_settings_point_to_working_endpoints() {
    let harness = Harness::new();
    let settings = dev_settings(BASE);
    let value = |name: &str| {
        settings
            .iter()
            .find(|(key, _)| *key == name)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(value("TIKTOK_PKCE"), "hex");
    let authorize = format!("{}/v2/auth/authorize/", value("TIKTOK_AUTH_BASE"));
    assert!(auth_url(&[]).starts_with(&format!("{authorize}?")));
    let token = path_of(&format!("{}/v2/oauth/token/", value("TIKTOK_API_BASE")));
    let (key, secret) = (value("TIKTOK_CLIENT_KEY"), value("TIKTOK_CLIENT_SECRET"));
    let response = harness
        .post(
            &token,
            &[],
            &[("client_key", &key), ("client_secret", &secret)],
        )
        .await;
    assert_eq!(
        flat_error(&response),
        (400, "unsupported_grant_type".into()),
        "key and secret are accepted"
    );
}
