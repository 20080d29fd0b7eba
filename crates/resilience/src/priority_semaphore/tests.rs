use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::*;

type Acquiring<'a> = Pin<Box<dyn Future<Output = Result<SemaphorePermit, QueueFull>> + 'a>>;

/// Polls once, so that the caller is queued or has its permit.
fn poll(acquiring: &mut Acquiring<'_>) -> Poll<Result<SemaphorePermit, QueueFull>> {
    acquiring
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

fn queued(semaphore: &Arc<PrioritySemaphore>, priority: Priority) -> Acquiring<'_> {
    let mut acquiring: Acquiring<'_> = Box::pin(semaphore.acquire(priority));
    assert!(poll(&mut acquiring).is_pending());
    acquiring
}

fn acquired(semaphore: &Arc<PrioritySemaphore>) -> SemaphorePermit {
    let mut acquiring = pin!(semaphore.acquire(Priority::Normal));
    match acquiring
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(Ok(permit)) => permit,
        other => panic!("no permit available: {other:?}"),
    }
}

/// Returns the names of the waiting callers in the order in which they receive a single permit.
fn order_of_service(callers: &[(&'static str, Priority)]) -> Vec<&'static str> {
    let semaphore = PrioritySemaphore::new(1, callers.len());
    let mut held = Some(acquired(&semaphore));
    let mut waiting: Vec<_> = callers
        .iter()
        .map(|(name, priority)| (*name, queued(&semaphore, *priority)))
        .collect();
    let mut served = Vec::new();
    while !waiting.is_empty() {
        drop(held.take());
        let at = waiting
            .iter_mut()
            .position(|(_, acquiring)| match poll(acquiring) {
                Poll::Ready(permit) => {
                    held = permit.ok();
                    true
                }
                Poll::Pending => false,
            });
        served.push(waiting.remove(at.unwrap()).0);
    }
    served
}

#[test]
fn permit_is_released_on_drop() {
    let semaphore = PrioritySemaphore::new(2, 1);
    let (first, second) = (acquired(&semaphore), acquired(&semaphore));
    assert_eq!((semaphore.free(), semaphore.waiting()), (0, 0));
    drop(first);
    drop(second);
    assert_eq!(semaphore.free(), 2);
}

#[test]
fn queue_is_bounded() {
    let semaphore = PrioritySemaphore::new(0, 2);
    let _waiting = (
        queued(&semaphore, Priority::High),
        queued(&semaphore, Priority::Normal),
    );
    assert_eq!(semaphore.waiting(), 2);
    let mut late: Acquiring<'_> = Box::pin(semaphore.acquire(Priority::High));
    assert!(matches!(poll(&mut late), Poll::Ready(Err(QueueFull))));
}

#[test]
fn one_priority_is_served_in_order_of_arrival() {
    use Priority::Normal;
    assert_eq!(
        order_of_service(&[("a", Normal), ("b", Normal), ("c", Normal)]),
        ["a", "b", "c"]
    );
}

#[test]
fn high_priority_is_served_first() {
    use Priority::{High, Normal};
    assert_eq!(
        order_of_service(&[("a", Normal), ("b", Normal), ("c", High)]),
        ["c", "a", "b"]
    );
}

#[test]
fn normal_priority_gets_every_fourth_permit() {
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
fn low_priority_gets_every_fourth_permit_of_the_normal_one() {
    use Priority::{High, Low, Normal};
    assert_eq!(
        order_of_service(&[("l", Low), ("n", Normal), ("h", High)]),
        ["h", "n", "l"]
    );
    let callers: Vec<_> = [("l", Low)]
        .into_iter()
        .chain([("n", Normal); 4])
        .chain([("h", High); 16])
        .collect();
    let order = order_of_service(&callers);
    assert_eq!(order.iter().position(|name| *name == "l"), Some(15));
}

#[test]
fn callers_of_a_lower_priority_are_not_counted_as_ahead() {
    let semaphore = PrioritySemaphore::new(0, 4);
    let _waiting = [
        Priority::High,
        Priority::Normal,
        Priority::Low,
        Priority::Low,
    ]
    .map(|priority| queued(&semaphore, priority));
    let before = [Priority::High, Priority::Normal, Priority::Low]
        .map(|priority| semaphore.waiting_before(priority));
    assert_eq!(before, [1, 2, 4]);
}

#[test]
fn cancelled_caller_leaves_the_queue_without_losing_a_permit() {
    let semaphore = PrioritySemaphore::new(1, 2);
    let held = acquired(&semaphore);
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
fn permit_handed_to_a_cancelled_caller_goes_to_the_next() {
    let semaphore = PrioritySemaphore::new(1, 2);
    let held = acquired(&semaphore);
    let (first, mut second) = (
        queued(&semaphore, Priority::Normal),
        queued(&semaphore, Priority::Normal),
    );
    drop(held);
    drop(first);
    assert!(matches!(poll(&mut second), Poll::Ready(Ok(_))));
    assert_eq!((semaphore.free(), semaphore.waiting()), (1, 0));
}
