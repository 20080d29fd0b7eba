//! Tasks that outlive the request that started them. Shutdown waits for them.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::ServiceError;

/// The tasks that must complete before the process exits: code exchanges, refreshes, revocations.
/// Clones share the set.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Tasks {
    /// Starts shutdown: no new refresh starts, and cancellable tasks end.
    pub(crate) fn begin_shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Returns whether shutdown has started.
    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// Waits until all tasks have completed.
    pub(crate) async fn drain(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Spawns `work` as a tracked background task.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(work);
    }

    /// Spawns `work` as a background task that shutdown cancels at its next await point.
    pub(crate) fn spawn_until_shutdown(&self, work: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tracker.spawn(async move {
            shutdown.run_until_cancelled(work).await;
        });
    }

    /// Runs `work` in a tracked task, so it completes even if the caller is cancelled.
    ///
    /// # Errors
    ///
    /// The error of `work`; `INTERNAL_ERROR` if it panics.
    pub(crate) async fn run_to_completion<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let joined = self
            .tracker
            .spawn(tracing::Instrument::in_current_span(work))
            .await;
        joined.unwrap_or_else(|_panicked| {
            let cause = "a task panicked; the log has the panic";
            Err(ServiceError::internal().caused_by(cause))
        })
    }

    /// Returns a token that keeps [`Tasks::drain`] waiting until it is dropped.
    pub(crate) fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }
}
