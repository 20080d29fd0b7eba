//! Logs failures of recurring work: one warning per outage instead of one per run.

use std::error::Error;

/// Logs the first of consecutive failures at `WARN`, the others at `DEBUG`, and the recovery at
/// `INFO`.
#[derive(Debug)]
pub(crate) struct FailureLog {
    job: &'static str,
    failing: bool,
}

impl FailureLog {
    /// Creates a log without failures. `job` is the name in the log lines.
    pub(crate) fn new(job: &'static str) -> Self {
        Self {
            job,
            failing: false,
        }
    }

    /// Logs the recovery if the previous run failed.
    pub(crate) fn record_success(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!(job = self.job, "background job recovered");
        }
    }

    /// Logs a failed run.
    pub(crate) fn record_failure(&mut self, error: &(dyn Error + 'static)) {
        let job = self.job;
        if std::mem::replace(&mut self.failing, true) {
            tracing::debug!(job, error, "background job failed again");
        } else {
            tracing::warn!(
                job,
                error,
                "background job failed; will retry at its interval"
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

    /// Collects the level of every logged line.
    #[derive(Clone, Default)]
    struct Levels(Arc<Mutex<Vec<Level>>>);

    impl<S: Subscriber> Layer<S> for Levels {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }

    #[test]
    fn outage_logs_one_warning_and_one_recovery() {
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
