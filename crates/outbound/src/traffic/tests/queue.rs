//! Call slots and the queue for them.

use tokio::task::{JoinSet, yield_now};

use super::*;

/// Starts calls until the queue is full.
async fn fill_queue(fixture: &Fixture) -> JoinSet<Result<(), NotAdmitted>> {
    let mut queue = JoinSet::new();
    for _ in 0..MAX_QUEUED_CALLS {
        let traffic = Arc::clone(&fixture.traffic);
        queue.spawn(async move {
            traffic
                .admit(waiting_up_to_a_minute(
                    &endpoint(),
                    RequestClass::Interactive,
                ))
                .await
                .map(drop)
        });
    }
    while fixture.queued() < MAX_QUEUED_CALLS {
        yield_now().await;
    }
    queue
}

#[tokio::test]
async fn call_slots_and_their_queue_are_bounded() {
    let fixture = Fixture::new(1);
    let held = fixture.admit().await.unwrap();
    assert_eq!(fixture.traffic.free_permits(), Some(0));
    let late = fixture.admit().await.unwrap_err();
    assert_eq!(late, NotAdmitted::new(Refusal::QueueTimeout, RETRY_AFTER));
    let queue = fill_queue(&fixture).await;
    let refused = fixture
        .traffic
        .admit(waiting_up_to_a_minute(&endpoint(), RequestClass::Refresh))
        .await
        .unwrap_err();
    assert_eq!(refused.refusal, Refusal::QueueFull);
    drop(held);
    assert!(
        queue
            .join_all()
            .await
            .into_iter()
            .all(|admitted| admitted.is_ok())
    );
    assert_eq!(
        (fixture.queued(), fixture.traffic.free_permits()),
        (0, Some(1))
    );
}

#[tokio::test]
async fn queued_refresh_is_admitted_before_earlier_interactive_call() {
    let fixture = Fixture::new(1);
    let held = fixture.admit().await.unwrap();
    let (admitted, mut order) = tokio::sync::mpsc::unbounded_channel();
    for class in [RequestClass::Interactive, RequestClass::Refresh] {
        let (traffic, admitted, before) = (
            Arc::clone(&fixture.traffic),
            admitted.clone(),
            fixture.queued(),
        );
        tokio::spawn(async move {
            let permit = traffic
                .admit(waiting_up_to_a_minute(&endpoint(), class))
                .await;
            admitted.send(class).unwrap();
            drop(permit);
        });
        while fixture.queued() == before {
            yield_now().await;
        }
    }
    drop(held);
    let order = [order.recv().await.unwrap(), order.recv().await.unwrap()];
    assert_eq!(order, [RequestClass::Refresh, RequestClass::Interactive]);
}
