//! TikTok from outside, by the rules of an app on a desktop.

mod callback;
mod data;
mod oauth;
mod refresh;
mod videos;
mod webhooks;

use serde_json::Value;
use url::Url;

use crate::harness::{Answer, BASE, Stand, query};

pub(crate) const CALLBACK: &str = "http://localhost:8080/api/integrations/callback/tiktok";
pub(crate) const AUTHORIZE: &str = "/tiktok/auth/v2/auth/authorize/";
pub(crate) const TOKEN: &str = "/tiktok/api/v2/oauth/token/";
pub(crate) const REVOKE: &str = "/tiktok/api/v2/oauth/revoke/";
pub(crate) const SCOPES: &str = "user.info.basic,user.info.profile,user.info.stats,video.list";
pub(crate) const OPEN_ID: &str = "/tiktok/api/v2/user/info/?fields=open_id";
pub(crate) const VERIFIER: &str = "evergrant-sim-verifier-0123456789-abcdefghijklmnop";
pub(crate) const CHALLENGE: &str =
    "6f78ecb27e525d01843332801cb5613e55997d721dee73c422494e5469893c1a";
/// The same hash as the RFC writes it.
pub(crate) const RFC_CHALLENGE: &str = "b3jssn5SXQGEMzKAHLVhPlWZfXId7nPEIklOVGmJPBo";
pub(crate) const APP: [(&str, &str); 2] = [
    ("client_key", "simkey01"),
    ("client_secret", "sim-client-secret"),
];
pub(crate) const OTHER_APP: [(&str, &str); 2] = [
    ("client_key", "simkey02"),
    ("client_secret", "sim-other-secret"),
];

/// An authorization address; `extra` replaces parameters of the usual one, and an empty value takes
/// one out.
pub(crate) fn auth_url(extra: &[(&str, &str)]) -> String {
    let usual = [
        ("client_key", "simkey01"),
        ("response_type", "code"),
        ("scope", SCOPES),
        ("redirect_uri", CALLBACK),
        ("state", "st&te=1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| extra.iter().all(|(other, _)| other != name));
    let mut url = Url::parse(&format!("{BASE}{AUTHORIZE}")).unwrap();
    url.query_pairs_mut()
        .extend_pairs(kept.chain(extra).filter(|(_, value)| !value.is_empty()));
    url.into()
}

pub(crate) fn code(stand: &Stand, person: &str, extra: &[(&str, &str)]) -> String {
    query(
        &stand
            .sandbox
            .approve(&auth_url(extra), person, None)
            .unwrap(),
        "code",
    )
    .unwrap()
}

/// A call of the first app to one of the OAuth endpoints.
pub(crate) async fn call(stand: &Stand, path: &str, fields: &[(&str, &str)]) -> Answer {
    stand.post(path, &[], &[&APP, fields].concat()).await
}

pub(crate) async fn exchange(stand: &Stand, code: &str) -> Answer {
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ];
    call(
        stand,
        TOKEN,
        &[&grant[..], &[("code_verifier", VERIFIER)]].concat(),
    )
    .await
}

pub(crate) async fn refresh(stand: &Stand, token: &str) -> Answer {
    call(
        stand,
        TOKEN,
        &[("grant_type", "refresh_token"), ("refresh_token", token)],
    )
    .await
}

/// Access and refresh token of a new grant.
pub(crate) async fn connect(stand: &Stand, person: &str) -> (String, String) {
    let answer = exchange(stand, &code(stand, person, &[])).await;
    (answer.text("access_token"), answer.text("refresh_token"))
}

/// An access token for these scopes alone.
pub(crate) async fn connect_for(stand: &Stand, person: &str, scopes: &[&str]) -> String {
    let location = stand
        .sandbox
        .approve(&auth_url(&[]), person, Some(scopes))
        .unwrap();
    exchange(stand, &query(&location, "code").unwrap())
        .await
        .text("access_token")
}

pub(crate) async fn get(stand: &Stand, path: &str, token: &str) -> Answer {
    stand
        .get(path, &[("authorization", &format!("Bearer {token}"))])
        .await
}

/// A call in JSON, as the video endpoints want it.
pub(crate) async fn post(stand: &Stand, path: &str, token: &str, body: &Value) -> Answer {
    let request = axum::http::Request::post(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    stand
        .send(request.body(body.to_string().into()).unwrap())
        .await
}

/// Status and `error.code` of an enveloped answer.
pub(crate) fn verdict(answer: &Answer) -> (u16, String) {
    (
        answer.status.as_u16(),
        answer.json()["error"]["code"].as_str().unwrap().to_owned(),
    )
}

/// Status and `error` of a flat one.
pub(crate) fn flat(answer: &Answer) -> (u16, String) {
    assert!(answer.json()["log_id"].is_string() && answer.json()["error_description"].is_string());
    (answer.status.as_u16(), answer.text("error"))
}
