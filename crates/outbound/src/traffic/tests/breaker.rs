//! The circuit breaker: blocks, probes and the slow start after a block.

use super::super::state::{SLOW_START_DURATION, SLOW_START_INTERVAL};
use super::*;

#[tokio::test]
async fn failing_endpoint_is_blocked_then_probed_by_one_call() {
    let fixture = Fixture::new(64);
    fixture.fail_calls_to(&fixture.endpoint).await;
    assert_eq!(
        fixture.take_shared_calls(),
        ["block token api.example breaker 1"]
    );
    assert_eq!(
        fixture.admit().await.unwrap_err(),
        NotAdmitted::new(BREAKER, SignedDuration::from_secs(5))
    );
    fixture.clock.advance_seconds(5);
    let probe = fixture.admit().await.unwrap();
    assert_eq!(probe.half_open_probe(), Some(BlockKind::Breaker));
    assert!(fixture.admit().await.is_err(), "only one probe at a time");
    fixture.traffic.settle(&probe, CallOutcome::Failed).await;
    assert_eq!(
        fixture.take_shared_calls(),
        ["block token api.example breaker 2"],
        "the second block lasts longer"
    );
    fixture.clock.advance_seconds(9);
    assert!(fixture.admit().await.is_err());
    fixture.clock.advance_seconds(1);
    fixture.call(CallOutcome::Succeeded).await.unwrap();
    assert_eq!(
        fixture.take_shared_calls(),
        ["unblock token api.example breaker"]
    );
    assert_eq!(fixture.admit().await.unwrap().half_open_probe(), None);
}

#[tokio::test]
async fn calls_in_flight_do_not_trip_open_breaker_again() {
    let fixture = Fixture::new(64);
    let mut in_flight = Vec::new();
    for _ in 0..64 {
        let request = AdmissionRequest {
            account: None,
            ..fixture.interactive()
        };
        in_flight.push(fixture.traffic.admit(request).await.unwrap());
    }
    for permit in in_flight {
        fixture.traffic.settle(&permit, CallOutcome::Failed).await;
    }
    assert_eq!(
        fixture.take_shared_calls(),
        ["block token api.example breaker 1"]
    );
    assert_eq!(
        fixture.admit().await.unwrap_err().retry_after,
        SignedDuration::from_secs(5)
    );
}

#[tokio::test]
async fn queued_call_is_rejected_by_block_set_while_it_waited() {
    let fixture = Fixture::new(1);
    let first = fixture.admit().await.unwrap();
    let second = tokio::spawn({
        let traffic = Arc::clone(&fixture.traffic);
        async move {
            traffic
                .admit(waiting_up_to_a_minute(
                    &endpoint(),
                    RequestClass::Interactive,
                ))
                .await
                .map(drop)
        }
    });
    while fixture.queued() == 0 {
        tokio::task::yield_now().await;
    }
    fixture.traffic.block(ENDPOINT, BlockKind::Breaker).await;
    drop(first);
    assert_eq!(second.await.unwrap().unwrap_err().refusal, BREAKER);
}

#[tokio::test]
async fn call_is_rejected_while_another_replica_probes() {
    let fixture = Fixture::new(64);
    fixture.traffic.block(ENDPOINT, BlockKind::Breaker).await;
    fixture.clock.advance_seconds(5);
    fixture.shared.denies_probes.store(true, Ordering::Relaxed);
    assert!(fixture.admit().await.is_err());
}

#[tokio::test]
async fn rejected_calls_do_not_trip_breaker() {
    let fixture = Fixture::new(64);
    for _ in 0..300 {
        fixture.call(CallOutcome::Rejected).await.unwrap();
    }
    assert!(fixture.take_shared_calls().is_empty());
}

#[tokio::test]
async fn registration_block_ends_with_first_success() {
    let fixture = Fixture::new(64);
    let registration = BlockKind::Registration;
    fixture.traffic.block(Block::REFRESHES, registration).await;
    let blocked = fixture.traffic.admit(fixture.refresh()).await.unwrap_err();
    assert_eq!(blocked.refusal, Refusal::Blocked(registration));
    assert!(fixture.admit().await.is_ok(), "code exchanges are sent");
    for (outcome, shared) in [
        (
            CallOutcome::Rejected,
            "block refreshes client_registration 2",
        ),
        (
            CallOutcome::Succeeded,
            "unblock refreshes client_registration",
        ),
    ] {
        fixture.take_shared_calls();
        fixture.clock.advance_seconds(30);
        let probe = fixture.traffic.admit(fixture.refresh()).await.unwrap();
        fixture.traffic.settle(&probe, outcome).await;
        assert_eq!(fixture.take_shared_calls(), [shared]);
    }
}

#[tokio::test]
async fn failing_endpoint_does_not_block_another_endpoint_of_its_host() {
    let fixture = Fixture::new(64);
    let revocation = Endpoint::new(EndpointKind::Revocation, "api.example");
    let revoke = AdmissionRequest {
        endpoint: &revocation,
        ..fixture.interactive()
    };
    let limited = CallOutcome::RateLimited {
        retry_after: Some(SignedDuration::from_hours(1)),
    };
    fixture.settle(revoke, limited).await.unwrap();
    assert!(fixture.traffic.admit(revoke).await.is_err());
    assert!(fixture.traffic.admit(fixture.refresh()).await.is_ok());
    let profile = Endpoint::new(EndpointKind::Api, "api.example");
    fixture.fail_calls_to(&profile).await;
    assert!(fixture.traffic.admit(fixture.refresh()).await.is_ok());
    fixture.fail_calls_to(&fixture.endpoint).await;
    assert!(fixture.traffic.admit(fixture.refresh()).await.is_err());
    assert_eq!(
        fixture.take_shared_calls(),
        [
            "block revocation api.example rate_limit 1",
            "block api api.example breaker 1",
            "block token api.example breaker 1",
        ]
    );
}

#[tokio::test]
async fn failures_of_one_account_do_not_block_others() {
    let fixture = Fixture::new(64);
    for _ in 0..300 {
        fixture.call(CallOutcome::Failed).await.unwrap();
    }
    assert!(fixture.take_shared_calls().is_empty());
}

#[tokio::test]
async fn refresh_block_does_not_block_interactive_calls() {
    let fixture = Fixture::new(64);
    fixture
        .traffic
        .block(Block::REFRESHES, BlockKind::MassRejection)
        .await;
    assert!(fixture.traffic.admit(fixture.refresh()).await.is_err());
    assert!(fixture.admit().await.is_ok());
}

#[tokio::test]
async fn calls_are_slowed_down_after_block_ends() {
    let fixture = Fixture::new(64);
    fixture.call(CallOutcome::Succeeded).await.unwrap();
    fixture.traffic.block(ENDPOINT, BlockKind::Breaker).await;
    fixture.traffic.set_blocks(Vec::new());
    assert!(fixture.admit().await.is_ok());
    let take = || lock(&fixture.traffic.state).take_call(&fixture.endpoint, fixture.traffic.now());
    assert_eq!(
        take(),
        Err(SLOW_START_INTERVAL),
        "another replica removed the block"
    );
    fixture.clock.advance(SLOW_START_DURATION);
    assert!((0..100).all(|_| take().is_ok()));
}

#[tokio::test]
async fn retry_is_admitted_only_if_new_call_would_be() {
    let fixture = Fixture::new(4);
    let refresh = fixture.traffic.admit(fixture.refresh()).await.unwrap();
    let interactive = fixture.admit().await.unwrap();
    assert!(fixture.traffic.admits_retry(&refresh));
    fixture
        .traffic
        .pause_endpoint(&fixture.endpoint, SignedDuration::from_secs(10))
        .await;
    assert!(
        !fixture.traffic.admits_retry(&refresh),
        "the endpoint is paused"
    );
    fixture.clock.advance_seconds(10);
    assert!(fixture.traffic.admits_retry(&refresh));
    fixture
        .traffic
        .block(Block::REFRESHES, BlockKind::MassRejection)
        .await;
    fixture.clock.advance_seconds(86_400);
    assert!(
        !fixture.traffic.admits_retry(&refresh),
        "only a new call may become the probe"
    );
    assert!(
        fixture.traffic.admits_retry(&interactive),
        "the block covers refreshes only"
    );
}

#[tokio::test]
async fn active_block_is_found_behind_longer_one() {
    let fixture = Fixture::new(4);
    let mass_rejection = || {
        fixture
            .traffic
            .active_block(Block::REFRESHES, BlockKind::MassRejection)
    };
    assert_eq!(mass_rejection(), None);
    fixture
        .traffic
        .block(Block::REFRESHES, BlockKind::MassRejection)
        .await;
    fixture
        .traffic
        .pause_endpoint(&fixture.endpoint, SignedDuration::from_hours(24))
        .await;
    let longest = fixture
        .traffic
        .block_for(&fixture.endpoint, RequestClass::Refresh);
    assert_eq!(longest.map(|block| block.kind), Some(BlockKind::RateLimit));
    assert_eq!(
        mass_rejection().map(|block| block.kind),
        Some(BlockKind::MassRejection)
    );
}
