//! TikTok, called as its documentation requires of a desktop app.

mod callback;
mod data;
mod oauth;
mod refresh;
mod videos;
mod webhooks;

use axum::http::Request;
use serde_json::Value;

use crate::harness::{Harness, Response, query_param, url_with};

const CALLBACK: &str = "http://localhost:8080/api/integrations/callback/tiktok";
const AUTHORIZE: &str = "/tiktok/auth/v2/auth/authorize/";
const TOKEN: &str = "/tiktok/api/v2/oauth/token/";
const REVOKE: &str = "/tiktok/api/v2/oauth/revoke/";
const SCOPES: &str = "user.info.basic,user.info.profile,user.info.stats,video.list";
const OPEN_ID: &str = "/tiktok/api/v2/user/info/?fields=open_id";
const VERIFIER: &str = "evergrant-sim-verifier-0123456789-abcdefghijklmnop";
/// SHA-256 of [`VERIFIER`] in hexadecimal, as TikTok requires it.
const CHALLENGE: &str = "6f78ecb27e525d01843332801cb5613e55997d721dee73c422494e5469893c1a";
/// SHA-256 of [`VERIFIER`] in base64url, as RFC 7636 requires it.
const RFC_CHALLENGE: &str = "b3jssn5SXQGEMzKAHLVhPlWZfXId7nPEIklOVGmJPBo";
const APP: [(&str, &str); 2] = [
    ("client_key", "simkey01"),
    ("client_secret", "sim-client-secret"),
];
const OTHER_APP: [(&str, &str); 2] = [
    ("client_key", "simkey02"),
    ("client_secret", "sim-other-secret"),
];

/// Returns an authorization URL. `overrides` as in [`url_with`].
fn auth_url(overrides: &[(&str, &str)]) -> String {
    let defaults = [
        ("client_key", "simkey01"),
        ("response_type", "code"),
        ("scope", SCOPES),
        ("redirect_uri", CALLBACK),
        ("state", "st&te=1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    url_with(AUTHORIZE, &defaults, overrides)
}

/// Returns an authorization code of `person`. `overrides` as in [`url_with`].
fn code(harness: &Harness, person: &str, overrides: &[(&str, &str)]) -> String {
    let location = harness
        .sandbox
        .approve(&auth_url(overrides), person, None)
        .unwrap();
    query_param(&location, "code").unwrap()
}

/// Posts `fields` to an OAuth endpoint, authenticated as the first app.
async fn post_as_app(harness: &Harness, path: &str, fields: &[(&str, &str)]) -> Response {
    harness.post(path, &[], &[&APP, fields].concat()).await
}

async fn exchange(harness: &Harness, code: &str) -> Response {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    post_as_app(harness, TOKEN, &fields).await
}

async fn refresh(harness: &Harness, token: &str) -> Response {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
    post_as_app(harness, TOKEN, &fields).await
}

/// Returns the access and refresh token of a new grant.
async fn connect(harness: &Harness, person: &str) -> (String, String) {
    let response = exchange(harness, &code(harness, person, &[])).await;
    (
        response.text("access_token"),
        response.text("refresh_token"),
    )
}

/// Returns an access token for `scopes` only.
async fn connect_for(harness: &Harness, person: &str, scopes: &[&str]) -> String {
    let location = harness
        .sandbox
        .approve(&auth_url(&[]), person, Some(scopes))
        .unwrap();
    exchange(harness, &query_param(&location, "code").unwrap())
        .await
        .text("access_token")
}

async fn get(harness: &Harness, path: &str, token: &str) -> Response {
    harness
        .get(path, &[("authorization", &format!("Bearer {token}"))])
        .await
}

/// Posts `body` as JSON, as the video endpoints require.
async fn post(harness: &Harness, path: &str, token: &str, body: &Value) -> Response {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    harness
        .send(request.body(body.to_string().into()).unwrap())
        .await
}

/// Returns status and `error.code` of a data response; the code is `ok` on success.
fn envelope_code(response: &Response) -> (u16, String) {
    (
        response.status.as_u16(),
        response.json()["error"]["code"]
            .as_str()
            .unwrap()
            .to_owned(),
    )
}

/// Returns status and `error` of an OAuth error response, which has no envelope.
fn flat_error(response: &Response) -> (u16, String) {
    let json = response.json();
    assert!(json["log_id"].is_string() && json["error_description"].is_string());
    (response.status.as_u16(), response.text("error"))
}
