use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, ME, Stand, auth_url, query};

async fn control(stand: &Stand, path: &str, body: &Value) -> Answer {
    let request =
        Request::post(format!("/control/{path}")).header("content-type", "application/json");
    stand
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

#[tokio::test]
async fn calls_are_counted_by_endpoint_answered_or_not() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    stand.refresh(&refresh).await;
    stand.refresh("dead").await;
    stand.data(ME, &access).await;
    let counts = stand.get("/control/calls", &[]).await.json();
    let reddit = &counts["reddit"];
    assert_eq!(reddit["token.authorization_code"], 1);
    assert_eq!(reddit["token.refresh_token"], 2);
    assert_eq!(reddit["me"], 1);
    assert_eq!(
        reddit["revoke"], 0,
        "what was never called stands there too"
    );
    assert_eq!(
        stand.sandbox.calls().get("reddit", "token.refresh_token"),
        2
    );
    assert_eq!(stand.sandbox.calls().total("reddit"), 4);
}

#[tokio::test]
async fn consent_goes_without_a_browser() {
    let stand = Stand::new();
    let body = json!({ "authUrl": auth_url(&[]), "person": "wren", "scopes": ["identity"] });
    let location = control(&stand, "approve", &body).await.text("location");
    assert_eq!(
        stand
            .exchange(&query(&location, "code").unwrap())
            .await
            .text("scope"),
        "identity"
    );
    let denied = control(
        &stand,
        "approve",
        &json!({ "authUrl": auth_url(&[]), "deny": true }),
    )
    .await;
    assert_eq!(
        query(&denied.text("location"), "error").as_deref(),
        Some("access_denied")
    );
}

#[tokio::test]
async fn faults_switches_clock_and_withdrawal_work_over_http() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    let fault = json!({ "platform": "reddit", "endpoint": "me", "times": 1, "status": 503, "headers": { "x-a": "b" } });
    assert_eq!(
        control(&stand, "faults", &fault).await.status,
        StatusCode::OK
    );
    assert_eq!(stand.data(ME, &access).await.header("x-a"), Some("b"));

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
        let answer = control(
            &stand,
            "switches",
            &json!({ "platform": "reddit", "switch": switch, "value": value }),
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK, "{switch}: {}", answer.body);
        assert!(
            answer.json()["reddit"][switch] == value || switch == "retryAfter",
            "{}",
            answer.body
        );
    }
    assert_eq!(stand.refresh(&refresh).await.json()["expires_in"], 3600);

    let moved = control(&stand, "clock", &json!({ "advanceSeconds": 86_400 })).await;
    assert_eq!(moved.json()["now"], "2026-01-02T00:00:10.000Z");
    assert_eq!(
        stand.data(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );

    let theirs = control(
        &stand,
        "tokens",
        &json!({ "platform": "reddit", "person": "juniper" }),
    )
    .await
    .json();
    assert_eq!(
        stand
            .data(ME, theirs["accessToken"].as_str().unwrap())
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        stand
            .refresh(theirs["refreshToken"].as_str().unwrap())
            .await
            .status,
        StatusCode::OK
    );

    let gone = control(
        &stand,
        "revoke-user",
        &json!({ "platform": "reddit", "person": "juniper" }),
    )
    .await;
    assert_eq!(gone.json()["grantsEnded"], 2);
}

#[tokio::test]
async fn a_reset_brings_everything_back() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    control(&stand, "clock", &json!({ "advanceSeconds": 500 })).await;
    control(
        &stand,
        "faults",
        &json!({ "platform": "reddit", "endpoint": "*", "times": 9 }),
    )
    .await;
    control(
        &stand,
        "switches",
        &json!({ "platform": "reddit", "switch": "expiresIn", "value": 1 }),
    )
    .await;
    let bare = Request::post("/control/reset").body(Body::empty()).unwrap();
    assert_eq!(stand.send(bare).await.status, StatusCode::OK);
    assert_eq!(stand.sandbox.calls().total("reddit"), 0);
    assert_eq!(
        stand.get("/control/clock", &[]).await.json()["now"],
        "2026-01-01T00:00:10.000Z"
    );
    assert_eq!(
        stand.data(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        stand.exchange(&stand.code("juniper", &[])).await.json()["expires_in"],
        86_400
    );
}

#[tokio::test]
async fn bad_input_is_refused_in_words() {
    let stand = Stand::new();
    for (path, body, says) in [
        (
            "clock",
            json!({ "advanceSeconds": "3" }),
            "invalid type: string",
        ),
        ("clock", json!({}), "missing field `advanceSeconds`"),
        (
            "clock",
            json!({ "advanceSeconds": 1, "extra": 1 }),
            "unknown field `extra`",
        ),
        (
            "faults",
            json!({ "platform": "reddit", "endpoint": "me", "kind": "explode" }),
            "unknown variant `explode`",
        ),
        (
            "faults",
            json!({ "platform": "reddit", "endpoint": "me", "Status": 500 }),
            "unknown field `Status`",
        ),
        (
            "faults",
            json!({ "platform": "orkut", "endpoint": "me" }),
            "the platforms are: reddit",
        ),
        (
            "faults",
            json!({ "platform": "reddit", "endpoint": "mee" }),
            "its endpoints are: authorize",
        ),
        (
            "switches",
            json!({ "platform": "reddit", "switch": "sleep", "value": 1 }),
            "unknown variant `sleep`",
        ),
        (
            "switches",
            json!({ "platform": "reddit", "switch": "revokeStatus", "value": 500 }),
            "200 or 204",
        ),
        (
            "switches",
            json!({ "platform": "reddit", "switch": "retryAfter", "value": 1 }),
            "\"on\" or \"off\"",
        ),
        (
            "switches",
            json!({ "platform": "reddit", "switch": "expiresIn", "value": -1 }),
            "invalid value",
        ),
        (
            "revoke-user",
            json!({ "platform": "reddit", "person": "ghost" }),
            "juniper",
        ),
        (
            "tokens",
            json!({ "platform": "instagram", "person": "juniper" }),
            "consent page",
        ),
        (
            "approve",
            json!({ "authUrl": auth_url(&[]) }),
            "missing field `person`",
        ),
        (
            "approve",
            json!({ "authUrl": auth_url(&[]), "person": "ghost" }),
            "nobody of that name",
        ),
        (
            "approve",
            json!({ "authUrl": auth_url(&[("state", "")]), "person": "kiln" }),
            "state is missing",
        ),
        (
            "approve",
            json!({ "authUrl": "https://www.reddit.com/login", "person": "kiln" }),
            "not that of an authorization",
        ),
        ("reset", json!({ "all": true }), "unknown field `all`"),
    ] {
        let answer = control(&stand, path, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}");
        assert!(
            answer.text("error").contains(says),
            "{path} {body}: {}",
            answer.body
        );
    }
    assert_eq!(
        control(&stand, "clock", &json!("x")).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn people_are_listed_with_their_accounts() {
    let stand = Stand::new();
    let people = stand.get("/control/people", &[]).await.json();
    let handles: Vec<_> = people["people"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["person"].as_str().unwrap())
        .collect();
    assert!(
        ["juniper", "kiln", "saffron"]
            .iter()
            .all(|one| handles.contains(one)),
        "{handles:?}"
    );
    assert_eq!(people["people"][0]["accounts"]["reddit"]["id"], "sim9z");
}

#[tokio::test]
async fn the_controls_are_for_this_machine_alone() {
    use std::net::SocketAddr;
    let stand = Stand::new();
    let from = |peer: &str, host: &str, origin: Option<&str>| {
        let request = Request::post("/control/reset").header("host", host);
        let mut request = origin.map_or_else(
            || Request::post("/control/reset").header("host", host),
            |origin| request.header("origin", origin),
        );
        request
            .extensions_mut()
            .unwrap()
            .insert(axum::extract::ConnectInfo(
                peer.parse::<SocketAddr>().unwrap(),
            ));
        request.body(Body::empty()).unwrap()
    };
    let own = Some("http://127.0.0.1:8081");
    for (peer, host, origin, status) in [
        ("127.0.0.1:5", "127.0.0.1:8081", None, StatusCode::OK),
        ("[::1]:5", "localhost:8081", None, StatusCode::OK),
        ("127.0.0.1:5", "127.0.0.1:8081", own, StatusCode::OK),
        (
            "192.168.0.9:5",
            "127.0.0.1:8081",
            None,
            StatusCode::FORBIDDEN,
        ),
        (
            "127.0.0.1:5",
            "rebound.example:8081",
            None,
            StatusCode::FORBIDDEN,
        ),
        (
            "127.0.0.1:5",
            "127.0.0.1:8081",
            Some("https://evil.example"),
            StatusCode::FORBIDDEN,
        ),
        (
            "127.0.0.1:5",
            "127.0.0.1:8081",
            Some("null"),
            StatusCode::FORBIDDEN,
        ),
    ] {
        assert_eq!(
            stand.send(from(peer, host, origin)).await.status,
            status,
            "{peer} {host} {origin:?}"
        );
    }
}

#[tokio::test]
async fn unknown_controls_and_methods_answer_in_json() {
    let stand = Stand::new();
    assert!(
        stand
            .get("/control/nothing", &[])
            .await
            .text("error")
            .contains("GET /")
    );
    let answer = stand.get("/control/reset", &[]).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.text("error").contains("another method"));
}
