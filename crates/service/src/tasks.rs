//! Work that outlives its caller, and the shutdown that waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::ServiceError;

/// The tasks of this process that shutdown must not cut short: code exchanges, refreshes,
/// revocations. A clone is the same set.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    shutting_down: Arc<AtomicBool>,
}

impl Tasks {
    /// Starts shutdown: no refresh starts from now on.
    pub(crate) fn begin_shutdown(&self) {
        self.shutting_down.store(true, Ordering::SeqCst);
    }

    /// Whether shutdown has started.
    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::SeqCst)
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn drain(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Runs `work` in the background.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(work);
    }

    /// Runs `work` to its end even if the caller is cancelled.
    pub(crate) async fn run_to_completion<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let joined = self
            .tracker
            .spawn(tracing::Instrument::in_current_span(work))
            .await;
        joined.unwrap_or_else(|_panicked| Err(ServiceError::internal()))
    }

    /// Delays the end of [`Tasks::drain`] until the token is dropped.
    pub(crate) fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }
}
