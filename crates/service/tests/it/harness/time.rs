//! Control of the clocks.

use std::time::Duration;

use evergrant_model::{Clock, SignedDuration, Timestamp};

use super::TestEnv;

impl TestEnv {
    /// Returns the current time of the test.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Advances the clocks of the providers, the services and the databases.
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.advance(SignedDuration::from_secs(seconds));
    }

    fn advance(&self, duration: SignedDuration) {
        self.clock.advance(duration);
        for store in &*self.stores.lock().unwrap() {
            store.shift_clock(duration);
        }
    }

    /// Runs `work` while all clocks advance 5 ms per real millisecond.
    pub(crate) async fn advance_during<T>(&self, work: impl Future<Output = T>) -> T {
        let advance = async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                self.advance(SignedDuration::from_millis(5));
            }
        };
        tokio::select! {
            output = work => output,
            () = advance => unreachable!("the loop never ends"),
        }
    }
}
