//! The first calls to an endpoint whose limit is not known, as in TCP's slow start.
//!
//! A few calls may start at once. With each round trip, half as many more may be in flight, and a
//! call that waits starts after [`LONGEST_WAIT`] even without a response. Once as many were in
//! flight as a replica sends at once, calls are not limited. An endpoint without a limit delays the
//! first calls by a few round trips, and later ones not at all. An endpoint with a low limit
//! refuses a few calls instead of all that wait.

use std::time::Duration;

/// The number of calls that may start at once.
const FIRST_CALLS: u32 = 4;
/// The number of calls in flight from which calls are not limited.
const UNLIMITED_FROM: u32 = 64;
/// The longest time between two starts of calls that wait.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// The calls in flight before any was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlowStart {
    /// The number of calls that may be in flight.
    window: u32,
    in_flight: u32,
    /// The largest number of calls that were in flight.
    most_in_flight: u32,
    /// The time of the last start.
    last_start: Duration,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self {
            window: FIRST_CALLS,
            in_flight: 0,
            most_in_flight: 0,
            last_start: Duration::ZERO,
        }
    }
}

impl SlowStart {
    /// Returns the time to wait before the next call may start; zero for none.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        if self.in_flight < self.window || self.window >= UNLIMITED_FROM {
            Duration::ZERO
        } else {
            (self.last_start + LONGEST_WAIT).saturating_sub(now)
        }
    }

    /// Counts a call that starts now.
    pub(super) fn start_call(&mut self, now: Duration) {
        self.last_start = now;
        self.in_flight = self.in_flight.saturating_add(1);
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        self.window = self.window.max(self.in_flight);
    }

    /// Counts a call that was accepted. Single calls do not prove that many are accepted at once.
    pub(super) fn accepted(&mut self) {
        let most_after_this_round_trip = self.most_in_flight + self.most_in_flight / 2;
        if self.window < most_after_this_round_trip {
            self.window += 1;
        }
        self.ended();
    }

    /// Counts a call that ended.
    pub(super) fn ended(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}
