//! When the server last responded, and when a session last broke.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A server that completed any query within this time counts as available. `serve` sends a query
/// every second.
const AVAILABILITY_WINDOW: Duration = Duration::from_millis(1_500);

/// The time of the last event of a kind, in milliseconds since the process opened the database; 0
/// if there was none.
#[derive(Debug, Default)]
pub(super) struct LastTime(AtomicU64);

/// The times of what happened to the sessions of a pool.
#[derive(Debug)]
pub(super) struct History {
    opened_at: Instant,
    response: LastTime,
    breakage: LastTime,
}

impl Default for History {
    fn default() -> Self {
        Self {
            opened_at: Instant::now(),
            response: LastTime::default(),
            breakage: LastTime::default(),
        }
    }
}

impl History {
    /// Records an event that happens now.
    pub(super) fn record(&self, event: &LastTime) {
        event.0.fetch_max(self.now_ms(), Ordering::Relaxed);
    }

    /// Returns whether the event happened within the last 1.5 seconds.
    pub(super) fn is_recent(&self, event: &LastTime) -> bool {
        let at_ms = event.0.load(Ordering::Relaxed);
        let elapsed_ms = self.now_ms().saturating_sub(at_ms);
        at_ms > 0 && Duration::from_millis(elapsed_ms) < AVAILABILITY_WINDOW
    }

    /// Records a response of the server.
    pub(super) fn record_response(&self) {
        self.record(&self.response);
    }

    /// Records that a session broke.
    pub(super) fn record_break(&self) {
        self.record(&self.breakage);
    }

    /// Returns whether the server responded recently, on any session.
    pub(super) fn is_responding(&self) -> bool {
        self.is_recent(&self.response)
    }

    /// Returns whether a session that was idle for `idle_for` may be broken because another one
    /// broke meanwhile: a restart or failover of the server breaks all sessions.
    pub(super) fn is_suspect(&self, idle_for: Duration) -> bool {
        let idle_ms = u64::try_from(idle_for.as_millis()).unwrap_or(u64::MAX);
        self.now_ms().saturating_sub(idle_ms) <= self.breakage.0.load(Ordering::Relaxed)
    }

    /// Returns the current time, at least 1.
    fn now_ms(&self) -> u64 {
        let elapsed = self.opened_at.elapsed().as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_add(1)
    }
}
