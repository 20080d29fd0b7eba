//! What comes of flows and reads, as tests look at it.

use std::time::Duration;

use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::{AuthorizationCode, CorrelationId, ErrorCode, FlowState, ProviderSlug, UserId};
use evergrant_service::{
    CallbackEnd, CallbackOutcome, CallbackParams, FinishRequest, IntegrationsService, IssuedToken,
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
    FinishRequest { verifier: Some(VERIFIER.to_owned()), receipt: receipt.to_owned(), accounts: None }
}

pub(crate) fn correlation() -> CorrelationId {
    CorrelationId::new("test-correlation").unwrap()
}

pub(crate) fn slug(platform: &str) -> ProviderSlug {
    ProviderSlug::new(platform).unwrap()
}

/// The callback that this address is.
pub(crate) fn params(location: &str) -> CallbackParams {
    let url = Url::parse(location).unwrap();
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
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
    let issued = service.access_token(user, platform, account, 0, &correlation()).await;
    issued.map(|IssuedToken { access_token, .. }| access_token.expose().to_owned()).map_err(|error| error.code())
}

/// Ends once `condition` holds. The limit is there for a test that fails: one that passes never comes near it.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
}
