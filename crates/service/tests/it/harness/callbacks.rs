//! Parameters and results of callbacks, and the secrets of bound flows.

use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::{AuthorizationCode, ErrorCode, FlowState};
use evergrant_service::{CallbackOutcome, CallbackParams, CallbackResult, FinishRequest};
use url::Url;

/// Verifier kept by the browser that starts a bound flow.
pub(crate) const VERIFIER: &str = "the-verifier-of-the-browser-that-started-this-flow";

/// Returns the SHA-256 of [`VERIFIER`] as base64url, which is sent when the flow starts.
pub(crate) fn challenge() -> String {
    base64url(sha256(VERIFIER))
}

/// Returns the request that finishes a flow started with [`challenge`].
pub(crate) fn finish(receipt: &str) -> FinishRequest {
    FinishRequest {
        verifier: Some(VERIFIER.to_owned()),
        receipt: receipt.to_owned(),
        accounts: None,
    }
}

/// Parses the parameters of a provider's redirect.
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
        scope: value("scope"),
        issuer: value("iss"),
        ..CallbackParams::new(FlowState::new(""))
    }
}

/// Returns a copy of the parameters, for a repeated callback.
pub(crate) fn repeated(params: &CallbackParams) -> CallbackParams {
    params.clone()
}

/// Returns the id of the account that a callback connected.
pub(crate) fn connected(outcome: &CallbackOutcome) -> String {
    match &outcome.result {
        CallbackResult::Connected { account } => account.clone(),
        other => panic!("not connected: {other:?}"),
    }
}

/// Returns the flow id and the receipt of a callback whose flow must still be finished.
pub(crate) fn pending(outcome: &CallbackOutcome) -> (String, String) {
    match &outcome.result {
        CallbackResult::Pending { flow_id, receipt } => {
            (flow_id.as_str().to_owned(), receipt.clone())
        }
        other => panic!("not pending: {other:?}"),
    }
}

/// Returns the error code of a failed callback.
pub(crate) fn failed(outcome: &CallbackOutcome) -> ErrorCode {
    match &outcome.result {
        CallbackResult::Failed(failed) => failed.error.code(),
        other => panic!("not failed: {other:?}"),
    }
}
