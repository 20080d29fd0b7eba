//! The state of the database and the change feed as this process observes it, and how far caches
//! can be trusted in that state.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use evergrant_model::SignedDuration;
use evergrant_store::StoreError;
use tokio::time::Instant;

use crate::ServiceError;

/// How long caches are valid after the last poll of the change feed.
const FEED_STALE_AFTER: SignedDuration = SignedDuration::from_secs(2);
/// How long queries fail immediately after a database failure, and how long the database counts as
/// busy after a timeout.
const FAIL_FAST_FOR: SignedDuration = SignedDuration::from_secs(1);
/// How long caches are served while neither the change feed nor the database responds: changes of
/// other replicas are not seen during that time.
const MAX_SILENCE: SignedDuration = SignedDuration::from_secs(30);
/// How long refreshes wait for the first poll of the change feed after a database failure.
const MAX_UNPOLLED: Duration = Duration::from_secs(3);
/// The interval at which they check for it.
const POLL_CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// The time within which all replicas have stored again the tokens that the database has lost.
const RESTORED_WITHIN: SignedDuration = SignedDuration::from_secs(3);
/// The time of an event that has not happened, in milliseconds. `i64::MIN` would overflow in
/// [`DatabaseMonitor::since`].
const NEVER: i64 = i64::MIN / 2;

/// Whether cache entries can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedState {
    /// This process does not follow the change feed. An entry is valid for its own lifetime.
    Standalone,
    /// The change feed was polled recently. A change invalidates the entry that it affects.
    Live,
    /// The change feed was not polled recently, so changes may have been missed. Entries are not
    /// served.
    Stale,
    /// A query failed or timed out within the last second. Old entries are served rather than an
    /// error.
    Outage {
        /// The maximum age of a served entry.
        max_age: SignedDuration,
    },
}

/// Observes the result of every query and every poll of the change feed.
pub(crate) struct DatabaseMonitor {
    /// The origin of all times below.
    started: Instant,
    follows_feed: AtomicBool,
    polled_at_ms: AtomicI64,
    failed_at_ms: AtomicI64,
    timed_out_at_ms: AtomicI64,
    write_refused_at_ms: AtomicI64,
    reset_at_ms: AtomicI64,
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
            timed_out_at_ms: AtomicI64::new(NEVER),
            write_refused_at_ms: AtomicI64::new(NEVER),
            reset_at_ms: AtomicI64::new(NEVER),
            accepts_writes: AtomicBool::new(true),
            polls: AtomicU64::new(0),
        }
    }
}

impl DatabaseMonitor {
    /// Runs a query that a caller waits for. While the database is down, the query is not sent.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR` if the database is down or the query fails, `OVERLOADED` if no connection
    /// to it is free, `USER_NOT_FOUND` if a written row refers to a missing user.
    pub(crate) async fn query<T>(
        &self,
        query: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ServiceError> {
        if self.is_down() {
            let cause = "the query was not sent: the database is down, as earlier queries showed";
            return Err(ServiceError::database_unavailable().caused_by(cause));
        }
        query.await.map_err(|error| {
            self.observe(&error);
            error.into()
        })
    }

    /// Records a query error if it means that the database is down, busy or refuses writes.
    pub(crate) fn observe(&self, error: &StoreError) {
        let at_ms = if error.is_outage() {
            &self.failed_at_ms
        } else if error.is_refused_write() {
            &self.write_refused_at_ms
        } else if matches!(error, StoreError::Busy) {
            &self.timed_out_at_ms
        } else {
            return;
        };
        at_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Returns whether a query failed within the last second because the database is down.
    pub(crate) fn is_down(&self) -> bool {
        self.since(&self.failed_at_ms) < FAIL_FAST_FOR
    }

    /// Returns whether this process follows the change feed and polled it recently.
    pub(crate) fn is_feed_live(&self) -> bool {
        self.follows_feed() && self.since(&self.polled_at_ms) <= FEED_STALE_AFTER
    }

    /// Returns how far cache entries can be trusted now.
    pub(crate) fn feed_state(&self) -> FeedState {
        if self.is_down() || self.since(&self.timed_out_at_ms) < FAIL_FAST_FOR {
            return self.outage_state();
        }
        match (self.follows_feed(), self.is_feed_live()) {
            (false, _) => FeedState::Standalone,
            (true, true) => FeedState::Live,
            (true, false) => FeedState::Stale,
        }
    }

    /// Returns how far cache entries can be trusted if the database cannot be queried. The change
    /// feed has reported every change until its last poll, so the age of an entry does not matter,
    /// but the time since that poll does.
    pub(crate) fn outage_state(&self) -> FeedState {
        let max_age = if !self.follows_feed() {
            MAX_SILENCE
        } else if self.since(&self.polled_at_ms) <= MAX_SILENCE {
            SignedDuration::MAX
        } else {
            SignedDuration::MIN
        };
        FeedState::Outage { max_age }
    }

    /// Returns the time since this process last saw a query fail or a write refused.
    pub(crate) fn database_up_for(&self) -> SignedDuration {
        self.since(&self.failed_at_ms)
            .min(self.since(&self.write_refused_at_ms))
    }

    /// Returns whether this process follows the change feed.
    pub(crate) fn follows_feed(&self) -> bool {
        self.follows_feed.load(Ordering::Relaxed)
    }

    /// Records whether this process follows the change feed.
    pub(crate) fn set_follows_feed(&self, follows: bool) {
        self.follows_feed.store(follows, Ordering::Relaxed);
    }

    /// Records a completed poll of the change feed.
    pub(crate) fn record_poll(&self) {
        self.polled_at_ms.store(self.now_ms(), Ordering::Relaxed);
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that the database has gone back to an earlier state.
    pub(crate) fn record_reset(&self) {
        self.reset_at_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Returns the time since this process noticed that the database has gone back to an earlier
    /// state; `None` if it never has.
    pub(crate) fn since_reset(&self) -> Option<SignedDuration> {
        let is_known = self.reset_at_ms.load(Ordering::Relaxed) != NEVER;
        is_known.then(|| self.since(&self.reset_at_ms))
    }

    /// Waits until refreshes may start: after a database failure until the change feed was polled,
    /// and after the database has gone back until all replicas had the time to store again the
    /// tokens that it has lost. Refreshing the old ones could end their grants.
    pub(crate) async fn settled(&self) {
        let deadline = Instant::now() + MAX_UNPOLLED;
        while self.is_unpolled() && Instant::now() < deadline {
            tokio::time::sleep(POLL_CHECK_INTERVAL).await;
        }
        if let Some(since) = self.since_reset().filter(|since| *since < RESTORED_WITHIN) {
            tokio::time::sleep((RESTORED_WITHIN - since).unsigned_abs()).await;
        }
    }

    /// Returns whether the change feed was not polled since the last database failure.
    fn is_unpolled(&self) -> bool {
        let polled_at = self.polled_at_ms.load(Ordering::Relaxed);
        self.follows_feed() && polled_at < self.failed_at_ms.load(Ordering::Relaxed)
    }

    /// Returns the number of completed polls of the change feed since the process started.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Records whether the database accepted the latest heartbeat.
    pub(crate) fn record_heartbeat(&self, accepted: bool) {
        self.accepts_writes.store(accepted, Ordering::Relaxed);
    }

    /// Returns whether the database accepted the latest heartbeat.
    pub(crate) fn accepts_writes(&self) -> bool {
        self.accepts_writes.load(Ordering::Relaxed)
    }

    fn since(&self, at_ms: &AtomicI64) -> SignedDuration {
        SignedDuration::from_millis(self.now_ms() - at_ms.load(Ordering::Relaxed))
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn feed_state_follows_polls_and_database_failures() {
        let monitor = DatabaseMonitor::default();
        let state = || (monitor.feed_state(), monitor.database_up_for());
        assert_eq!(monitor.feed_state(), FeedState::Standalone);
        assert!(monitor.database_up_for() > SignedDuration::from_secs(1_000));
        monitor.set_follows_feed(true);
        assert_eq!(monitor.feed_state(), FeedState::Stale, "not polled yet");
        monitor.record_poll();
        assert_eq!(monitor.feed_state(), FeedState::Live);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(monitor.feed_state(), FeedState::Live);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(monitor.feed_state(), FeedState::Stale);
        monitor.observe(&StoreError::Unresponsive);
        let any_age = FeedState::Outage {
            max_age: SignedDuration::MAX,
        };
        assert_eq!(state(), (any_age, SignedDuration::ZERO));
        assert!(monitor.is_down());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(state(), (FeedState::Stale, SignedDuration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn busy_database_is_not_down_but_old_entries_are_served() {
        let monitor = DatabaseMonitor::default();
        monitor.set_follows_feed(true);
        monitor.record_poll();
        monitor.observe(&StoreError::Busy);
        assert!(!monitor.is_down(), "queries are still sent");
        let any_age = FeedState::Outage {
            max_age: SignedDuration::MAX,
        };
        assert_eq!(monitor.feed_state(), any_age);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(monitor.feed_state(), FeedState::Live);
    }

    #[tokio::test(start_paused = true)]
    async fn entries_are_served_until_the_feed_was_silent_for_30_seconds() {
        let monitor = DatabaseMonitor::default();
        let max_age = || match monitor.outage_state() {
            FeedState::Outage { max_age } => max_age,
            state => panic!("{state:?}"),
        };
        assert_eq!(max_age(), SignedDuration::from_secs(30), "without a feed");
        monitor.set_follows_feed(true);
        monitor.record_poll();
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(max_age(), SignedDuration::MAX);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(max_age(), SignedDuration::MIN);
    }
}
