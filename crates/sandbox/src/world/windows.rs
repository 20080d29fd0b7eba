//! Rate limits: counters of calls per caller and time window.

use std::collections::{HashMap, VecDeque};

use evergrant_model::{SignedDuration, Timestamp};

/// Length of a fixed window in seconds.
const WINDOW_SECONDS: i64 = 600;

/// A caller's usage of the current window, including the call that was just counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) used: u32,
    pub(crate) quota: u32,
    /// Seconds until the next window starts.
    pub(crate) reset_seconds: i64,
}

impl Window {
    pub(crate) fn remaining(self) -> u32 {
        self.quota.saturating_sub(self.used)
    }

    pub(crate) fn is_exceeded(self) -> bool {
        self.used > self.quota
    }
}

/// Fixed windows: the current window's number and call count for each caller. Windows start at
/// multiples of their length, not at a caller's first call.
#[derive(Default)]
pub(crate) struct Windows(HashMap<String, (i64, u32)>);

impl Windows {
    /// Counts one call of `caller` and returns its usage of the current window.
    pub(crate) fn count_call(&mut self, caller: String, quota: u32, now: Timestamp) -> Window {
        let now_seconds = now.unix_ms() / 1000;
        let current = now_seconds / WINDOW_SECONDS;
        let (number, used) = self.0.entry(caller).or_insert((current, 0));
        if *number != current {
            (*number, *used) = (current, 0);
        }
        *used = used.saturating_add(1);
        Window {
            used: *used,
            quota,
            reset_seconds: (current + 1) * WINDOW_SECONDS - now_seconds,
        }
    }
}

/// Sliding windows: the times of each caller's recent calls.
#[derive(Default)]
pub(crate) struct SlidingWindows(HashMap<String, VecDeque<Timestamp>>);

impl SlidingWindows {
    /// Returns whether `caller` made fewer than `quota` calls in the last `span_seconds` seconds,
    /// and counts the call if so. Rejected calls are not counted.
    pub(crate) fn within_limit(
        &mut self,
        caller: String,
        quota: u32,
        span_seconds: i64,
        now: Timestamp,
    ) -> bool {
        let calls = self.0.entry(caller).or_default();
        while calls
            .front()
            .is_some_and(|call| now >= *call + SignedDuration::from_secs(span_seconds))
        {
            calls.pop_front();
        }
        let allowed = u32::try_from(calls.len()).is_ok_and(|used| used < quota);
        if allowed {
            calls.push_back(now);
        }
        allowed
    }
}
