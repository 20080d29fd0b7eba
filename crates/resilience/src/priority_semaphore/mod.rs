//! A limited number of places, and a bounded queue for them that serves higher priorities first.
//!
//! Within one priority the queue is first come, first served. A waiting caller of the lower
//! priority gets every [`FAIR_SHARE`]th place that is freed, so a steady stream of the higher
//! priority cannot starve it. A fair semaphore such as tokio's has no priorities.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::lock;

/// Of this many places that are freed while both priorities wait, the last one goes to the lower
/// priority.
pub const FAIR_SHARE: u32 = 4;

/// Who is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Served before [`Priority::Normal`].
    High,
    /// Served when no caller of [`Priority::High`] waits, and at least for one place in
    /// [`FAIR_SHARE`].
    Normal,
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full")]
pub struct QueueFull;

/// The places and their queue. Share it by `Arc`.
#[derive(Debug)]
pub struct PrioritySemaphore {
    longest_queue: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    free: usize,
    high: VecDeque<Waiter>,
    normal: VecDeque<Waiter>,
    /// How many places went to the higher priority in a row while the lower one waited.
    high_in_a_row: u32,
    next_ticket: u64,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    hand_over: oneshot::Sender<SemaphorePermit>,
}

/// One place. Dropping it gives it to the next waiting caller.
#[derive(Debug)]
pub struct SemaphorePermit {
    /// `None` once the place was passed on.
    semaphore: Option<Arc<PrioritySemaphore>>,
}

impl PrioritySemaphore {
    /// `total` free semaphore, and room for `longest_queue` waiting callers.
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

    /// How many callers could begin at once.
    #[must_use]
    pub fn free(&self) -> usize {
        lock(&self.state).free
    }

    /// How many callers wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.state).waiting()
    }

    /// Waits for a place. Dropping the future leaves the queue.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] where no place is free and too many callers wait already.
    pub async fn take(self: &Arc<Self>, priority: Priority) -> Result<SemaphorePermit, QueueFull> {
        let (mut queued, handed_over) = match self.take_or_join(priority)? {
            Ok(place) => return Ok(place),
            Err(queued) => queued,
        };
        let place = handed_over.await;
        queued.ticket = None;
        place.map_err(|_| QueueFull)
    }

    fn take_or_join(self: &Arc<Self>, priority: Priority) -> Result<TakenOrQueued<'_>, QueueFull> {
        let mut state = lock(&self.state);
        // A place is free only while no caller waits: a freed place goes to a waiting caller first.
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

type TakenOrQueued<'a> = Result<SemaphorePermit, (Queued<'a>, oneshot::Receiver<SemaphorePermit>)>;

impl State {
    fn waiting(&self) -> usize {
        self.high.len() + self.normal.len()
    }

    fn queue(&mut self, priority: Priority) -> &mut VecDeque<Waiter> {
        match priority {
            Priority::High => &mut self.high,
            Priority::Normal => &mut self.normal,
        }
    }

    /// Removes the caller that is served next.
    fn next(&mut self) -> Option<Waiter> {
        let fair = self.high_in_a_row + 1 < FAIR_SHARE || self.normal.is_empty();
        if fair && let Some(waiter) = self.high.pop_front() {
            self.high_in_a_row = if self.normal.is_empty() {
                0
            } else {
                self.high_in_a_row + 1
            };
            return Some(waiter);
        }
        self.high_in_a_row = 0;
        self.normal.pop_front().or_else(|| self.high.pop_front())
    }
}

/// A caller's entry in the queue, removed when the caller stops waiting.
struct Queued<'a> {
    semaphore: &'a PrioritySemaphore,
    priority: Priority,
    /// `None` once the place was handed over.
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
        // A caller that stopped waiting a moment ago cannot take the place: the next one is asked.
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
