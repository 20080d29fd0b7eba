//! Logs the failures of repeated work without repeating itself.

use std::error::Error;

/// Logs the first failure in a row as a warning, further ones for debugging, and the recovery.
#[derive(Debug)]
pub(crate) struct FailureLog {
    job: &'static str,
    failing: bool,
}

impl FailureLog {
    pub(crate) fn new(job: &'static str) -> Self {
        Self {
            job,
            failing: false,
        }
    }

    pub(crate) fn record_success(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!(job = self.job, "background job recovered");
        }
    }

    pub(crate) fn record_failure(&mut self, error: &(dyn Error + 'static)) {
        let job = self.job;
        if std::mem::replace(&mut self.failing, true) {
            tracing::debug!(job, error, "background job failed again");
        } else {
            tracing::warn!(
                job,
                error,
                "background job failed; it is retried at its interval"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{Event, Level, Subscriber};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    use super::FailureLog;

    /// The levels of the lines that were logged.
    #[derive(Clone, Default)]
    struct Levels(Arc<Mutex<Vec<Level>>>);

    impl<S: Subscriber> Layer<S> for Levels {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }

    #[test]
    fn an_outage_is_one_warning_and_one_recovery() {
        let levels = Levels::default();
        let subscriber = tracing_subscriber::registry().with(levels.clone());
        tracing::subscriber::with_default(subscriber, || {
            let mut log = FailureLog::new("expiry");
            for _ in 0..2 {
                log.record_success();
                (0..3).for_each(|_| log.record_failure(&std::fmt::Error));
            }
        });
        let outage = [Level::WARN, Level::DEBUG, Level::DEBUG];
        let expected = [&outage[..], &[Level::INFO], &outage].concat();
        assert_eq!(*levels.0.lock().unwrap(), expected);
    }
}
