use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use super::post_control;
use crate::harness::{Harness, ME, auth_url, query_param};

#[tokio::test]
async fn calls_are_counted_per_endpoint_even_when_rejected() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    harness.refresh(&refresh).await;
    harness.refresh("unknown").await;
    harness.api_get(ME, &access).await;
    let counts = harness.get("/control/calls", &[]).await.json();
    let reddit = &counts["reddit"];
    assert_eq!(reddit["token.authorization_code"], 1);
    assert_eq!(reddit["token.refresh_token"], 2);
    assert_eq!(reddit["me"], 1);
    assert_eq!(
        reddit["revoke"], 0,
        "endpoints without calls are listed too"
    );
    let calls = harness.sandbox.calls();
    assert_eq!(calls.get("reddit", "token.refresh_token"), 2);
    assert_eq!(calls.total("reddit"), 4);
}

#[tokio::test]
async fn approve_control_gives_consent_without_a_browser() {
    let harness = Harness::new();
    let body = json!({ "authUrl": auth_url(&[]), "person": "wren", "scopes": ["identity"] });
    let approved = post_control(&harness, "approve", &body).await;
    let code = query_param(&approved.text("location"), "code").unwrap();
    assert_eq!(harness.exchange(&code).await.text("scope"), "identity");
    let body = json!({ "authUrl": auth_url(&[]), "deny": true });
    let denied = post_control(&harness, "approve", &body).await;
    assert_eq!(
        query_param(&denied.text("location"), "error").as_deref(),
        Some("access_denied")
    );
}

/// Sets several switches of Reddit over HTTP and checks that the new values are reported.
async fn set_reddit_switches(harness: &Harness) {
    for (switch, value) in [
        ("refreshToken", json!("rotate-strict")),
        ("refreshReply", json!("omit")),
        ("expiresIn", json!(3600)),
        ("revokeStatus", json!(204)),
        ("retryAfter", json!("off")),
        ("deadRefreshBody", json!("bare")),
        ("refreshExpiry", json!("rolling")),
        ("clientKind", json!("desktop")),
        ("oauthErrorsAs200", json!(true)),
    ] {
        let body = json!({ "platform": "reddit", "switch": switch, "value": value });
        let response = post_control(harness, "switches", &body).await;
        assert_eq!(
            response.status,
            StatusCode::OK,
            "{switch}: {}",
            response.body
        );
        // `retryAfter` accepts "off" and is reported as a boolean.
        assert!(
            response.json()["reddit"][switch] == value || switch == "retryAfter",
            "{}",
            response.body
        );
    }
}

#[tokio::test]
async fn controls_force_faults_and_set_switches() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    let fault = json!({ "platform": "reddit", "endpoint": "me", "times": 1, "status": 503, "headers": { "x-a": "b" } });
    assert_eq!(
        post_control(&harness, "faults", &fault).await.status,
        StatusCode::OK
    );
    assert_eq!(harness.api_get(ME, &access).await.header("x-a"), Some("b"));
    set_reddit_switches(&harness).await;
    assert_eq!(harness.refresh(&refresh).await.json()["expires_in"], 3600);
}

#[tokio::test]
async fn controls_advance_the_clock_issue_tokens_and_revoke_a_user() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    set_reddit_switches(&harness).await;
    let clock = post_control(&harness, "clock", &json!({ "advanceSeconds": 86_400 })).await;
    assert_eq!(clock.json()["now"], "2026-01-02T00:00:10.000Z");
    assert_eq!(
        harness.api_get(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );

    let juniper = json!({ "platform": "reddit", "person": "juniper" });
    let tokens = post_control(&harness, "tokens", &juniper).await;
    let me = harness.api_get(ME, &tokens.text("accessToken")).await;
    assert_eq!(me.status, StatusCode::OK);
    let refreshed = harness.refresh(&tokens.text("refreshToken")).await;
    assert_eq!(refreshed.status, StatusCode::OK);

    let revoked = post_control(&harness, "revoke-user", &juniper).await;
    assert_eq!(revoked.json()["grantsEnded"], 2);
}

#[tokio::test]
async fn reset_restores_defaults_and_clears_state() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    let fault = json!({ "platform": "reddit", "endpoint": "*", "times": 9 });
    let switch = json!({ "platform": "reddit", "switch": "expiresIn", "value": 1 });
    post_control(&harness, "clock", &json!({ "advanceSeconds": 500 })).await;
    post_control(&harness, "faults", &fault).await;
    post_control(&harness, "switches", &switch).await;
    let bare = Request::post("/control/reset").body(Body::empty()).unwrap();
    assert_eq!(harness.send(bare).await.status, StatusCode::OK);
    assert_eq!(harness.sandbox.calls().total("reddit"), 0);
    assert_eq!(
        harness.get("/control/clock", &[]).await.json()["now"],
        "2026-01-01T00:00:10.000Z"
    );
    assert_eq!(
        harness.api_get(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    let response = harness.exchange(&harness.code("juniper", &[])).await;
    assert_eq!(response.json()["expires_in"], 86_400);
}

#[tokio::test]
async fn people_are_listed_with_their_accounts() {
    let harness = Harness::new();
    let list = harness.get("/control/people", &[]).await.json();
    let people: Vec<_> = list["people"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| person["person"].as_str().unwrap())
        .collect();
    assert!(
        ["juniper", "kiln", "saffron"]
            .iter()
            .all(|person| people.contains(person)),
        "{people:?}"
    );
    assert_eq!(list["people"][0]["accounts"]["reddit"]["id"], "sim9z");
}
