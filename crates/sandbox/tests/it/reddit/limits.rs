//! Rate limits and user agents.

use axum::http::StatusCode;
use evergrant_sandbox::Switch;
use serde_json::json;

use crate::harness::{BASIC, Harness, ME, TOKEN};

#[tokio::test]
async fn rate_limit_headers_report_usage_as_a_decimal_and_reset() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    for (used, remaining) in [("1", "999.0"), ("2", "998.0")] {
        let response = harness.api_get(ME, &access).await;
        assert_eq!(response.header("x-ratelimit-used"), Some(used));
        assert_eq!(response.header("x-ratelimit-remaining"), Some(remaining));
        assert_eq!(
            response.header("x-ratelimit-reset"),
            Some("590"),
            "ten seconds of the window have passed"
        );
    }
    harness.sandbox.advance_seconds(590);
    let fresh = harness.api_get(ME, &access).await;
    assert_eq!(fresh.header("x-ratelimit-used"), Some("1"));
    assert_eq!(fresh.header("x-ratelimit-reset"), Some("600"));
}

#[tokio::test]
async fn each_person_and_the_token_endpoint_have_separate_windows() {
    let harness = Harness::new();
    let (juniper, _) = harness.connect("juniper").await;
    let (kiln, refresh) = harness.connect("kiln").await;
    harness.api_get(ME, &juniper).await;
    assert_eq!(
        harness.api_get(ME, &kiln).await.header("x-ratelimit-used"),
        Some("1")
    );
    let token = harness.refresh(&refresh).await;
    assert_eq!(token.header("x-ratelimit-used"), Some("3"));
    assert_eq!(
        token.header("x-ratelimit-remaining"),
        Some("297"),
        "the token endpoint reports an integer"
    );
}

#[tokio::test]
async fn exceeded_quota_gets_429_with_or_without_retry_after() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    harness.set_switch("reddit", Switch::Quota(1));
    assert_eq!(harness.api_get(ME, &access).await.status, StatusCode::OK);
    let limited = harness.api_get(ME, &access).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        limited.json(),
        json!({ "message": "Too Many Requests", "error": 429 })
    );
    assert_eq!(limited.header("retry-after"), Some("590"));
    assert_eq!(limited.header("x-ratelimit-remaining"), Some("0.0"));

    harness.set_switch("reddit", Switch::RetryAfter(false));
    assert_eq!(
        harness.api_get(ME, &access).await.header("retry-after"),
        None
    );

    harness.set_switch("reddit", Switch::TokenQuota(1));
    let token = harness.refresh(&refresh).await;
    assert_eq!(
        (token.status, token.json()["error"].as_i64()),
        (StatusCode::TOO_MANY_REQUESTS, Some(429))
    );
}

/// Missing and generic user agents, and the status of the error page that they get.
const REJECTED_USER_AGENTS: [(Option<&str>, StatusCode); 6] = [
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
];

#[tokio::test]
async fn missing_or_generic_user_agent_gets_an_html_page() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    let bearer = format!("bearer {access}");
    for (agent, status) in REJECTED_USER_AGENTS {
        let agent = agent.map(|agent| ("user-agent", agent));
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
        ];
        let basic = [agent.as_slice(), &[("authorization", BASIC)]].concat();
        let bearer = [agent.as_slice(), &[("authorization", &bearer)]].concat();
        for response in [
            harness.post(TOKEN, &basic, &fields).await,
            harness.get(ME, &bearer).await,
        ] {
            assert_eq!(response.status, status, "{agent:?}");
            assert!(
                response.is_html() && response.header("x-ratelimit-used").is_none(),
                "{agent:?}"
            );
        }
    }
    assert_eq!(harness.api_get(ME, &access).await.status, StatusCode::OK);
}
