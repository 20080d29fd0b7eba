//! The circuit breaker: blocks, probes and the slow start after a block.

use super::super::state::{SLOW_START_DURATION, SLOW_START_INTERVAL};
use super::*;

#[tokio::test]
async fn failing_host_is_blocked_then_probed_by_one_call() {
    let fixture = Fixture::new(64);
    for _ in 0..5 {
        fixture.call(CallOutcome::Failed).await.unwrap();
    }
    assert_eq!(fixture.take_shared_calls(), ["block api.example breaker 1"]);
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
        ["block api.example breaker 2"],
        "the second block lasts longer"
    );
    fixture.clock.advance_seconds(9);
    assert!(fixture.admit().await.is_err());
    fixture.clock.advance_seconds(1);
    fixture.call(CallOutcome::Succeeded).await.unwrap();
    assert_eq!(fixture.take_shared_calls(), ["unblock api.example breaker"]);
    assert_eq!(fixture.admit().await.unwrap().half_open_probe(), None);
}

#[tokio::test]
async fn calls_in_flight_do_not_trip_open_breaker_again() {
    let fixture = Fixture::new(64);
    let mut in_flight = Vec::new();
    for _ in 0..64 {
        in_flight.push(fixture.admit().await.unwrap());
    }
    for permit in in_flight {
        fixture.traffic.settle(&permit, CallOutcome::Failed).await;
    }
    assert_eq!(fixture.take_shared_calls(), ["block api.example breaker 1"]);
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
                .admit(waiting_up_to_a_minute(HOST, RequestClass::Interactive))
                .await
                .map(drop)
        }
    });
    while fixture.queued() == 0 {
        tokio::task::yield_now().await;
    }
    fixture.traffic.block(HOST, BlockKind::Breaker).await;
    drop(first);
    assert_eq!(second.await.unwrap().unwrap_err().refusal, BREAKER);
}

#[tokio::test]
async fn call_is_rejected_while_another_replica_probes() {
    let fixture = Fixture::new(64);
    fixture.traffic.block(HOST, BlockKind::Breaker).await;
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
async fn rejected_client_blocks_calls_until_one_succeeds() {
    let fixture = Fixture::new(64);
    fixture.call(CallOutcome::Rejected).await.unwrap();
    assert!(
        fixture.take_shared_calls().is_empty(),
        "one rejected call does not block the provider"
    );
    fixture.call(CallOutcome::ClientRejected).await.unwrap();
    assert_eq!(
        fixture.take_shared_calls(),
        ["block api.example client_registration 1"]
    );
    assert_eq!(
        fixture.admit().await.unwrap_err().refusal,
        Refusal::Blocked(BlockKind::Registration)
    );
    fixture.clock.advance_seconds(60);
    fixture.call(CallOutcome::Rejected).await.unwrap();
    assert_eq!(
        fixture.take_shared_calls(),
        ["block api.example client_registration 2"],
        "a rejected probe does not prove that the client is accepted"
    );
    fixture.clock.advance_seconds(120);
    fixture.call(CallOutcome::Succeeded).await.unwrap();
    assert_eq!(
        fixture.take_shared_calls(),
        ["unblock api.example client_registration"]
    );
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
    fixture.traffic.block(HOST, BlockKind::Breaker).await;
    fixture.traffic.set_blocks(Vec::new());
    assert!(fixture.admit().await.is_ok());
    assert_eq!(
        fixture.traffic.take_call(fixture.interactive()),
        Err(SLOW_START_INTERVAL),
        "another replica removed the block"
    );
    fixture.clock.advance(SLOW_START_DURATION);
    assert!((0..100).all(|_| fixture.traffic.take_call(fixture.interactive()).is_ok()));
}

#[tokio::test]
async fn retry_is_admitted_only_if_new_call_would_be() {
    let fixture = Fixture::new(4);
    let refresh = fixture.traffic.admit(fixture.refresh()).await.unwrap();
    let interactive = fixture.admit().await.unwrap();
    assert!(fixture.traffic.admits_retry(&refresh));
    fixture
        .traffic
        .pause_host(HOST, SignedDuration::from_secs(10))
        .await;
    assert!(
        !fixture.traffic.admits_retry(&refresh),
        "the host is paused"
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
        .pause_host(HOST, SignedDuration::from_hours(24))
        .await;
    let longest = fixture.traffic.block_for(HOST, RequestClass::Refresh);
    assert_eq!(longest.map(|block| block.kind), Some(BlockKind::RateLimit));
    assert_eq!(
        mass_rejection().map(|block| block.kind),
        Some(BlockKind::MassRejection)
    );
}
