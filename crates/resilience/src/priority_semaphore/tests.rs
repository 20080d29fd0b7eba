use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::*;

type Taking<'a> = Pin<Box<dyn Future<Output = Result<SemaphorePermit, QueueFull>> + 'a>>;

/// Polls once, so that the caller stands in the queue or has its place.
fn poll(taking: &mut Taking<'_>) -> Poll<Result<SemaphorePermit, QueueFull>> {
    taking
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

fn queued(semaphore: &Arc<PrioritySemaphore>, priority: Priority) -> Taking<'_> {
    let mut taking: Taking<'_> = Box::pin(semaphore.take(priority));
    assert!(poll(&mut taking).is_pending());
    taking
}

fn taken(semaphore: &Arc<PrioritySemaphore>) -> SemaphorePermit {
    let mut taking = pin!(semaphore.take(Priority::Normal));
    match taking
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(Ok(place)) => place,
        other => panic!("no free place: {other:?}"),
    }
}

/// The names of the waiting callers in the order in which one place reaches them.
fn order_of_service(callers: &[(&'static str, Priority)]) -> Vec<&'static str> {
    let semaphore = PrioritySemaphore::new(1, callers.len());
    let mut held = Some(taken(&semaphore));
    let mut waiting: Vec<_> = callers
        .iter()
        .map(|(name, priority)| (*name, queued(&semaphore, *priority)))
        .collect();
    let mut served = Vec::new();
    while !waiting.is_empty() {
        drop(held.take());
        let at = waiting
            .iter_mut()
            .position(|(_, taking)| match poll(taking) {
                Poll::Ready(place) => {
                    held = place.ok();
                    true
                }
                Poll::Pending => false,
            });
        served.push(waiting.remove(at.unwrap()).0);
    }
    served
}

#[test]
fn a_place_is_taken_while_one_is_free_and_given_back_on_drop() {
    let semaphore = PrioritySemaphore::new(2, 1);
    let (first, second) = (taken(&semaphore), taken(&semaphore));
    assert_eq!((semaphore.free(), semaphore.waiting()), (0, 0));
    drop(first);
    drop(second);
    assert_eq!(semaphore.free(), 2);
}

#[test]
fn the_queue_is_bounded() {
    let semaphore = PrioritySemaphore::new(0, 2);
    let _waiting = (
        queued(&semaphore, Priority::High),
        queued(&semaphore, Priority::Normal),
    );
    assert_eq!(semaphore.waiting(), 2);
    let mut late: Taking<'_> = Box::pin(semaphore.take(Priority::High));
    assert!(matches!(poll(&mut late), Poll::Ready(Err(QueueFull))));
}

#[test]
fn callers_of_one_priority_are_served_in_their_order() {
    use Priority::Normal;
    assert_eq!(
        order_of_service(&[("a", Normal), ("b", Normal), ("c", Normal)]),
        ["a", "b", "c"]
    );
}

#[test]
fn the_higher_priority_is_served_first_though_it_came_later() {
    use Priority::{High, Normal};
    assert_eq!(
        order_of_service(&[("a", Normal), ("b", Normal), ("c", High)]),
        ["c", "a", "b"]
    );
}

#[test]
fn the_lower_priority_gets_every_fourth_place() {
    use Priority::{High, Normal};
    let high = ["h1", "h2", "h3", "h4", "h5", "h6"].map(|name| (name, High));
    let callers: Vec<_> = [("n1", Normal), ("n2", Normal)]
        .into_iter()
        .chain(high)
        .collect();
    assert_eq!(
        order_of_service(&callers),
        ["h1", "h2", "h3", "n1", "h4", "h5", "h6", "n2"]
    );
}

#[test]
fn a_caller_that_stops_waiting_leaves_the_queue_and_costs_no_place() {
    let semaphore = PrioritySemaphore::new(1, 2);
    let held = taken(&semaphore);
    let (first, mut second) = (
        queued(&semaphore, Priority::Normal),
        queued(&semaphore, Priority::Normal),
    );
    drop(first);
    assert_eq!(semaphore.waiting(), 1);
    drop(held);
    assert!(matches!(poll(&mut second), Poll::Ready(Ok(_))));
}

#[test]
fn a_place_that_was_handed_over_and_never_received_goes_to_the_next() {
    let semaphore = PrioritySemaphore::new(1, 2);
    let held = taken(&semaphore);
    let (first, mut second) = (
        queued(&semaphore, Priority::Normal),
        queued(&semaphore, Priority::Normal),
    );
    drop(held);
    drop(first);
    assert!(matches!(poll(&mut second), Poll::Ready(Ok(_))));
    assert_eq!((semaphore.free(), semaphore.waiting()), (1, 0));
}
