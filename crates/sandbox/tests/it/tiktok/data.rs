use axum::http::StatusCode;
use evergrant_sandbox::{Fault, FaultKind, Switch};
use serde_json::json;

use super::{OPEN_ID, connect, connect_for, get, post, verdict};
use crate::harness::Stand;

const INFO: &str = "/tiktok/api/v2/user/info/";

#[tokio::test]
async fn an_error_that_says_ok_comes_with_success() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "juniper").await;
    let fields = "open_id,union_id,avatar_url,avatar_url_100,avatar_large_url,display_name,username,bio_description,\
                  profile_deep_link,is_verified,follower_count,following_count,likes_count,video_count";
    let answer = get(&stand, &format!("{INFO}?fields={fields}"), &access).await;
    assert_eq!(verdict(&answer), (200, "ok".into()));
    let json = answer.json();
    assert_eq!(json["error"]["message"], "");
    assert!(json["error"]["log_id"].is_string());
    let user = &json["data"]["user"];
    assert_eq!(user.as_object().unwrap().len(), 14);
    assert!(
        user.as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_null()),
        "{user}"
    );
    assert_eq!(
        (&user["open_id"], &user["username"]),
        (&json!("-000simOpenId01"), &json!("juniper.vale"))
    );
    assert!(user["follower_count"].as_i64().unwrap() >= 12_840);
}

#[tokio::test]
async fn only_the_fields_asked_for_are_sent_and_there_must_be_some() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "juniper").await;
    let user = get(&stand, OPEN_ID, &access).await.json()["data"]["user"].clone();
    assert_eq!(user, json!({ "open_id": "-000simOpenId01" }));
    for query in [
        "",
        "?fields=",
        "?fields=open_id,email",
        "?fields=open_id%20display_name",
    ] {
        let answer = get(&stand, &format!("{INFO}{query}"), &access).await;
        assert_eq!(verdict(&answer), (400, "invalid_params".into()), "{query}");
        assert_eq!(answer.json()["data"], json!({}));
    }
}

#[tokio::test]
async fn a_401_means_a_dead_token_or_a_missing_scope() {
    let stand = Stand::new();
    let access = connect_for(&stand, "juniper", &["user.info.basic"]).await;
    let (expired, missing) = (
        (401, "access_token_invalid".to_owned()),
        (401, "scope_not_authorized".to_owned()),
    );
    assert_eq!(
        get(
            &stand,
            &format!("{INFO}?fields=open_id,display_name"),
            &access
        )
        .await
        .status,
        StatusCode::OK
    );
    // One field too many fails the whole call.
    assert_eq!(
        verdict(&get(&stand, &format!("{INFO}?fields=open_id,username"), &access).await),
        missing
    );
    assert_eq!(
        verdict(&get(&stand, &format!("{INFO}?fields=follower_count"), &access).await),
        missing
    );
    for path in [
        "/tiktok/api/v2/video/list/?fields=id",
        "/tiktok/api/v2/video/query/?fields=id",
    ] {
        assert_eq!(
            verdict(&post(&stand, path, &access, &json!({})).await),
            missing
        );
    }
    stand.sandbox.advance_seconds(86_400);
    assert_eq!(verdict(&get(&stand, OPEN_ID, &access).await), expired);
    assert_eq!(verdict(&stand.get(OPEN_ID, &[]).await), expired);
    assert_eq!(
        verdict(&stand.get(OPEN_ID, &[("authorization", &access)]).await),
        expired
    );
}

#[tokio::test]
async fn six_hundred_calls_fit_into_any_minute() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "juniper").await;
    for _ in 0..300 {
        assert_eq!(get(&stand, OPEN_ID, &access).await.status, StatusCode::OK);
    }
    stand.sandbox.advance_seconds(30);
    for _ in 0..300 {
        assert_eq!(get(&stand, OPEN_ID, &access).await.status, StatusCode::OK);
    }
    let limited = get(&stand, OPEN_ID, &access).await;
    assert_eq!(verdict(&limited), (429, "rate_limit_exceeded".into()));
    assert_eq!(
        limited.header("retry-after"),
        None,
        "nothing says when to come back"
    );
    let list = "/tiktok/api/v2/video/list/?fields=id";
    assert_eq!(
        post(&stand, list, &access, &json!({})).await.status,
        StatusCode::OK,
        "each endpoint has its own"
    );
    stand.sandbox.advance_seconds(29);
    assert_eq!(
        get(&stand, OPEN_ID, &access).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    stand.sandbox.advance_seconds(1);
    for _ in 0..300 {
        assert_eq!(
            get(&stand, OPEN_ID, &access).await.status,
            StatusCode::OK,
            "the first half slid out"
        );
    }
    assert_eq!(
        get(&stand, OPEN_ID, &access).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn the_size_of_the_minute_is_a_switch() {
    let stand = Stand::new();
    stand.sandbox.set("tiktok", Switch::Quota(1)).unwrap();
    let (access, _) = connect(&stand, "juniper").await;
    assert_eq!(get(&stand, OPEN_ID, &access).await.status, StatusCode::OK);
    assert_eq!(
        get(&stand, OPEN_ID, &access).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn counters_rise_with_the_clock_and_fall_on_some_days() {
    let stand = Stand::new();
    let (mut seen, mut token) = (Vec::new(), connect(&stand, "juniper").await.1);
    for _ in 0..8 {
        stand.sandbox.advance_seconds(86_400);
        let tokens = super::refresh(&stand, &token).await;
        token = tokens.text("refresh_token");
        let answer = get(
            &stand,
            &format!("{INFO}?fields=follower_count"),
            &tokens.text("access_token"),
        )
        .await;
        seen.push(
            answer.json()["data"]["user"]["follower_count"]
                .as_i64()
                .unwrap(),
        );
    }
    assert!(seen.last() > seen.first(), "{seen:?}");
    assert!(seen.windows(2).any(|days| days[1] < days[0]), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_fault_plays_here_too() {
    let stand = Stand::new();
    let (access, token) = connect(&stand, "juniper").await;
    let force = |fault| stand.sandbox.force_next(fault).unwrap();
    force(
        Fault::new("tiktok", "user.info", FaultKind::Respond)
            .status(500)
            .body(json!({ "error": "bare" })),
    );
    assert_eq!(get(&stand, OPEN_ID, &access).await.text("error"), "bare");
    force(Fault::new("tiktok", "user.info", FaultKind::Html));
    assert!(get(&stand, OPEN_ID, &access).await.is_html());
    force(Fault::new("tiktok", "token.refresh_token", FaultKind::Empty).status(503));
    assert_eq!(super::refresh(&stand, &token).await.body, "");
    force(Fault::new("tiktok", "user.info", FaultKind::Latency).latency_ms(900));
    let before = tokio::time::Instant::now();
    assert_eq!(get(&stand, OPEN_ID, &access).await.status, StatusCode::OK);
    assert_eq!(before.elapsed().as_millis(), 900);
}
