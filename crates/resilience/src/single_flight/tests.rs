//! These tests count and never wait for time: a semaphore decides when work may end, and a future
//! that was polled once has joined its flight.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::sync::{Semaphore, oneshot};

use super::*;

type Landed = Result<usize, FlightAborted>;

fn joins<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
    matches!(
        future.poll(&mut Context::from_waker(Waker::noop())),
        Poll::Pending
    )
}

/// Counts each run and ends when `release` has a permit.
fn work(
    runs: &Arc<AtomicUsize>,
    release: &Arc<Semaphore>,
) -> impl Future<Output = usize> + Send + use<> {
    let (runs, release) = (Arc::clone(runs), Arc::clone(release));
    async move {
        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
        drop(release.acquire().await);
        run
    }
}

fn fixture() -> (SingleFlight<u32, usize>, Arc<AtomicUsize>, Arc<Semaphore>) {
    (
        SingleFlight::new(),
        Arc::default(),
        Arc::new(Semaphore::new(0)),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_callers_share_one_run() {
    let (flights, runs, release) = fixture();
    let mut callers: Vec<_> = (0..1000)
        .map(|_| Box::pin(flights.run(7, || work(&runs, &release))))
        .collect();
    assert!(callers.iter_mut().all(|caller| joins(caller.as_mut())));
    assert_eq!(flights.in_flight(), 1);
    release.add_permits(1);
    for caller in callers {
        assert_eq!(caller.await, Ok(1));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn different_keys_run_concurrently() {
    let (flights, runs, release) = fixture();
    let mut callers: Vec<_> = (0..50)
        .map(|key| Box::pin(flights.run(key, || work(&runs, &release))))
        .collect();
    assert!(callers.iter_mut().all(|caller| joins(caller.as_mut())));
    assert_eq!(flights.in_flight(), 50);
    release.add_permits(50);
    for caller in callers {
        assert!(caller.await.is_ok());
    }
    assert_eq!(runs.load(Ordering::SeqCst), 50);
}

#[tokio::test]
async fn work_outlives_the_caller_that_started_it() {
    let (flights, runs, release) = fixture();
    let mut starter = Box::pin(flights.run(7, || work(&runs, &release)));
    let mut waiter = Box::pin(flights.run(7, || work(&runs, &release)));
    assert!(joins(starter.as_mut()) && joins(waiter.as_mut()));
    drop(starter);
    release.add_permits(1);
    assert_eq!(waiter.await, Ok(1));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn work_completes_without_waiting_callers() {
    let flights = SingleFlight::<u32, usize>::new();
    let (done, completed) = oneshot::channel();
    let release = Arc::new(Semaphore::new(0));
    {
        let released = Arc::clone(&release);
        let flight = flights.run(7, || async move {
            drop(released.acquire().await);
            done.send("done").map_or(0, |()| 1)
        });
        let mut only = pin!(flight);
        assert!(joins(only.as_mut()));
    }
    release.add_permits(1);
    assert_eq!(completed.await, Ok("done"));
}

#[tokio::test]
async fn panic_reaches_all_waiters_and_frees_the_key() {
    let (flights, runs, release) = fixture();
    let released = Arc::clone(&release);
    let fails = || async move {
        drop(released.acquire().await);
        panic!("planted");
    };
    let mut starter = Box::pin(flights.run(7, fails));
    let mut waiter = Box::pin(flights.run(7, || work(&runs, &release)));
    let mut other = Box::pin(flights.run(8, || work(&runs, &release)));
    assert!(joins(starter.as_mut()) && joins(waiter.as_mut()) && joins(other.as_mut()));
    release.add_permits(3);
    assert_eq!(starter.await, Err(FlightAborted));
    assert_eq!(waiter.await, Err(FlightAborted));
    assert_eq!(other.await, Ok(1), "other keys are unaffected");
    assert_eq!(
        flights.run(7, || work(&runs, &release)).await,
        Ok(2),
        "the key is free"
    );
}

#[tokio::test]
async fn panic_before_the_work_starts_frees_the_key() {
    let (flights, runs, release) = fixture();
    let flights = Arc::new(flights);
    let shared = Arc::clone(&flights);
    let start = move || -> std::future::Ready<usize> { panic!("planted") };
    let caller = tokio::spawn(async move { shared.run(7, start).await });
    assert!(caller.await.unwrap_err().is_panic());
    release.add_permits(1);
    assert_eq!(flights.run(7, || work(&runs, &release)).await, Ok(1));
}

#[tokio::test]
async fn key_is_free_when_the_outcome_arrives() {
    let (flights, runs, release) = fixture();
    release.add_permits(100);
    for run in 1..=100 {
        assert_eq!(flights.run(7, || work(&runs, &release)).await, Ok(run));
        assert_eq!(flights.in_flight(), 0);
    }
}

#[tokio::test]
async fn finished_flights_use_no_memory() {
    let flights = SingleFlight::<u32, usize>::new();
    for key in 0..10_000 {
        let outcome: Landed = flights.run(key, || async { 0 }).await;
        assert_eq!(outcome, Ok(0));
    }
    assert!(flights.flights.lock().is_empty());
    assert!(flights.flights.lock().capacity() < 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn runs_of_one_key_never_overlap() {
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
