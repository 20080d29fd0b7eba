//! Readings of the server's clock, which correct the clock of this process.

use std::sync::{Arc, OnceLock};

#[cfg(feature = "testing")]
use evergrant_model::Clock;
use evergrant_model::{SharedClock, SignedDuration, Timestamp};

/// The server's time as an expression of SQL, in the type of the columns.
macro_rules! server_now {
    () => {
        "clock_timestamp() AT TIME ZONE 'utc'"
    };
}
pub(crate) use server_now;

/// The clock that readings of the server's clock correct.
#[derive(Default)]
pub(crate) struct ServerTime {
    clock: OnceLock<Arc<SharedClock>>,
    /// Shows the server's time in a test.
    #[cfg(feature = "testing")]
    test_clock: OnceLock<Arc<dyn Clock>>,
}

/// A reading whose result has not arrived.
pub(crate) struct Requested {
    /// When it was requested, on the stopwatch of the clock.
    at: Option<SignedDuration>,
}

impl ServerTime {
    /// Sets the clock to correct. Later calls are ignored.
    pub(crate) fn set_clock(&self, clock: &Arc<SharedClock>) {
        let _ = self.clock.set(Arc::clone(clock));
    }

    /// Makes all readings show the time of `clock`.
    #[cfg(feature = "testing")]
    pub(crate) fn set_test_clock(&self, clock: Arc<dyn Clock>) {
        let _ = self.test_clock.set(clock);
    }

    /// Records that a reading is being requested.
    pub(crate) fn request(&self) -> Requested {
        let at = self.clock.get().map(|clock| clock.elapsed());
        Requested { at }
    }

    /// Corrects the clock by a reading that has just arrived.
    pub(crate) fn receive(&self, requested: &Requested, reading: Timestamp) {
        if let Some((clock, requested_at)) = self.clock.get().zip(requested.at) {
            clock.correct(requested_at, self.shown(reading));
        }
    }

    #[cfg(feature = "testing")]
    fn shown(&self, reading: Timestamp) -> Timestamp {
        self.test_clock.get().map_or(reading, |clock| clock.now())
    }

    #[cfg(not(feature = "testing"))]
    #[expect(
        clippy::unused_self,
        reason = "has the same signature with the testing feature"
    )]
    fn shown(&self, reading: Timestamp) -> Timestamp {
        reading
    }
}

impl std::fmt::Debug for ServerTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerTime({:?})", self.clock.get())
    }
}
