//! The redirect to the app.

use insta::assert_snapshot;
use serde_json::json;

use crate::callback::{exchanges, query_param_names};
use crate::harness::{CHALLENGE, Harness};
use crate::response::parameter;

#[tokio::test]
async fn redirects_browser_to_app_after_connecting() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    assert_snapshot!(harness.anonymous().get(&harness.consent(&started, "juniper")).await, @"
    303 See Other
    cache-control: no-store
    location: https://app.example/settings?integration=reddit&status=connected&accountId=sim9z#
    ");
}

#[tokio::test]
async fn bound_flow_redirects_with_receipt_and_stores_no_connection() {
    let harness = Harness::new().await;
    let started = harness
        .start_flow(1, "reddit", json!({"challenge": CHALLENGE}))
        .await;
    let redirect = harness
        .anonymous()
        .get(&harness.consent(&started, "juniper"))
        .await;
    assert_snapshot!(redirect, @"
    303 See Other
    cache-control: no-store
    location: https://app.example/settings?integration=reddit&status=pending&flowId=[flowId]&receipt=[receipt]#
    ");
    assert_eq!(
        redirect.query_param("flowId").unwrap(),
        started.text("flowId")
    );
    assert_eq!(
        redirect.query_param("receipt").unwrap().len(),
        22,
        "128 bits in base64url"
    );
    assert!(
        harness
            .database
            .texts("SELECT provider FROM oauth_accounts")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn denied_consent_redirects_with_error_code_only() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let redirect = harness.anonymous().get(&harness.deny(&started)).await;
    assert_snapshot!(redirect, @"
    303 See Other
    cache-control: no-store
    location: https://app.example/settings?integration=reddit&status=error&code=OAUTH_DENIED&correlationId=[correlationId]#
    ");
    assert_eq!(exchanges(&harness), 0);
}

#[tokio::test]
async fn redirect_keeps_app_query_and_overrides_reserved_parameters() {
    let harness = Harness::new().await;
    let address =
        "https://app.example/settings/x?tab=1&name=a%20%26%20b&status=connected&code=forged";
    let started = harness
        .start_flow(1, "reddit", json!({"redirectUrl": address}))
        .await;
    let redirect = harness.anonymous().get(&harness.deny(&started)).await;
    assert_eq!(
        query_param_names(&redirect),
        [
            "tab",
            "name",
            "integration",
            "status",
            "code",
            "correlationId"
        ]
    );
    assert_eq!(redirect.query_param("name").as_deref(), Some("a & b"));
    assert_eq!(redirect.query_param("status").as_deref(), Some("error"));
    assert_eq!(
        redirect.query_param("code").as_deref(),
        Some("OAUTH_DENIED")
    );
}

#[tokio::test]
async fn redirect_has_correlation_id_of_connect_response() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let redirect = harness.anonymous().get(&harness.deny(&started)).await;
    assert_eq!(
        redirect.query_param("correlationId").as_deref(),
        started.header("x-request-id")
    );
}

#[tokio::test]
async fn item_14_redirect_contains_neither_code_nor_state() {
    let harness = Harness::new().await;
    for challenge in [None, Some(CHALLENGE)] {
        let started = harness
            .start_flow(1, "reddit", json!({"challenge": challenge}))
            .await;
        let path = harness.consent(&started, "juniper");
        let code = parameter(&format!("http://localhost{path}"), "code").unwrap();
        let redirect = harness.anonymous().get(&path).await;
        assert_eq!(
            (redirect.status.as_u16(), redirect.header("cache-control")),
            (303, Some("no-store"))
        );
        assert_eq!(redirect.header("referrer-policy"), Some("no-referrer"));
        for secret in [code, started.text("state")] {
            assert!(!redirect.full_text().contains(&secret), "{redirect}");
        }
    }
}

#[tokio::test]
async fn redirect_has_a_fragment_so_that_the_platforms_one_is_dropped() {
    let harness = Harness::new().await;
    for address in [
        "https://app.example/settings",
        "https://app.example/settings?tab=1",
    ] {
        for (is_denied, challenge) in [(false, None), (false, Some(CHALLENGE)), (true, None)] {
            let connect = json!({"redirectUrl": address, "challenge": challenge});
            let started = harness.start_flow(1, "reddit", connect).await;
            let path = if is_denied {
                harness.deny(&started)
            } else {
                harness.consent(&started, "juniper")
            };
            let redirect = harness.anonymous().get(&path).await;
            let location = redirect.location();
            assert!(location.ends_with('#'), "{location}");
            assert!(redirect.query_param("status").is_some(), "{location}");
        }
    }
}
