//! Counters of calls per time window, as platforms keep them to limit a caller.

use std::collections::{HashMap, VecDeque};

use evergrant_model::Timestamp;

/// Length of a window in seconds.
const WINDOW_S: i64 = 600;

/// How a caller stands in the window that is open now, this call included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) used: u32,
    pub(crate) quota: u32,
    /// Seconds until the next window opens.
    pub(crate) reset_s: i64,
}

impl Window {
    pub(crate) fn remaining(self) -> u32 {
        self.quota.saturating_sub(self.used)
    }

    pub(crate) fn is_exceeded(self) -> bool {
        self.used > self.quota
    }
}

/// The open window of each caller. Windows begin at multiples of their length, not at a caller's
/// first call.
#[derive(Default)]
pub(crate) struct Windows(HashMap<String, (i64, u32)>);

impl Windows {
    /// Counts one call of `caller`, and tells how it stands.
    pub(crate) fn spend(&mut self, caller: String, quota: u32, now: Timestamp) -> Window {
        let now_s = now.unix_ms() / 1000;
        let slice = now_s / WINDOW_S;
        let (open, used) = self.0.entry(caller).or_insert((slice, 0));
        if *open != slice {
            (*open, *used) = (slice, 0);
        }
        *used = used.saturating_add(1);
        Window {
            used: *used,
            quota,
            reset_s: (slice + 1) * WINDOW_S - now_s,
        }
    }
}

/// The times of each caller's last calls, for platforms that count the calls of the time just gone
/// by.
#[derive(Default)]
pub(crate) struct SlidingWindows(HashMap<String, VecDeque<Timestamp>>);

impl SlidingWindows {
    /// Counts one call of `caller`, unless it had `quota` of them in the last `span_s` seconds.
    /// Calls that are refused do not count. Tells whether it may go on.
    pub(crate) fn spend(
        &mut self,
        caller: String,
        quota: u32,
        span_s: i64,
        now: Timestamp,
    ) -> bool {
        let calls = self.0.entry(caller).or_default();
        while calls
            .front()
            .is_some_and(|call| now >= call.plus_seconds(span_s))
        {
            calls.pop_front();
        }
        let has_room = u32::try_from(calls.len()).is_ok_and(|used| used < quota);
        if has_room {
            calls.push_back(now);
        }
        has_room
    }
}
