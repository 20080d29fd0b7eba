//! Validation of state, issuer and repeated parameters.

use insta::assert_snapshot;
use serde_json::json;

use crate::callback::{CALLBACK, assert_rejected_without_redirect, exchanges};
use crate::harness::Harness;

#[tokio::test]
async fn item_3_state_is_valid_for_its_own_provider_only() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let path = harness.consent(&started, "juniper");
    for other in ["acme", "later", "nowhere", "..", "%2e%2e", "REDDIT"] {
        assert_rejected_without_redirect(
            &harness,
            &path.replace("/callback/reddit?", &format!("/callback/{other}?")),
        )
        .await;
    }
    let redirect = harness.anonymous().get(&path).await;
    assert_eq!(
        redirect.query_param("status").as_deref(),
        Some("connected"),
        "rejected attempts do not use up the state"
    );
}

#[tokio::test]
async fn item_4_state_expires_after_ten_minutes() {
    let harness = Harness::new().await;
    let (expired, valid) = (
        harness.start_flow(1, "reddit", json!({})).await,
        harness.start_flow(1, "reddit", json!({})).await,
    );
    let (expired, valid) = (
        harness.consent(&expired, "juniper"),
        harness.consent(&valid, "kiln"),
    );
    harness.clock.advance_seconds(599);
    assert_eq!(
        harness
            .anonymous()
            .get(&valid)
            .await
            .query_param("status")
            .as_deref(),
        Some("connected")
    );
    harness.clock.advance_seconds(1);
    let exchanges_before = exchanges(&harness);
    let redirect = harness.anonymous().get(&expired).await;
    assert_snapshot!(redirect, @"
    303 See Other
    cache-control: no-store
    location: https://app.example/settings?integration=reddit&status=error&code=INVALID_STATE&correlationId=[correlationId]#
    ");
    assert_eq!(exchanges(&harness), exchanges_before);
}

#[tokio::test]
async fn unknown_state_shows_error_page_without_redirect() {
    let harness = Harness::new().await;
    harness.start_flow(1, "reddit", json!({})).await;
    for query in [
        "",
        "state=",
        "state=x&code=y",
        "code=y",
        "error=access_denied",
        "state=%00&code=%00",
        "state[]=x&code=y",
    ] {
        assert_rejected_without_redirect(&harness, &format!("{CALLBACK}?{query}")).await;
    }
    assert_rejected_without_redirect(
        &harness,
        &format!("{CALLBACK}?code=y&state={}", "x".repeat(5000)),
    )
    .await;
}

#[tokio::test]
async fn item_10_repeated_callback_parameter_is_rejected() {
    let harness = Harness::new().await;
    let started = harness.start_flow(1, "reddit", json!({})).await;
    let path = harness.consent(&started, "juniper");
    for repeated in [
        "state=x",
        "code=x",
        "iss=a&iss=b",
        "error=a&error=b",
        "error_code=1&error_code=2",
    ] {
        assert_rejected_without_redirect(&harness, &format!("{path}&{repeated}")).await;
    }
    assert_eq!(
        harness
            .anonymous()
            .get(&path)
            .await
            .query_param("status")
            .as_deref(),
        Some("connected")
    );
}

#[tokio::test]
async fn item_10_issuer_must_match_provider() {
    let harness = Harness::new().await;
    let callback = async |suffix: &str| {
        let started = harness.start_flow(1, "named", json!({})).await;
        let approved = harness
            .sandbox
            .approve(&started.text("authUrl"), "juniper", None)
            .unwrap();
        let path = crate::harness::callback_path(&approved);
        harness.anonymous().get(&format!("{path}{suffix}")).await
    };
    for issuer in [
        "",
        "&iss=",
        "&iss=https://evil.example",
        "&iss=https://named.example/",
        "&iss=HTTPS://NAMED.EXAMPLE",
    ] {
        let response = callback(issuer).await;
        assert_eq!(
            response.query_param("code").as_deref(),
            Some("OAUTH_CALLBACK_ERROR"),
            "{issuer}"
        );
    }
    assert_eq!(exchanges(&harness), 0);
    assert_eq!(
        callback("&iss=https://named.example")
            .await
            .query_param("status")
            .as_deref(),
        Some("connected")
    );
}
