//! Runs each job at its own interval in its own task: a job that fails, panics or hangs delays no
//! other.

use std::sync::Arc;
use std::time::Duration;

use evergrant_model::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::ServiceError;
use crate::failure_log::FailureLog;
use crate::identifiers::Identifiers;
use crate::jobs::job::{Job, JobName, Progress};

/// Runs the jobs of this process.
pub(crate) struct JobRunner {
    jobs: Vec<Arc<dyn Job>>,
    ids: Identifiers,
    clock: Arc<dyn Clock>,
}

impl JobRunner {
    /// Creates a runner of these jobs.
    pub(crate) fn new(jobs: Vec<Arc<dyn Job>>, ids: Identifiers, clock: Arc<dyn Clock>) -> Self {
        Self { jobs, ids, clock }
    }

    /// Runs all jobs until `stop`, then cancels the runs in progress.
    pub(crate) async fn run_until(self: &Arc<Self>, stop: CancellationToken) {
        let mut jobs = JoinSet::new();
        for job in &self.jobs {
            jobs.spawn(Arc::clone(self).supervise(Arc::clone(job), stop.clone()));
        }
        while jobs.join_next().await.is_some() {}
    }

    /// Repeats one job until `stop`, and restarts it after a panic.
    async fn supervise(self: Arc<Self>, job: Arc<dyn Job>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let (runner, repeated) = (Arc::clone(&self), Arc::clone(&job));
            let mut runs = JoinSet::new();
            runs.spawn(async move { runner.repeat(&*repeated).await });
            if stop.run_until_cancelled(runs.join_next()).await.is_some() {
                let job = job.name().as_str();
                tracing::error!(
                    job,
                    "background job panicked; will run again at its interval"
                );
            }
            runs.shutdown().await;
            stop.run_until_cancelled(tokio::time::sleep(job.interval()))
                .await;
        }
    }

    /// Runs one job once. Does nothing if this process has no such job.
    ///
    /// # Errors
    ///
    /// The error of the run.
    pub(crate) async fn run_once(&self, name: JobName) -> Result<Progress, ServiceError> {
        match self.jobs.iter().find(|job| job.name() == name) {
            Some(job) => self.run(&**job).await,
            None => Ok(Progress::done(0)),
        }
    }

    /// Runs the job again and again. Never returns.
    async fn repeat(&self, job: &dyn Job) {
        let mut log = FailureLog::new(job.name().as_str());
        loop {
            match self.run(job).await {
                Ok(progress) => {
                    log.record_success();
                    if progress.more {
                        continue;
                    }
                }
                Err(error) => log.record_failure(&error),
            }
            job.until_due().await;
        }
    }

    /// Runs the job once, in a span with a new correlation id. Does nothing if the job acts on the
    /// time and the machine's clock is wrong.
    async fn run(&self, job: &dyn Job) -> Result<Progress, ServiceError> {
        if job.acts_on_time() && !self.clock.is_reliable() {
            return Ok(Progress::done(0));
        }
        let call = self.ids.scheduled_call(&*self.clock);
        let span = tracing::info_span!(
            "job", name = job.name().as_str(), correlation_id = %call.correlation_id
        );
        job.run(&call).instrument(span).await
    }
}

/// The interval of time-critical jobs, such as the scheduler and the exchange of state with other
/// replicas.
pub(crate) const EVERY_SECOND: Duration = Duration::from_secs(1);
/// The interval of housekeeping jobs.
pub(crate) const EVERY_15_SECONDS: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use evergrant_model::{Call, ErrorCode, OsEntropy, SystemClock};

    use super::*;

    /// A job that fails, panics, hangs or succeeds. All but the hanging one count their runs.
    enum Fake {
        Failing(AtomicUsize),
        Panicking(AtomicUsize),
        Hanging,
        Counting(AtomicUsize),
    }

    #[async_trait]
    impl Job for Fake {
        fn name(&self) -> JobName {
            match self {
                Self::Failing(_) => JobName::Expiry,
                Self::Panicking(_) => JobName::Heartbeat,
                Self::Hanging => JobName::Revocations,
                Self::Counting(_) => JobName::LastUsed,
            }
        }

        fn interval(&self) -> Duration {
            EVERY_SECOND
        }

        async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
            match self {
                Self::Failing(runs) => {
                    runs.fetch_add(1, Ordering::SeqCst);
                    Err(ServiceError::new(ErrorCode::InternalError, "failed"))
                }
                Self::Panicking(runs) => {
                    runs.fetch_add(1, Ordering::SeqCst);
                    panic!("a job panics")
                }
                Self::Hanging => std::future::pending().await,
                Self::Counting(runs) => {
                    let before = runs.fetch_add(1, Ordering::SeqCst);
                    // The first run reports that more work is due.
                    Ok(Progress {
                        items: 1,
                        more: before == 0,
                    })
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn faulty_job_delays_no_other_and_no_job_outlives_stop() {
        let failing = Arc::new(Fake::Failing(AtomicUsize::new(0)));
        let panicking = Arc::new(Fake::Panicking(AtomicUsize::new(0)));
        let counting = Arc::new(Fake::Counting(AtomicUsize::new(0)));
        let jobs: Vec<Arc<dyn Job>> = vec![
            failing.clone(),
            panicking.clone(),
            Arc::new(Fake::Hanging),
            counting.clone(),
        ];
        let ids = Identifiers::new(Arc::new(OsEntropy));
        let runner = Arc::new(JobRunner::new(jobs, ids, Arc::new(SystemClock)));
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (runner, stop) = (Arc::clone(&runner), stop.clone());
            async move { runner.run_until(stop).await }
        });
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let runs = |job: &Fake| match job {
            Fake::Failing(runs) | Fake::Panicking(runs) | Fake::Counting(runs) => {
                runs.load(Ordering::SeqCst)
            }
            Fake::Hanging => 0,
        };
        assert_eq!(runs(&failing), 3, "at 0, 1 and 2 seconds");
        assert_eq!(runs(&panicking), 3, "a panic ends one run, not the job");
        assert_eq!(
            runs(&counting),
            4,
            "a run that leaves work due is followed at once by the next"
        );
        stop.cancel();
        running.await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(
            (runs(&failing), runs(&counting)),
            (3, 4),
            "no job runs after stop"
        );
    }
}
