//! The change feed of this process: follows the outbox and delivers every event to the subscribers.
//!
//! A replica learns of a change from a database notification, from its own commits, and by polling
//! once a second whether or not a notification arrived. The time of the last poll decides whether
//! caches may be used: see [`crate::database::FeedState`].

use std::sync::Arc;
use std::time::Duration;

use evergrant_store::{Event, EventRepository, NotifyListener, Store};
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::database::DatabaseMonitor;
use crate::events::feed_reader::FeedReader;
use crate::events::subscriber::FeedSubscriber;
use crate::failure_log::FailureLog;

/// The poll interval on PostgreSQL, where notifications arrive most of the time.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// The poll interval on SQLite, which has no notifications.
const POLL_EVERY_WITHOUT_NOTIFICATIONS: Duration = Duration::from_millis(500);
/// The longest wait for a new notification connection.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(1);
/// Events that a waiting refresh may lag behind before it has to query by itself.
const BACKLOG: usize = 1024;

/// Follows the outbox for all subscribers of this process.
pub(crate) struct ChangeFeed {
    store: Store,
    events: EventRepository,
    database: Arc<DatabaseMonitor>,
    subscribers: Vec<Arc<dyn FeedSubscriber>>,
    broadcast: broadcast::Sender<Arc<Event>>,
}

impl ChangeFeed {
    pub(crate) fn new(
        store: Store,
        database: Arc<DatabaseMonitor>,
        subscribers: Vec<Arc<dyn FeedSubscriber>>,
    ) -> Self {
        let events = store.events();
        Self {
            store,
            events,
            database,
            subscribers,
            broadcast: broadcast::Sender::new(BACKLOG),
        }
    }

    /// Every event from now on. A receiver that lags behind gets an error and must query.
    pub(crate) fn receiver(&self) -> broadcast::Receiver<Arc<Event>> {
        self.broadcast.subscribe()
    }

    /// Follows the outbox until `stop`, and notifies other processes of what is committed here. A
    /// panic of a subscriber does not end it.
    pub(crate) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        self.database.set_follows_feed(true);
        while !stop.is_cancelled() {
            let mut tasks = JoinSet::new();
            let (poller, notifier) = (Arc::clone(&self), Arc::clone(&self));
            tasks.spawn(async move { poller.poll_continuously().await });
            tasks.spawn(async move { notifier.notify_others().await });
            if stop.run_until_cancelled(tasks.join_next()).await.is_some() {
                tracing::error!(
                    "the change feed stopped unexpectedly; it starts again in a second"
                );
            }
            tasks.shutdown().await;
            stop.run_until_cancelled(tokio::time::sleep(POLL_EVERY))
                .await;
        }
        self.database.set_follows_feed(false);
    }

    async fn poll_continuously(&self) {
        let (mut reader, mut commits) = (FeedReader::default(), self.store.changes());
        let (mut listener, mut log) = (self.listen().await, FailureLog::new("change_feed"));
        loop {
            commits.mark_unchanged();
            self.poll(&mut reader, &mut log).await;
            let interval = if listener.is_some() {
                POLL_EVERY
            } else {
                POLL_EVERY_WITHOUT_NOTIFICATIONS
            };
            let connected = tokio::select! {
                _ = commits.changed() => true,
                connected = notified(&mut listener) => connected,
                () = tokio::time::sleep(interval) => true,
            };
            if !connected {
                tracing::warn!("lost the database connection for change notifications");
                listener = None;
            }
            if listener.is_none() && self.store.can_notify() {
                listener = self.listen().await;
            }
        }
    }

    async fn listen(&self) -> Option<NotifyListener> {
        match tokio::time::timeout(LISTEN_TIMEOUT, self.store.listen()).await {
            Ok(Ok(listener)) => listener,
            _ => None,
        }
    }

    async fn notify_others(&self) {
        let mut commits = self.store.changes();
        // Commits during one notification are announced by the next one together.
        while commits.changed().await.is_ok() {
            if let Err(error) = self.store.notify().await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "failed to notify other replicas of a change; they find it by polling"
                );
            }
        }
    }

    async fn poll(&self, reader: &mut FeedReader, log: &mut FailureLog) {
        let polled = reader.poll(&self.events).await;
        for event in reader.take() {
            let event = Arc::new(event);
            for subscriber in &self.subscribers {
                subscriber.receive(&event).await;
            }
            // An error means that no refresh waits for an event.
            let _ = self.broadcast.send(event);
        }
        match polled {
            Ok(()) => {
                self.database.record_poll();
                log.record_success();
            }
            Err(error) => {
                self.database.observe(&error);
                log.record_failure(&error);
            }
        }
    }
}

/// Waits for a notification. `false` once the connection is lost; without one it never returns.
async fn notified(listener: &mut Option<NotifyListener>) -> bool {
    match listener {
        Some(listener) => listener.notified().await.is_ok(),
        None => std::future::pending().await,
    }
}
