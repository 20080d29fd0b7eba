//! The code is exchanged once, also for repeated and concurrent callbacks.

use serde_json::json;

use crate::callback::{assert_rejected_without_redirect, exchanges};
use crate::harness::{CHALLENGE, Harness};
use crate::response::TestResponse;

#[tokio::test]
async fn item_2_replay_within_60_s_repeats_response_without_exchange() {
    let harness = Harness::new().await;
    for challenge in [None, Some(CHALLENGE)] {
        let started = harness
            .start_flow(1, "reddit", json!({"challenge": challenge}))
            .await;
        let path = harness.consent(&started, "juniper");
        let first = harness.anonymous().get(&path).await;
        let exchanges_before = exchanges(&harness);
        harness.clock.advance_seconds(59);
        let second = harness.anonymous().get(&path).await;
        assert_eq!(
            (second.location(), exchanges(&harness)),
            (first.location(), exchanges_before)
        );
        harness.clock.advance_seconds(1);
        assert_rejected_without_redirect(&harness, &path).await;
    }
}

#[tokio::test]
async fn item_2_concurrent_callbacks_share_one_code_exchange() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let path = harness.consent(&started, "juniper");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (router, path) = (harness.router.clone(), path.clone());
        calls.spawn(async move {
            let request = axum::http::Request::get(path)
                .body(axum::body::Body::empty())
                .unwrap();
            TestResponse::read(tower::ServiceExt::oneshot(router, request).await.unwrap()).await
        });
    }
    let responses = calls.join_all().await;
    assert!(
        responses
            .iter()
            .all(|response| response.location() == responses[0].location())
    );
    assert_eq!(
        responses[0].query_param("status").as_deref(),
        Some("connected")
    );
    assert_eq!(exchanges(&harness), 1);
}

#[tokio::test]
async fn used_state_with_another_code_is_rejected() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    harness
        .anonymous()
        .get(&harness.consent(&started, "juniper"))
        .await;
    assert_rejected_without_redirect(&harness, &harness.consent(&started, "kiln")).await;
    assert_rejected_without_redirect(&harness, &harness.deny(&started)).await;
}

#[tokio::test]
async fn code_of_another_flow_is_rejected() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let (first, second) = (
        harness.start_flow(1, "reddit", json!({})).await,
        harness.start_flow(2, "reddit", json!({})).await,
    );
    let path = harness.consent(&first, "kiln");
    harness.anonymous().get(&path).await;
    let swapped = path.replace(&first.text("state"), &second.text("state"));
    let redirect = harness.anonymous().get(&swapped).await;
    assert_eq!(
        redirect.query_param("code").as_deref(),
        Some("INVALID_CODE"),
        "a code can be exchanged once"
    );
    let owners = harness
        .database
        .texts("SELECT CAST(user_id AS TEXT) FROM oauth_accounts ORDER BY id")
        .await;
    assert_eq!(owners, ["1"; 2]);
}
