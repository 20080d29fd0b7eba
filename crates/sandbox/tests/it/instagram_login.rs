//! Instagram Login: authorization, the tokens of both hosts, and the data endpoints.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use evergrant_sandbox::{PermissionsForm, Switch, UserIdForm, Wrapping};
use serde_json::{Value, json};

use crate::harness::{Harness, Response, query_param};
use crate::meta::{CALLBACK, JUNIPER, error_codes, login};

const SLUG: &str = "instagram-login";

/// Returns status and `code` of a flat error of the API host.
fn flat_error(response: &Response) -> (u16, Value) {
    let json = response.json();
    assert!(
        json.get("error").is_none() && json["error_message"].is_string(),
        "{json}"
    );
    assert_eq!(json["error_type"], "OAuthException");
    (response.status.as_u16(), json["code"].clone())
}

#[tokio::test]
async fn callback_ends_with_hash_and_underscore() {
    let harness = Harness::new();
    let location = harness
        .sandbox
        .approve(&login(&[("force_reauth", "true")]), "juniper", None)
        .unwrap();
    assert!(location.ends_with("#_"), "{location}");
    let denied = harness.sandbox.deny(&login(&[])).unwrap();
    assert_eq!(
        query_param(&denied, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(
        query_param(&denied, "error_reason").as_deref(),
        Some("user_denied")
    );
    assert_eq!(query_param(&denied, "error_code"), None);
}

#[tokio::test]
async fn sign_in_requires_a_professional_account() {
    let harness = Harness::new();
    assert!(harness.sandbox.approve(&login(&[]), "kiln", None).is_err());
    for person in ["juniper", "wren", "saffron"] {
        assert!(harness.sandbox.approve(&login(&[]), person, None).is_ok());
    }
}

#[tokio::test]
async fn token_response_has_numeric_user_id_and_permission_list() {
    let harness = Harness::new();
    let code = harness.ig_code("juniper", &[]);
    let tokens = harness.ig_exchange(&code, &[]).await.json();
    assert_eq!(
        tokens["user_id"], 17_841_400_000_000_001_u64,
        "the number exceeds what a double can represent exactly"
    );
    assert_eq!(
        tokens["permissions"],
        json!([
            "instagram_business_basic",
            "instagram_business_manage_insights"
        ])
    );
    assert_eq!(tokens.get("expires_in"), None);
}

#[tokio::test]
async fn token_response_can_use_every_other_observed_format() {
    let harness = Harness::new();
    harness.set_switch(SLUG, Switch::Wrapping(Wrapping::Data));
    harness.set_switch(SLUG, Switch::UserId(UserIdForm::String));
    harness.set_switch(SLUG, Switch::Permissions(PermissionsForm::Text));
    let code = harness.ig_code("juniper", &[]);
    let wrapped = harness.ig_exchange(&code, &[]).await.json();
    let tokens = &wrapped["data"][0];
    assert_eq!(tokens["user_id"], JUNIPER);
    assert_eq!(
        tokens["permissions"],
        "instagram_business_basic,instagram_business_manage_insights"
    );
    let token = tokens["access_token"].as_str().unwrap();
    let fields = [("access_token", token), ("fields", "user_id,username")];
    let me = harness.ig_graph("/v25.0/me", &fields).await.json();
    assert_eq!(me["data"][0]["username"], "junipervale.clay");
}

#[tokio::test]
async fn token_endpoint_accepts_and_can_require_multipart() {
    let harness = Harness::new();
    let multipart = async |code: &str| {
        let fields = [
            ("client_id", "2002"),
            ("client_secret", "sim-instagram-secret"),
            ("grant_type", "authorization_code"),
            ("redirect_uri", CALLBACK),
            ("code", code),
        ];
        let part = |(name, value): &(&str, &str)| {
            format!("--sim\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = fields.iter().map(part).collect::<String>() + "--sim--\r\n";
        let request = Request::post("/instagram/api/oauth/access_token")
            .header("content-type", "multipart/form-data; boundary=sim")
            .body(Body::from(body));
        harness.send(request.unwrap()).await
    };
    assert_eq!(
        multipart(&harness.ig_code("juniper", &[])).await.status,
        StatusCode::OK
    );
    harness.set_switch(SLUG, Switch::Urlencoded(false));
    let code = harness.ig_code("juniper", &[]);
    assert_eq!(
        flat_error(&harness.ig_exchange(&code, &[]).await),
        (400, json!(400))
    );
    assert_eq!(multipart(&code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn api_host_errors_are_flat() {
    let harness = Harness::new();
    for invalid in [
        ("client_id", "1001"),
        ("client_secret", "sim-app-secret"),
        ("redirect_uri", "http://localhost:8080/"),
        ("code", "unknown"),
        ("grant_type", "password"),
    ] {
        let response = harness
            .ig_exchange(&harness.ig_code("juniper", &[]), &[invalid])
            .await;
        assert_eq!(flat_error(&response), (400, json!(400)), "{invalid:?}");
    }
    let facebook_app = harness
        .ig_exchange(&harness.ig_code("juniper", &[]), &[("client_id", "1001")])
        .await;
    assert_eq!(facebook_app.text("error_message"), "Invalid platform app");
    let code = harness.ig_code("juniper", &[]);
    assert_eq!(harness.ig_exchange(&code, &[]).await.status, StatusCode::OK);
    assert_eq!(
        flat_error(&harness.ig_exchange(&code, &[]).await),
        (400, json!(400)),
        "a code can be used once"
    );
}

#[tokio::test]
async fn graph_host_errors_have_graph_format() {
    let harness = Harness::new();
    assert_eq!(
        error_codes(
            &harness
                .ig_graph("/v25.0/me", &[("access_token", "nonsense")])
                .await
        ),
        (190, 0)
    );
    assert_eq!(
        error_codes(&harness.ig_long_lived("nonsense").await),
        (100, 0)
    );
}

#[tokio::test]
async fn code_and_short_lived_token_expire_after_one_hour() {
    let harness = Harness::new();
    let (young, old) = (
        harness.ig_code("juniper", &[]),
        harness.ig_code("juniper", &[]),
    );
    harness.sandbox.advance_seconds(3599);
    let short = harness.ig_exchange(&young, &[]).await.text("access_token");
    harness.sandbox.advance_seconds(1);
    assert_eq!(
        flat_error(&harness.ig_exchange(&old, &[]).await),
        (400, json!(400))
    );
    harness.sandbox.advance_seconds(3599);
    assert_eq!(
        error_codes(&harness.ig_long_lived(&short).await),
        (190, 463)
    );
}

#[tokio::test]
async fn long_lived_token_can_be_refreshed_after_one_day() {
    let harness = Harness::new();
    let short = harness
        .ig_exchange(&harness.ig_code("juniper", &[]), &[])
        .await
        .text("access_token");
    let long = harness.ig_long_lived(&short).await;
    assert_eq!(long.json()["expires_in"], 5_183_000);
    let long = long.text("access_token");
    assert_eq!(
        error_codes(&harness.ig_long_lived(&long).await),
        (100, 0),
        "only a short-lived token can be exchanged"
    );
    let refresh = async |token: &str| {
        harness
            .ig_graph(
                "/refresh_access_token",
                &[("grant_type", "ig_refresh_token"), ("access_token", token)],
            )
            .await
    };
    harness.sandbox.advance_seconds(86_399);
    let early = refresh(&long).await;
    assert_eq!(
        (early.status, error_codes(&early)),
        (StatusCode::BAD_REQUEST, (100, 0))
    );
    harness.sandbox.advance_seconds(1);
    let refreshed = refresh(&long).await.text("access_token");
    assert_ne!(refreshed, long);
    harness.set_switch(SLUG, Switch::SameToken(true));
    harness.sandbox.advance_seconds(86_400);
    assert_eq!(refresh(&refreshed).await.text("access_token"), refreshed);
    harness.sandbox.advance_seconds(5_183_000);
    assert_eq!(error_codes(&refresh(&refreshed).await), (190, 463));
}

#[tokio::test]
async fn password_change_and_app_removal_have_distinct_subcodes() {
    let harness = Harness::new();
    let token = harness.ig_connect("juniper").await;
    harness
        .sandbox
        .invalidate(SLUG, "juniper", Some(460))
        .unwrap();
    assert_eq!(
        error_codes(&harness.ig_graph_with_token("/v25.0/me", &token).await),
        (190, 460)
    );
    let token = harness.ig_connect("juniper").await;
    harness.sandbox.revoke_user(SLUG, "juniper").unwrap();
    assert_eq!(
        error_codes(&harness.ig_graph_with_token("/v25.0/me", &token).await),
        (190, 458)
    );
}

#[tokio::test]
async fn me_has_an_app_scoped_id_and_an_account_id() {
    let harness = Harness::new();
    let token = harness.ig_connect("juniper").await;
    let fields = "id,user_id,username,name,account_type,profile_picture_url,followers_count,follows_count,media_count";
    let me = harness
        .ig_graph("/v25.0/me", &[("access_token", &token), ("fields", fields)])
        .await
        .json();
    assert_eq!(
        (&me["id"], &me["user_id"]),
        (&json!("24100000000000001"), &json!(JUNIPER))
    );
    assert_eq!(me["account_type"], "Business");
    let bare = harness.ig_graph_with_token("/v25.0/me", &token).await;
    assert_eq!(bare.json(), json!({ "id": "24100000000000001" }));
}

#[tokio::test]
async fn media_and_insights_can_be_read_by_me_and_by_id() {
    let harness = Harness::new();
    let token = harness.ig_connect("juniper").await;
    for account in ["me", JUNIPER] {
        let fields = [
            ("access_token", token.as_str()),
            ("fields", "id,timestamp,like_count"),
        ];
        let path = format!("/v25.0/{account}/media");
        let media = harness.ig_graph(&path, &fields).await;
        assert_eq!(
            media.json()["data"].as_array().unwrap().len(),
            25,
            "{}",
            media.body
        );
        let fields = [
            ("access_token", token.as_str()),
            ("metric", "reach"),
            ("period", "day"),
        ];
        let path = format!("/v25.0/{account}/insights");
        let reach = harness.ig_graph(&path, &fields).await.json();
        assert_eq!(reach["data"][0]["name"], "reach");
    }
}

#[tokio::test]
async fn media_have_no_total_fields() {
    let harness = Harness::new();
    let token = harness.ig_connect("juniper").await;
    let fields = [
        ("access_token", token.as_str()),
        ("fields", "total_views_count"),
    ];
    let response = harness.ig_graph("/v25.0/me/media", &fields).await;
    assert_eq!(error_codes(&response), (100, 0));
}

#[tokio::test]
async fn there_is_no_revocation_endpoint() {
    let harness = Harness::new();
    let token = harness.ig_connect("juniper").await;
    let response = harness
        .delete(&format!(
            "/instagram/graph/v25.0/me/permissions?access_token={token}"
        ))
        .await;
    assert_eq!(
        (response.status, error_codes(&response)),
        (StatusCode::NOT_FOUND, (100, 0))
    );
    assert_eq!(
        harness
            .ig_graph_with_token("/v25.0/me", &token)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn tokens_of_one_login_are_invalid_at_the_other() {
    let harness = Harness::new();
    let (facebook, instagram) = (
        harness.fb_connect("juniper").await,
        harness.ig_connect("juniper").await,
    );
    assert_eq!(
        error_codes(&harness.ig_graph_with_token("/v25.0/me", &facebook).await),
        (190, 0)
    );
    assert_eq!(
        error_codes(&harness.graph_with_token("/v25.0/me", &instagram).await),
        (190, 0)
    );
}
