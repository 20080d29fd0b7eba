//! The change feed of this process: follows the outbox and delivers each event to all subscribers.
//! It also follows the recorded changes of other programs, which become events later.
//!
//! A replica polls the outbox after each database notification and each commit of its own, and at
//! least once a second. The time of the last poll decides whether caches may be used: see
//! [`crate::database::FeedState`].

use std::sync::Arc;
use std::time::Duration;

use evergrant_store::{Event, EventRepository, NotifyListener, Store};
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::connections::row_changes::RowChanges;
use crate::database::DatabaseMonitor;
use crate::events::feed_reader::FeedReader;
use crate::events::subscriber::FeedSubscriber;
use crate::failure_log::FailureLog;

/// The poll interval while notifications arrive, which only PostgreSQL sends.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// The poll interval on SQLite, and on PostgreSQL while there is no notification connection.
const POLL_EVERY_WITHOUT_NOTIFICATIONS: Duration = Duration::from_millis(500);
/// The timeout for opening a notification connection.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(1);
/// The number of events by which a waiting refresh may lag behind before it must read the row
/// instead.
const BACKLOG: usize = 1024;

/// Follows the outbox on behalf of all subscribers of this process.
pub(crate) struct ChangeFeed {
    store: Store,
    events: EventRepository,
    /// Identifies this process among the replicas.
    replica: Arc<str>,
    database: Arc<DatabaseMonitor>,
    row_changes: Arc<RowChanges>,
    subscribers: Vec<Arc<dyn FeedSubscriber>>,
    /// Wakes refreshes that wait for another replica.
    broadcast: broadcast::Sender<Arc<Event>>,
}

impl ChangeFeed {
    /// Creates a feed that is not followed yet.
    pub(crate) fn new(
        store: Store,
        replica: Arc<str>,
        database: Arc<DatabaseMonitor>,
        row_changes: Arc<RowChanges>,
        subscribers: Vec<Arc<dyn FeedSubscriber>>,
    ) -> Self {
        let events = store.events();
        Self {
            store,
            events,
            replica,
            database,
            row_changes,
            subscribers,
            broadcast: broadcast::Sender::new(BACKLOG),
        }
    }

    /// Returns a receiver of all events from now on. One that lags behind receives an error and
    /// must read the row instead.
    pub(crate) fn receiver(&self) -> broadcast::Receiver<Arc<Event>> {
        self.broadcast.subscribe()
    }

    /// Follows the outbox until `stop`, and notifies other replicas of this process's commits. If a
    /// task of the feed panics, it restarts after a second.
    pub(crate) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        self.database.set_follows_feed(true);
        while !stop.is_cancelled() {
            let mut tasks = JoinSet::new();
            let (poller, notifier) = (Arc::clone(&self), Arc::clone(&self));
            tasks.spawn(async move { poller.poll_continuously().await });
            tasks.spawn(async move { notifier.notify_others().await });
            if stop.run_until_cancelled(tasks.join_next()).await.is_some() {
                tracing::error!("change feed stopped unexpectedly; restarting in a second");
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
                tracing::warn!("lost the notification connection to the database; reconnecting");
                listener = None;
            }
            if listener.is_none() && self.store.can_listen() {
                listener = self.listen().await;
            }
        }
    }

    async fn listen(&self) -> Option<NotifyListener> {
        match tokio::time::timeout(LISTEN_TIMEOUT, self.store.listen(&self.replica)).await {
            Ok(Ok(listener)) => listener,
            _ => None,
        }
    }

    async fn notify_others(&self) {
        let mut commits = self.store.changes();
        // Commits made while a notification is sent are covered together by the next one.
        while commits.changed().await.is_ok() {
            if let Err(error) = self.store.notify().await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "failed to notify other replicas of a change; they will find it by polling"
                );
            }
        }
    }

    async fn poll(&self, reader: &mut FeedReader, log: &mut FailureLog) {
        // Before the outbox: a change that another replica reports in between is then seen twice
        // rather than missed.
        let invalidated = self.row_changes.invalidate_pending().await;
        let polled = reader.poll(&self.events).await.and(invalidated);
        if let Some(lost) = reader.take_lost() {
            self.reset(&lost).await;
        }
        for event in reader.take() {
            let event = Arc::new(event);
            for subscriber in &self.subscribers {
                subscriber.receive(&event).await;
            }
            // Fails if there is no receiver: no refresh waits for an event.
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

    /// Resets all subscribers, because the database has gone back to an earlier state.
    async fn reset(&self, lost: &Event) {
        tracing::warn!(
            event.id = lost.id,
            event.created_at = %lost.at,
            "the database has gone back to an earlier state: an event that this process has read is \
             missing, after a failover that lost commits or the restore of a copy. Cleared all \
             caches; event streams send a reset; refreshed tokens that were lost are stored again"
        );
        self.database.record_reset();
        for subscriber in &self.subscribers {
            subscriber.reset().await;
        }
    }
}

/// Waits for a notification. Returns `false` if the connection is lost; never returns without a
/// connection.
async fn notified(listener: &mut Option<NotifyListener>) -> bool {
    match listener {
        Some(listener) => listener.notified().await.is_ok(),
        None => std::future::pending().await,
    }
}
