//! A semaphore with a bounded queue that serves the higher priority first.
//!
//! Within one priority the queue is first in, first out. While callers of a lower priority wait,
//! every [`FAIR_SHARE`]th permit goes to them, so that a steady stream of high-priority callers
//! cannot starve them. tokio's semaphore is fair but has no priorities.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::lock;

/// While callers of a lower priority wait, one in this many released permits goes to them.
pub const FAIR_SHARE: u32 = 4;

/// The order in which waiting callers are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Served before all others.
    High,
    /// Served when no caller of [`Priority::High`] waits, and otherwise with one permit in
    /// [`FAIR_SHARE`].
    Normal,
    /// Served when no other caller waits, and otherwise with one in [`FAIR_SHARE`] of the permits
    /// that [`Priority::Normal`] would receive.
    Low,
}

/// The number of priorities.
const PRIORITIES: usize = 3;

/// No permit is available and the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full")]
pub struct QueueFull;

/// A number of permits and the queue of callers that wait for one. Share it by `Arc`.
#[derive(Debug)]
pub struct PrioritySemaphore {
    longest_queue: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    free: usize,
    /// The queues, the highest priority first.
    queues: [Queue; PRIORITIES],
    next_ticket: u64,
}

#[derive(Debug, Default)]
struct Queue {
    waiters: VecDeque<Waiter>,
    /// Number of consecutive permits that went to this queue while lower priorities waited.
    consecutive: u32,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    hand_over: oneshot::Sender<SemaphorePermit>,
}

/// One permit. Dropping it passes it to the next waiting caller.
#[derive(Debug)]
pub struct SemaphorePermit {
    /// `None` after the permit was passed on.
    semaphore: Option<Arc<PrioritySemaphore>>,
}

impl PrioritySemaphore {
    /// Creates a semaphore with `total` permits and a queue of at most `longest_queue` callers.
    #[must_use]
    pub fn new(total: usize, longest_queue: usize) -> Arc<Self> {
        Arc::new(Self {
            longest_queue,
            state: Mutex::new(State {
                free: total,
                ..State::default()
            }),
        })
    }

    /// Returns the number of available permits.
    #[must_use]
    pub fn free(&self) -> usize {
        lock(&self.state).free
    }

    /// Returns the number of waiting callers.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.state).waiting()
    }

    /// Returns the number of waiting callers of this priority or a higher one.
    #[must_use]
    pub fn waiting_before(&self, priority: Priority) -> usize {
        let state = lock(&self.state);
        let queues = state.queues.iter().take(priority as usize + 1);
        queues.map(|queue| queue.waiters.len()).sum()
    }

    /// Acquires a permit, waiting in the queue if none is available. Dropping the future leaves the
    /// queue.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] if no permit is available and the queue is full.
    pub async fn acquire(
        self: &Arc<Self>,
        priority: Priority,
    ) -> Result<SemaphorePermit, QueueFull> {
        let (mut queued, handed_over) = match self.acquire_or_queue(priority)? {
            Ok(permit) => return Ok(permit),
            Err(queued) => queued,
        };
        let permit = handed_over.await;
        queued.ticket = None;
        permit.map_err(|_| QueueFull)
    }

    fn acquire_or_queue(
        self: &Arc<Self>,
        priority: Priority,
    ) -> Result<AcquiredOrQueued<'_>, QueueFull> {
        let mut state = lock(&self.state);
        // Permits are available only while the queue is empty: a released permit goes to a waiting
        // caller first.
        if state.free > 0 {
            state.free -= 1;
            return Ok(Ok(SemaphorePermit {
                semaphore: Some(Arc::clone(self)),
            }));
        }
        if state.waiting() >= self.longest_queue {
            return Err(QueueFull);
        }
        let (hand_over, handed_over) = oneshot::channel();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state
            .queue(priority)
            .push_back(Waiter { ticket, hand_over });
        Ok(Err((
            Queued {
                semaphore: self,
                priority,
                ticket: Some(ticket),
            },
            handed_over,
        )))
    }
}

type AcquiredOrQueued<'a> =
    Result<SemaphorePermit, (Queued<'a>, oneshot::Receiver<SemaphorePermit>)>;

impl State {
    fn waiting(&self) -> usize {
        self.queues.iter().map(|queue| queue.waiters.len()).sum()
    }

    fn queue(&mut self, priority: Priority) -> &mut VecDeque<Waiter> {
        let [high, normal, low] = &mut self.queues;
        let queue = match priority {
            Priority::High => high,
            Priority::Normal => normal,
            Priority::Low => low,
        };
        &mut queue.waiters
    }

    /// Removes the caller that is served next from the queue.
    fn next(&mut self) -> Option<Waiter> {
        next_of(&mut self.queues)
    }
}

/// Removes the caller that is served next: of the first queue, unless it has had its share while
/// others wait.
fn next_of(queues: &mut [Queue]) -> Option<Waiter> {
    let (queue, lower) = queues.split_first_mut()?;
    let lower_waits = lower.iter().any(|lower| !lower.waiters.is_empty());
    if (queue.consecutive + 1 < FAIR_SHARE || !lower_waits)
        && let Some(waiter) = queue.waiters.pop_front()
    {
        queue.consecutive = if lower_waits {
            queue.consecutive + 1
        } else {
            0
        };
        return Some(waiter);
    }
    queue.consecutive = 0;
    next_of(lower)
}

/// A caller's entry in the queue, removed when the caller stops waiting.
struct Queued<'a> {
    semaphore: &'a PrioritySemaphore,
    priority: Priority,
    /// `None` after the permit was handed over.
    ticket: Option<u64>,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        lock(&self.semaphore.state)
            .queue(self.priority)
            .retain(|waiter| waiter.ticket != ticket);
    }
}

impl Drop for SemaphorePermit {
    fn drop(&mut self) {
        // A caller that has just stopped waiting cannot receive the permit; the next one gets it.
        while let Some(semaphore) = self.semaphore.take() {
            let next = {
                let mut state = lock(&semaphore.state);
                let next = state.next();
                state.free += usize::from(next.is_none());
                next
            };
            let Some(waiter) = next else { return };
            if let Err(mut refused) = waiter.hand_over.send(Self {
                semaphore: Some(semaphore),
            }) {
                self.semaphore = refused.semaphore.take();
            }
        }
    }
}

#[cfg(test)]
mod tests;
