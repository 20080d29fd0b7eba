//! Counted, never timed: a gate says when work may end, and a future polled once has surely joined.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::sync::{Semaphore, oneshot};

use super::*;

type Flown = Result<usize, FlightAborted>;

fn joins<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
    matches!(
        future.poll(&mut Context::from_waker(Waker::noop())),
        Poll::Pending
    )
}

/// Work that is counted when it runs and ends when the gate opens.
fn work(
    runs: &Arc<AtomicUsize>,
    gate: &Arc<Semaphore>,
) -> impl Future<Output = usize> + Send + use<> {
    let (runs, gate) = (Arc::clone(runs), Arc::clone(gate));
    async move {
        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
        drop(gate.acquire().await);
        run
    }
}

fn ground() -> (SingleFlight<u32, usize>, Arc<AtomicUsize>, Arc<Semaphore>) {
    (
        SingleFlight::new(),
        Arc::default(),
        Arc::new(Semaphore::new(0)),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_share_one_run() {
    let (flights, runs, gate) = ground();
    let mut callers: Vec<_> = (0..1000)
        .map(|_| Box::pin(flights.run(7, || work(&runs, &gate))))
        .collect();
    assert!(callers.iter_mut().all(|caller| joins(caller.as_mut())));
    assert_eq!(flights.in_flight(), 1);
    gate.add_permits(1);
    for caller in callers {
        assert_eq!(caller.await, Ok(1));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn other_keys_fly_at_the_same_time() {
    let (flights, runs, gate) = ground();
    let mut callers: Vec<_> = (0..50)
        .map(|key| Box::pin(flights.run(key, || work(&runs, &gate))))
        .collect();
    assert!(callers.iter_mut().all(|caller| joins(caller.as_mut())));
    assert_eq!(flights.in_flight(), 50);
    gate.add_permits(50);
    for caller in callers {
        assert!(caller.await.is_ok());
    }
    assert_eq!(runs.load(Ordering::SeqCst), 50);
}

#[tokio::test]
async fn the_work_outlives_the_caller_who_began_it() {
    let (flights, runs, gate) = ground();
    let mut starter = Box::pin(flights.run(7, || work(&runs, &gate)));
    let mut waiter = Box::pin(flights.run(7, || work(&runs, &gate)));
    assert!(joins(starter.as_mut()) && joins(waiter.as_mut()));
    drop(starter);
    gate.add_permits(1);
    assert_eq!(waiter.await, Ok(1));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_work_completes_though_nobody_waits_any_more() {
    let flights = SingleFlight::<u32, usize>::new();
    let (done, completed) = oneshot::channel();
    let gate = Arc::new(Semaphore::new(0));
    {
        let opens = Arc::clone(&gate);
        let flight = flights.run(7, || async move {
            drop(opens.acquire().await);
            done.send("done").map_or(0, |()| 1)
        });
        let mut only = pin!(flight);
        assert!(joins(only.as_mut()));
    }
    gate.add_permits(1);
    assert_eq!(completed.await, Ok("done"));
}

#[tokio::test]
async fn a_panic_is_told_to_all_who_wait_and_frees_the_key() {
    let (flights, runs, gate) = ground();
    let opens = Arc::clone(&gate);
    let fails = || async move {
        drop(opens.acquire().await);
        panic!("planted");
    };
    let mut starter = Box::pin(flights.run(7, fails));
    let mut waiter = Box::pin(flights.run(7, || work(&runs, &gate)));
    let mut other = Box::pin(flights.run(8, || work(&runs, &gate)));
    assert!(joins(starter.as_mut()) && joins(waiter.as_mut()) && joins(other.as_mut()));
    gate.add_permits(3);
    assert_eq!(starter.await, Err(FlightAborted));
    assert_eq!(waiter.await, Err(FlightAborted));
    assert_eq!(other.await, Ok(1), "another key is unharmed");
    assert_eq!(
        flights.run(7, || work(&runs, &gate)).await,
        Ok(2),
        "the key is free"
    );
}

#[tokio::test]
async fn a_panic_before_the_work_begins_frees_the_key_too() {
    let (flights, runs, gate) = ground();
    let flights = Arc::new(flights);
    let shared = Arc::clone(&flights);
    let begins = move || -> std::future::Ready<usize> { panic!("planted") };
    let caller = tokio::spawn(async move { shared.run(7, begins).await });
    assert!(caller.await.unwrap_err().is_panic());
    gate.add_permits(1);
    assert_eq!(flights.run(7, || work(&runs, &gate)).await, Ok(1));
}

#[tokio::test]
async fn who_hears_the_outcome_finds_the_key_free() {
    let (flights, runs, gate) = ground();
    gate.add_permits(100);
    for run in 1..=100 {
        assert_eq!(flights.run(7, || work(&runs, &gate)).await, Ok(run));
        assert_eq!(flights.in_flight(), 0);
    }
}

#[tokio::test]
async fn keys_that_have_landed_take_no_room() {
    let flights = SingleFlight::<u32, usize>::new();
    for key in 0..10_000 {
        let flown: Flown = flights.run(key, || async { 0 }).await;
        assert_eq!(flown, Ok(0));
    }
    assert!(flights.flights.lock().is_empty());
    assert!(flights.flights.lock().capacity() < 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_runs_of_a_key_ever_overlap() {
    let flights = Arc::new(SingleFlight::<usize, usize>::new());
    let inside: Arc<Vec<AtomicUsize>> = Arc::new((0..10).map(|_| AtomicUsize::new(0)).collect());
    let callers: Vec<_> = (0..1000)
        .map(|caller| {
            let (flights, inside, key) = (Arc::clone(&flights), Arc::clone(&inside), caller % 10);
            tokio::spawn(async move {
                let work = || async move {
                    let others = inside[key].fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    inside[key].fetch_sub(1, Ordering::SeqCst);
                    others
                };
                flights.run(key, work).await
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok(0));
    }
}
