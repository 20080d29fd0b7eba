//! Background jobs, run at the moment a test chooses.

use evergrant_service::{IntegrationsService, JobName, ServiceError};

use super::TestEnv;

/// Jobs that a serving process runs every 15 seconds, without those that look for rows written by
/// external programs.
const HOUSEKEEPING: [JobName; 8] = [
    JobName::AbandonFlows,
    JobName::Revocations,
    JobName::Expiry,
    JobName::LastUsed,
    JobName::FlowRetention,
    JobName::SessionRetention,
    JobName::EventRetention,
    JobName::CopyRetention,
];

/// Jobs that keep a replica in step with the others.
const REPLICA_JOBS: [JobName; 5] = [
    JobName::ClockCheck,
    JobName::Heartbeat,
    JobName::ProviderBlocks,
    JobName::CallRates,
    JobName::RestoreRejected,
];

/// Runs the [`HOUSEKEEPING`] jobs until none has work left.
pub(crate) async fn run_housekeeping(service: &IntegrationsService) -> Result<(), ServiceError> {
    for job in HOUSEKEEPING {
        while service.process().run_job(job).await?.more {}
    }
    Ok(())
}

/// Runs the jobs that detect rows added or removed by external programs.
pub(crate) async fn reconcile(service: &IntegrationsService) -> Result<(), ServiceError> {
    while service.process().run_job(JobName::ImportRows).await?.more {}
    service
        .process()
        .run_job(JobName::CompareRows)
        .await
        .map(drop)
}

/// Runs the [`REPLICA_JOBS`] once.
pub(crate) async fn run_replica_jobs(service: &IntegrationsService) -> Result<(), ServiceError> {
    for job in REPLICA_JOBS {
        service.process().run_job(job).await?;
    }
    Ok(())
}

/// Starts the refreshes that are due and returns their number.
pub(crate) async fn start_due_refreshes(
    service: &IntegrationsService,
) -> Result<usize, ServiceError> {
    Ok(service.process().run_job(JobName::RefreshDue).await?.items)
}

impl TestEnv {
    /// Starts the refreshes that are due, waits for them and returns their number.
    pub(crate) async fn refresh_due(&self) -> usize {
        let started = start_due_refreshes(&self.service).await.unwrap();
        self.service.process().drain().await;
        started
    }
}
