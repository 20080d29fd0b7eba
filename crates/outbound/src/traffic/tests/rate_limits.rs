//! Rate limits that responses and headers state.

use http::{HeaderName, HeaderValue};

use super::*;

fn limited(retry_after_seconds: Option<i64>) -> CallOutcome {
    CallOutcome::RateLimited {
        retry_after: retry_after_seconds.map(SignedDuration::from_secs),
    }
}

#[tokio::test]
async fn retry_after_pauses_all_calls_and_ends_without_probe() {
    let fixture = Fixture::new(64);
    fixture.call(limited(None)).await.unwrap();
    assert!(
        fixture.admit().await.is_ok(),
        "a 429 without a stated wait pauses nothing"
    );
    fixture.call(limited(Some(60))).await.unwrap();
    let paused = NotAdmitted::new(
        Refusal::Blocked(BlockKind::RateLimit),
        SignedDuration::from_secs(60),
    );
    assert_eq!(fixture.admit().await.unwrap_err(), paused);
    assert_eq!(
        fixture
            .traffic
            .admit(fixture.for_other_account())
            .await
            .unwrap_err(),
        paused
    );
    fixture.clock.advance_seconds(60);
    assert_eq!(fixture.admit().await.unwrap().half_open_probe(), None);
}

#[tokio::test]
async fn long_retry_after_pauses_account_fully_and_endpoint_for_minutes() {
    let fixture = Fixture::new(64);
    fixture.call(limited(Some(86_400))).await.unwrap();
    assert!(
        fixture
            .traffic
            .admit(fixture.for_other_account())
            .await
            .is_err()
    );
    fixture.clock.advance(MAX_ENDPOINT_PAUSE);
    assert!(
        fixture
            .traffic
            .admit(fixture.for_other_account())
            .await
            .is_ok()
    );
    let unknown = AdmissionRequest {
        account: None,
        ..fixture.interactive()
    };
    assert!(fixture.traffic.admit(unknown).await.is_ok());
    for request in [fixture.refresh(), fixture.interactive()] {
        assert_eq!(
            fixture.traffic.admit(request).await.unwrap_err().refusal,
            Refusal::RateLimitReached
        );
    }
    fixture
        .clock
        .advance(SignedDuration::from_hours(24) - MAX_ENDPOINT_PAUSE);
    for request in [fixture.refresh(), fixture.interactive()] {
        assert!(fixture.traffic.admit(request).await.is_ok());
    }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

#[tokio::test]
async fn stated_limits_apply_to_their_endpoint_only() {
    let fixture = Fixture::new(64);
    fixture.traffic.share_among(2);
    let left = headers(&[
        ("x-ratelimit-remaining", "4.0"),
        ("x-ratelimit-reset", "30"),
    ]);
    fixture.traffic.observe_response(&fixture.endpoint, &left);
    assert!(
        fixture.admit().await.is_ok() && fixture.admit().await.is_ok(),
        "half of four calls, since there are two replicas"
    );
    assert_eq!(
        fixture.admit().await.unwrap_err().retry_after,
        SignedDuration::from_secs(31)
    );
    for (kind, host) in [
        (EndpointKind::Token, "www.example"),
        (EndpointKind::Api, "api.example"),
    ] {
        let elsewhere = AdmissionRequest {
            endpoint: &Endpoint::new(kind, host),
            ..fixture.interactive()
        };
        assert!(fixture.traffic.admit(elsewhere).await.is_ok());
    }
    fixture.clock.advance_seconds(30);
    assert!(fixture.admit().await.is_ok());
    fixture.traffic.observe_response(
        &fixture.endpoint,
        &headers(&[("x-app-usage", "{\"call_count\":100}")]),
    );
    assert!(fixture.admit().await.is_err());
    fixture.clock.advance_seconds(60);
    assert!(fixture.admit().await.is_ok());
}

#[tokio::test]
async fn account_pause_header_pauses_that_account_only() {
    let fixture = Fixture::new(64);
    let usage = "{\"17841\":[{\"estimated_time_to_regain_access\":7}]}";
    fixture.traffic.observe_response(
        &fixture.endpoint,
        &headers(&[("x-business-use-case-usage", usage)]),
    );
    assert_eq!(
        fixture.admit().await.unwrap_err().retry_after,
        SignedDuration::from_secs(421)
    );
    assert!(
        fixture
            .traffic
            .admit(fixture.for_other_account())
            .await
            .is_ok()
    );
    fixture.clock.advance_seconds(420);
    assert!(fixture.admit().await.is_ok());
}
