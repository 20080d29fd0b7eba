//! A machine whose clock a test can set wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use evergrant_model::{Clock, ManualClock, SharedClock, SignedDuration, Timestamp};

/// The clock of a machine: the time of the test, and how far it is wrong.
pub struct MachineClock {
    time: Arc<ManualClock>,
    ahead_seconds: AtomicI64,
}

impl MachineClock {
    /// Creates a clock that is `ahead_seconds` ahead of `time`, and the clock of a process on that
    /// machine.
    #[must_use]
    pub fn new(time: &Arc<ManualClock>, ahead_seconds: i64) -> (Arc<Self>, Arc<SharedClock>) {
        let machine = Arc::new(Self {
            time: Arc::clone(time),
            ahead_seconds: AtomicI64::new(ahead_seconds),
        });
        let stopwatch = Arc::<ManualClock>::clone(time);
        let clock = SharedClock::new(Arc::<Self>::clone(&machine), stopwatch);
        (machine, Arc::new(clock))
    }

    /// Sets the clock to a time that is wrong by `ahead_seconds`; right with 0.
    pub fn set_ahead(&self, ahead_seconds: i64) {
        self.ahead_seconds.store(ahead_seconds, Ordering::SeqCst);
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        self.time.now() + SignedDuration::from_secs(self.ahead_seconds.load(Ordering::SeqCst))
    }
}
