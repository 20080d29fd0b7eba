use axum::http::StatusCode;
use evergrant_sandbox::{Switch, ThrottleCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Stand};
use crate::meta::{JUNIPER, codes};

fn usage(answer: &Answer, header: &str) -> Value {
    serde_json::from_str(answer.header(header).unwrap()).unwrap()
}

#[tokio::test]
async fn both_usage_headers_rise_to_a_hundred_and_then_calls_fail() {
    let stand = Stand::new();
    stand.sandbox.set("instagram", Switch::Quota(4)).unwrap();
    let token = stand.fb_connect("juniper").await;
    let read = async || {
        stand
            .graph(&format!("/v25.0/{JUNIPER}"), &[("access_token", &token)])
            .await
    };
    for percent in [25, 50, 75, 100] {
        let answer = read().await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(usage(&answer, "x-app-usage")["call_count"], percent);
        let by_account = &usage(&answer, "x-business-use-case-usage")[JUNIPER][0];
        assert_eq!(
            (&by_account["type"], &by_account["call_count"]),
            (&json!("instagram"), &json!(percent))
        );
        assert_eq!(by_account["estimated_time_to_regain_access"], 0);
    }
    let throttled = read().await;
    assert_eq!(codes(&throttled), (80_002, 0));
    let by_account = &usage(&throttled, "x-business-use-case-usage")[JUNIPER][0];
    assert_eq!(
        by_account["estimated_time_to_regain_access"], 10,
        "minutes, rounded up"
    );
    stand.sandbox.advance_seconds(600);
    assert_eq!(read().await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_code_of_a_throttled_call_is_a_switch() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    stand.sandbox.set("instagram", Switch::Quota(0)).unwrap();
    for (code, number) in [
        (ThrottleCode::App, 4),
        (ThrottleCode::User, 17),
        (ThrottleCode::Page, 32),
        (ThrottleCode::Custom, 613),
        (ThrottleCode::Instagram, 80_002),
    ] {
        stand
            .sandbox
            .set("instagram", Switch::ThrottleCode(code))
            .unwrap();
        let answer = stand
            .graph(
                &format!("/v25.0/{JUNIPER}/media"),
                &[("access_token", &token)],
            )
            .await;
        assert_eq!(codes(&answer), (number, 0));
    }
    let elsewhere = stand.graph("/v25.0/me", &[("access_token", &token)]).await;
    assert_eq!(
        codes(&elsewhere),
        (4, 0),
        "what is not about an Instagram account is the app's"
    );
    assert!(elsewhere.header("x-business-use-case-usage").is_none());
}

#[tokio::test]
async fn few_calls_are_not_worth_a_header() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    assert_eq!(
        stand
            .graph("/v25.0/me", &[("access_token", &token)])
            .await
            .header("x-app-usage"),
        None
    );
}

#[tokio::test]
async fn switches_go_over_http_and_only_where_they_belong() {
    use axum::body::Body;
    use axum::http::Request;
    let stand = Stand::new();
    let put = async |platform: &str, switch: &str, value: Value| {
        let body = json!({ "platform": platform, "switch": switch, "value": value }).to_string();
        stand
            .send(
                Request::post("/control/switches")
                    .body(Body::from(body))
                    .unwrap(),
            )
            .await
    };
    for (switch, value) in [
        ("expiresInReply", json!(false)),
        ("sameToken", json!(true)),
        ("requireProof", json!(true)),
        ("urlencoded", json!(false)),
        ("revokeReply", json!("true")),
        ("wrapping", json!("data")),
        ("userId", json!("string")),
        ("permissions", json!("text")),
        ("throttleCode", json!(613)),
    ] {
        let answer = put("instagram", switch, value.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{switch}: {}", answer.body);
        assert_eq!(answer.json()["instagram"][switch], value);
        assert!(answer.json()["reddit"].get(switch).is_none());
        assert!(
            put("reddit", switch, value)
                .await
                .text("error")
                .contains("reddit has no such switch"),
            "{switch}"
        );
    }
}
