//! The registry of open event streams, fed by the change feed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use evergrant_model::{EventKind, Timestamp, UserId};
use evergrant_resilience::lock;
use evergrant_store::Event;
use tokio::sync::broadcast;

use crate::events::stream_event::StreamEvent;
use crate::events::subscriber::FeedSubscriber;

/// The number of events by which a stream may lag behind before it must query the outbox. A user
/// with an open stream has memory for all of them.
const BACKLOG: usize = 32;
/// The maximum number of streams per user. A browser opens one per tab.
const MAX_PER_USER: usize = 64;

/// The open streams of all users.
pub(crate) struct EventStreams {
    by_user: Mutex<HashMap<UserId, broadcast::Sender<Arc<StreamEvent>>>>,
    closed: AtomicBool,
    /// The maximum number of streams of all users together.
    limit: usize,
}

impl EventStreams {
    /// Creates a registry without streams that allows at most `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            by_user: Mutex::default(),
            closed: AtomicBool::new(false),
            limit,
        }
    }

    /// Returns the users with an open stream, in no particular order.
    pub(crate) fn users(&self) -> Vec<UserId> {
        lock(&self.by_user).keys().copied().collect()
    }

    /// Opens a stream. Returns `None` if the user has 64 streams or the limit for all users is
    /// reached. During shutdown the returned stream is already closed.
    pub(crate) fn open(&self, user: UserId) -> Option<broadcast::Receiver<Arc<StreamEvent>>> {
        let mut by_user = lock(&self.by_user);
        if self.closed.load(Ordering::SeqCst) {
            return Some(broadcast::Sender::new(1).subscribe());
        }
        let open: usize = by_user
            .values()
            .map(broadcast::Sender::receiver_count)
            .sum();
        let own = by_user
            .get(&user)
            .map_or(0, broadcast::Sender::receiver_count);
        let has_room = open < self.limit && own < MAX_PER_USER;
        has_room.then(|| {
            by_user
                .entry(user)
                .or_insert_with(|| broadcast::Sender::new(BACKLOG))
                .subscribe()
        })
    }

    /// Closes all streams, and each one that is opened later.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        lock(&self.by_user).clear();
    }

    /// Removes the user's entry if no stream of the user is open.
    pub(crate) fn remove_if_unused(&self, user: UserId) {
        let mut by_user = lock(&self.by_user);
        if by_user
            .get(&user)
            .is_some_and(|streams| streams.receiver_count() == 0)
        {
            by_user.remove(&user);
        }
    }
}

#[async_trait]
impl FeedSubscriber for EventStreams {
    /// Publishes the event to its user's streams. A revoked credential is published to all streams,
    /// since any of them may have been opened with it.
    async fn receive(&self, event: &Arc<Event>) {
        let shared = Arc::new(StreamEvent::new(Arc::clone(event)));
        let mut by_user = lock(&self.by_user);
        match event
            .user
            .filter(|_| event.kind != Some(EventKind::CredentialEnded))
        {
            Some(user) => {
                let send = |streams: &broadcast::Sender<_>| streams.send(Arc::clone(&shared));
                if by_user
                    .get(&user)
                    .is_some_and(|streams| send(streams).is_err())
                {
                    by_user.remove(&user);
                }
            }
            None => by_user.retain(|_, streams| streams.send(Arc::clone(&shared)).is_ok()),
        }
    }

    /// Makes all streams send a reset.
    async fn reset(&self) {
        let reset = Arc::new(Event {
            id: 0,
            user: None,
            version: 0,
            kind: Some(EventKind::Reset),
            provider: None,
            account: None,
            subject: None,
            status: None,
            code: None,
            correlation_id: None,
            at: Timestamp::from_unix_ms(0),
        });
        self.receive(&reset).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: i64) -> UserId {
        UserId::try_from(id).unwrap()
    }

    #[test]
    fn rejected_or_closed_stream_leaves_no_entry() {
        let none = EventStreams::new(0);
        assert!(none.open(user(1)).is_none());
        assert!(none.users().is_empty());
        let one = EventStreams::new(1);
        let stream = one.open(user(1)).unwrap();
        assert!(
            one.open(user(2)).is_none(),
            "the limit applies to all users together"
        );
        assert_eq!(one.users(), [user(1)]);
        drop(stream);
        one.remove_if_unused(user(1));
        assert!(one.users().is_empty());
    }
}
