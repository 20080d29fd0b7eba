//! What comes of flows and reads, as tests look at it.

use std::time::Duration;

use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::{
    Actor, AuthorizationCode, Call, CorrelationId, ErrorCode, FlowState, ProviderSlug, Timestamp,
    UserId,
};
use evergrant_service::{
    CallbackEnd, CallbackOutcome, CallbackParams, FinishRequest, IntegrationsService, IssuedToken,
    JobName, ServiceError,
};
use url::Url;

/// What the browser that began a bound flow keeps.
pub(crate) const VERIFIER: &str = "the-verifier-of-the-browser-that-began-this-flow";

/// The hash of [`VERIFIER`], which goes out when the flow begins.
pub(crate) fn challenge() -> String {
    base64url(sha256(VERIFIER))
}

/// What finishes a flow begun with [`challenge`].
pub(crate) fn finish(receipt: &str) -> FinishRequest {
    FinishRequest {
        verifier: Some(VERIFIER.to_owned()),
        receipt: receipt.to_owned(),
        accounts: None,
    }
}

/// The context in which tests call.
pub(crate) fn call() -> Call {
    let correlation_id = CorrelationId::new("test-correlation").unwrap();
    Call {
        actor: Actor::CommandLine,
        correlation_id,
        at: Timestamp::from_unix_ms(0),
    }
}

/// Runs the jobs that otherwise run every 15 seconds, but for those that look for other programs'
/// rows.
pub(crate) async fn housekeep(service: &IntegrationsService) -> Result<(), ServiceError> {
    for job in [
        JobName::AbandonFlows,
        JobName::Revocations,
        JobName::Expiry,
        JobName::LastUsed,
        JobName::FlowRetention,
        JobName::SessionRetention,
        JobName::EventRetention,
    ] {
        while service.process().run_job(job).await?.more {}
    }
    Ok(())
}

/// Looks for what other programs have done.
pub(crate) async fn reconcile(service: &IntegrationsService) -> Result<(), ServiceError> {
    while service.process().run_job(JobName::ImportRows).await?.more {}
    service
        .process()
        .run_job(JobName::FindRemovedRows)
        .await
        .map(drop)
}

/// Runs the jobs that keep a replica in step with the others.
pub(crate) async fn look_round(service: &IntegrationsService) -> Result<(), ServiceError> {
    for job in [
        JobName::ClockCheck,
        JobName::Heartbeat,
        JobName::ProviderBlocks,
        JobName::RestoreRejected,
    ] {
        service.process().run_job(job).await?;
    }
    Ok(())
}

/// Starts what is due; how many connections that were.
pub(crate) async fn take_up_due(service: &IntegrationsService) -> Result<usize, ServiceError> {
    Ok(service.process().run_job(JobName::RefreshDue).await?.items)
}

pub(crate) fn slug(platform: &str) -> ProviderSlug {
    ProviderSlug::new(platform).unwrap()
}

/// The callback that this address is.
pub(crate) fn params(location: &str) -> CallbackParams {
    let url = Url::parse(location).unwrap();
    let value = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    CallbackParams {
        state: FlowState::new(value("state").unwrap()),
        code: value("code").map(AuthorizationCode::new),
        error: value("error"),
        issuer: value("iss"),
    }
}

/// The same callback once more.
pub(crate) fn again(params: &CallbackParams) -> CallbackParams {
    CallbackParams {
        state: params.state.clone(),
        code: params.code.clone(),
        error: params.error.clone(),
        issuer: params.issuer.clone(),
    }
}

/// The account that a callback connected.
pub(crate) fn connected(outcome: &CallbackOutcome) -> String {
    match &outcome.end {
        CallbackEnd::Connected { account } => account.clone(),
        end => panic!("not connected: {end:?}"),
    }
}

/// The flow and receipt of a callback that waits to be finished.
pub(crate) fn pending(outcome: &CallbackOutcome) -> (String, String) {
    match &outcome.end {
        CallbackEnd::Pending { flow_id, receipt } => (flow_id.as_str().to_owned(), receipt.clone()),
        end => panic!("not pending: {end:?}"),
    }
}

/// The code with which a callback came to nothing.
pub(crate) fn failed(outcome: &CallbackOutcome) -> ErrorCode {
    match outcome.end {
        CallbackEnd::Failed(code) => code,
        ref end => panic!("not failed: {end:?}"),
    }
}

/// The token that `service` answers, or why it answers none.
pub(crate) async fn read(
    service: &IntegrationsService,
    user: UserId,
    platform: &str,
    account: &str,
) -> Result<String, ErrorCode> {
    let issued = service
        .access_token(&call(), user, platform, account, 0)
        .await;
    issued
        .map(|IssuedToken { access_token, .. }| access_token.expose().to_owned())
        .map_err(|error| error.code())
}

/// Ends once `condition` holds. The limit is there for a test that fails: one that passes never
/// comes near it.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap();
}
