use axum::http::StatusCode;
use evergrant_sandbox::Switch;
use serde_json::json;

use crate::harness::{AGENT, BASIC, ME, Stand, TOKEN};

#[tokio::test]
async fn the_window_counts_and_tells_what_remains_as_a_decimal() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    for (used, remaining) in [("1", "999.0"), ("2", "998.0")] {
        let answer = stand.data(ME, &access).await;
        assert_eq!(answer.header("x-ratelimit-used"), Some(used));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining));
        assert_eq!(
            answer.header("x-ratelimit-reset"),
            Some("590"),
            "ten seconds are gone"
        );
    }
    stand.sandbox.advance_seconds(590);
    let fresh = stand.data(ME, &access).await;
    assert_eq!(fresh.header("x-ratelimit-used"), Some("1"));
    assert_eq!(fresh.header("x-ratelimit-reset"), Some("600"));
}

#[tokio::test]
async fn each_person_has_a_window_and_the_token_endpoint_has_its_own() {
    let stand = Stand::new();
    let (juniper, _) = stand.connect("juniper").await;
    let (kiln, refresh) = stand.connect("kiln").await;
    stand.data(ME, &juniper).await;
    assert_eq!(
        stand.data(ME, &kiln).await.header("x-ratelimit-used"),
        Some("1")
    );
    let token = stand.refresh(&refresh).await;
    assert_eq!(token.header("x-ratelimit-used"), Some("3"));
    assert_eq!(
        token.header("x-ratelimit-remaining"),
        Some("297"),
        "whole here"
    );
}

#[tokio::test]
async fn past_the_quota_comes_429_with_or_without_retry_after() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    stand.sandbox.set("reddit", Switch::Quota(1)).unwrap();
    assert_eq!(stand.data(ME, &access).await.status, StatusCode::OK);
    let limited = stand.data(ME, &access).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        limited.json(),
        json!({ "message": "Too Many Requests", "error": 429 })
    );
    assert_eq!(limited.header("retry-after"), Some("590"));
    assert_eq!(limited.header("x-ratelimit-remaining"), Some("0.0"));

    stand
        .sandbox
        .set("reddit", Switch::RetryAfter(false))
        .unwrap();
    assert_eq!(stand.data(ME, &access).await.header("retry-after"), None);

    stand.sandbox.set("reddit", Switch::TokenQuota(1)).unwrap();
    let token = stand.refresh(&refresh).await;
    assert_eq!(
        (token.status, token.json()["error"].as_i64()),
        (StatusCode::TOO_MANY_REQUESTS, Some(429))
    );
}

#[tokio::test]
async fn callers_without_a_name_of_their_own_get_an_html_page() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    let bearer = format!("bearer {access}");
    for (agent, status) in [
        (None, StatusCode::TOO_MANY_REQUESTS),
        (Some(""), StatusCode::TOO_MANY_REQUESTS),
        (
            Some("python-requests/2.31.0"),
            StatusCode::TOO_MANY_REQUESTS,
        ),
        (Some("curl/8.5.0"), StatusCode::TOO_MANY_REQUESTS),
        (Some("reqwest/0.13"), StatusCode::TOO_MANY_REQUESTS),
        (
            Some("Mozilla/5.0 (X11; Linux x86_64)"),
            StatusCode::FORBIDDEN,
        ),
    ] {
        let agent = agent.map(|agent| ("user-agent", agent));
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
        ];
        let basic = [agent.as_slice(), &[("authorization", BASIC)]].concat();
        let bearer = [agent.as_slice(), &[("authorization", &bearer)]].concat();
        for answer in [
            stand.post(TOKEN, &basic, &fields).await,
            stand.get(ME, &bearer).await,
        ] {
            assert_eq!(answer.status, status, "{agent:?}");
            assert!(
                answer.is_html() && answer.header("x-ratelimit-used").is_none(),
                "{agent:?}"
            );
        }
    }
    let named = stand
        .get(ME, &[("user-agent", AGENT), ("authorization", &bearer)])
        .await;
    assert_eq!(named.status, StatusCode::OK);
}
