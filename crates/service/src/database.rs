//! What this process knows about its database and its change feed, and what that means for caches.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use evergrant_store::StoreError;
use tokio::time::Instant;

use crate::ServiceError;

/// The longest time since the last poll of the change feed for which caches are valid, in
/// milliseconds.
const FEED_STALE_AFTER_MS: i64 = 2_000;
/// After a failure of the database, queries fail at once for this long, in milliseconds.
const FAIL_FAST_MS: i64 = 1_000;
/// Before the first moment.
const NEVER: i64 = i64::MIN / 2;

/// How far cache entries can be trusted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedState {
    /// This process does not follow the change feed: an entry is valid for its own lifetime.
    Standalone,
    /// Changes arrive as they happen.
    Live,
    /// Changes may have been missed: query the database.
    Stale,
    /// The database has just failed: an old entry is better than none.
    DatabaseDown,
}

/// Observes every query's outcome and every poll of the change feed.
pub(crate) struct DatabaseMonitor {
    started: Instant,
    follows_feed: AtomicBool,
    polled_at_ms: AtomicI64,
    failed_at_ms: AtomicI64,
    write_refused_at_ms: AtomicI64,
    accepts_writes: AtomicBool,
    polls: AtomicU64,
}

impl Default for DatabaseMonitor {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            follows_feed: AtomicBool::new(false),
            polled_at_ms: AtomicI64::new(NEVER),
            failed_at_ms: AtomicI64::new(NEVER),
            write_refused_at_ms: AtomicI64::new(NEVER),
            accepts_writes: AtomicBool::new(true),
            polls: AtomicU64::new(0),
        }
    }
}

impl DatabaseMonitor {
    /// The result of a query that a caller waits for. While the database is down the query is not
    /// sent.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`, `OVERLOADED`; `USER_NOT_FOUND` for a row that refers to a missing user.
    pub(crate) async fn query<T>(
        &self,
        query: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ServiceError> {
        if self.feed_state() == FeedState::DatabaseDown {
            return Err(ServiceError::database_unavailable());
        }
        query.await.map_err(|error| {
            self.observe(&error);
            error.into()
        })
    }

    /// Records a failed query, if the database is the cause.
    pub(crate) fn observe(&self, error: &StoreError) {
        if error.is_outage() {
            self.failed_at_ms.store(self.now_ms(), Ordering::Relaxed);
        } else if error.is_refused_write() {
            self.write_refused_at_ms
                .store(self.now_ms(), Ordering::Relaxed);
        }
    }

    pub(crate) fn feed_state(&self) -> FeedState {
        if self.since(&self.failed_at_ms) < FAIL_FAST_MS {
            return FeedState::DatabaseDown;
        }
        let polled_lately = self.since(&self.polled_at_ms) <= FEED_STALE_AFTER_MS;
        match (self.follows_feed.load(Ordering::Relaxed), polled_lately) {
            (false, _) => FeedState::Standalone,
            (true, true) => FeedState::Live,
            (true, false) => FeedState::Stale,
        }
    }

    /// For how long the database has answered and accepted writes, as far as this process knows,
    /// in milliseconds.
    pub(crate) fn settled_for_ms(&self) -> i64 {
        self.since(&self.failed_at_ms)
            .min(self.since(&self.write_refused_at_ms))
    }

    pub(crate) fn set_follows_feed(&self, follows: bool) {
        self.follows_feed.store(follows, Ordering::Relaxed);
    }

    /// Records a completed poll of the change feed.
    pub(crate) fn record_poll(&self) {
        self.polled_at_ms.store(self.now_ms(), Ordering::Relaxed);
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    /// How often this process has polled the change feed.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Records whether the database accepted the latest heartbeat.
    pub(crate) fn record_heartbeat(&self, accepted: bool) {
        self.accepts_writes.store(accepted, Ordering::Relaxed);
    }

    /// Whether the database accepted the latest heartbeat.
    pub(crate) fn accepts_writes(&self) -> bool {
        self.accepts_writes.load(Ordering::Relaxed)
    }

    fn since(&self, moment: &AtomicI64) -> i64 {
        self.now_ms() - moment.load(Ordering::Relaxed)
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn feed_state_follows_polls_and_database_failures() {
        let monitor = DatabaseMonitor::default();
        let state = || (monitor.feed_state(), monitor.settled_for_ms());
        assert_eq!(monitor.feed_state(), FeedState::Standalone);
        assert!(monitor.settled_for_ms() > 1_000_000);
        monitor.set_follows_feed(true);
        assert_eq!(monitor.feed_state(), FeedState::Stale, "not polled yet");
        monitor.record_poll();
        assert_eq!(monitor.feed_state(), FeedState::Live);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(monitor.feed_state(), FeedState::Live);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(monitor.feed_state(), FeedState::Stale);
        monitor.observe(&StoreError::Silent);
        assert_eq!(state(), (FeedState::DatabaseDown, 0));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(state(), (FeedState::Stale, 1_000));
    }
}
