//! Rate limits that responses and headers state.

use http::{HeaderName, HeaderValue};

use tokio::task::JoinSet;

use super::*;

fn limited(retry_after_seconds: Option<i64>) -> CallOutcome {
    CallOutcome::RateLimited {
        retry_after: retry_after_seconds.map(SignedDuration::from_secs),
    }
}

#[tokio::test]
async fn retry_after_pauses_all_calls_and_ends_without_probe() {
    let fixture = Fixture::new(64);
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

/// Waits for a turn for up to ten seconds.
fn patient(fixture: &Fixture, class: RequestClass) -> AdmissionRequest<'_> {
    AdmissionRequest {
        account: None,
        max_wait: Duration::from_secs(10),
        ..fixture.request(class)
    }
}

/// Starts a call that reports when it is admitted, and waits until it is queued.
async fn queue(
    fixture: &Arc<Fixture>,
    class: RequestClass,
    calls: &mut JoinSet<(RequestClass, Duration)>,
) {
    let fixture = Arc::clone(fixture);
    calls.spawn(async move {
        let admitted = fixture.traffic.admit(patient(&fixture, class)).await;
        drop(admitted.unwrap());
        (class, fixture.traffic.started.elapsed())
    });
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn delayed_calls_start_one_by_one_and_callers_before_the_scheduler() {
    use RequestClass::{DueRefresh, Interactive, Refresh};
    let fixture = Arc::new(Fixture::unproven(64));
    fixture.call(limited(None)).await.unwrap();
    let mut calls = JoinSet::new();
    for class in [DueRefresh, DueRefresh, Interactive, Refresh, Refresh] {
        queue(&fixture, class, &mut calls).await;
    }
    let mut started = Vec::new();
    while let Some(call) = calls.join_next().await {
        started.push(call.unwrap());
    }
    let order: Vec<_> = started.iter().map(|(class, _)| *class).collect();
    // The first one had the turn before the others came.
    assert_eq!(
        order,
        [DueRefresh, Refresh, Refresh, Interactive, DueRefresh]
    );
    let is_spaced = |pair: &[(_, Duration)]| pair[1].1 > pair[0].1 + Duration::from_millis(50);
    assert!(started.windows(2).all(is_spaced), "{started:?}");
}

#[tokio::test(start_paused = true)]
async fn call_waits_for_the_end_of_a_short_pause() {
    let fixture = Fixture::unproven(64);
    fixture.call(limited(Some(5))).await.unwrap();
    let request = patient(&fixture, RequestClass::Refresh);
    let waiting = fixture.traffic.admit(request);
    let advance = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        fixture.clock.advance_seconds(5);
    };
    let (admitted, ()) = tokio::join!(waiting, advance);
    assert!(admitted.is_ok(), "{admitted:?}");
    assert!(fixture.traffic.started.elapsed() > Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn call_that_would_wait_too_long_is_rejected_at_once() {
    let fixture = Arc::new(Fixture::unproven(64));
    fixture.call(limited(None)).await.unwrap();
    let mut calls = JoinSet::new();
    // At about five calls per second, 30 of them take six seconds.
    for _ in 0..30 {
        queue(&fixture, RequestClass::Interactive, &mut calls).await;
    }
    let impatient = |class| AdmissionRequest {
        max_wait: Duration::from_secs(2),
        ..patient(&fixture, class)
    };
    let before = fixture.traffic.started.elapsed();
    let rejected = fixture.traffic.admit(impatient(RequestClass::Interactive));
    let rejected = rejected.await.unwrap_err();
    assert_eq!(rejected.refusal, Refusal::RateLimitReached);
    let seconds = rejected.retry_after.as_secs();
    assert!((5..10).contains(&seconds), "{seconds}");
    assert_eq!(fixture.traffic.started.elapsed(), before);
    let first = fixture.traffic.admit(impatient(RequestClass::Refresh));
    assert!(first.await.is_ok(), "a caller passes them");
    calls.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn scheduler_starts_as_many_refreshes_as_the_rate_permits() {
    let fixture = Fixture::unproven(64);
    let startable = || {
        let within = Duration::from_secs(2);
        fixture.traffic.startable(&fixture.endpoint, within)
    };
    assert_eq!(startable(), Some(64));
    fixture.call(limited(None)).await.unwrap();
    assert_eq!(startable(), Some(10));
    fixture.traffic.share_among(5);
    assert_eq!(startable(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn unproven_provider_is_not_called_by_all_at_once() {
    let fixture = Fixture::unproven(64);
    let impatient = AdmissionRequest {
        max_wait: Duration::ZERO,
        ..fixture.interactive()
    };
    for started in [4, 6, 9] {
        let mut permits = Vec::new();
        while let Ok(permit) = fixture.traffic.admit(impatient).await {
            permits.push(permit);
        }
        assert_eq!(permits.len(), started);
        for permit in permits {
            fixture
                .traffic
                .settle(&permit, CallOutcome::Succeeded)
                .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn thousand_calls_to_a_hanging_provider_wait_for_a_slot_within_two_seconds() {
    let fixture = Arc::new(Fixture::unproven(64));
    let mut calls = JoinSet::new();
    for _ in 0..1000 {
        let fixture = Arc::clone(&fixture);
        calls.spawn(async move {
            let permit = fixture
                .traffic
                .admit(patient(&fixture, RequestClass::Refresh))
                .await;
            std::future::pending::<()>().await;
            drop(permit);
        });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(fixture.traffic.free_permits(), Some(0));
    assert_eq!(fixture.queued(), 1000 - 64);
}

/// Otherwise the calls that waited for slots would start together once slots become free.
#[tokio::test(start_paused = true)]
async fn at_a_learned_rate_one_call_at_a_time_waits_for_a_slot() {
    let fixture = Arc::new(Fixture::unproven(1));
    fixture.call(limited(None)).await.unwrap();
    let request = patient(&fixture, RequestClass::Refresh);
    let held = fixture.traffic.admit(request).await.unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        queue(&fixture, RequestClass::Refresh, &mut calls).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(fixture.queued(), 1);
    drop(held);
    assert_eq!(calls.join_all().await.len(), 3);
}
