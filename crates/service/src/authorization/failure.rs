//! The end of a flow that failed: what is stored, and who may read it.
//!
//! The caller that started a flow reads why it failed. Another person may have consented to a flow
//! that is bound to a browser, for example with a forwarded link. What the failure tells about that
//! person's account is then disclosed only to a caller with the verifier and the receipt.

use std::sync::Arc;

use evergrant_encryption::digest::sha256;
use evergrant_model::{Call, Clock, ErrorCode, SignedDuration, Timestamp};
use evergrant_store::{Flow, FlowFailure, FlowOutcome, FlowRepository};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ServiceError;
use crate::authorization::outcome::{
    CallbackParams, CallbackResult, FailedCallback, from_json, receipt, to_json,
};
use crate::error::SignedInAccount;
use crate::outcome::{Outcome, Recorder};

/// What a failed flow stores beside its code.
#[derive(Serialize, Deserialize)]
struct Details {
    /// The sentence for the user.
    detail: String,
    /// Time from which another attempt may succeed; `None` if unknown.
    retry_at: Option<Timestamp>,
    /// The accounts with which the person signed in, for `ACCOUNT_MISMATCH`.
    accounts: Vec<SignedInAccount>,
}

/// Returns what a flow that failed with `error` at `now` stores about it.
pub(crate) fn details_of(error: &ServiceError, now: Timestamp) -> Value {
    to_json(&Details {
        detail: error.detail().to_owned(),
        retry_at: error.retry_after().map(|wait| now + wait),
        accounts: error.accounts().to_vec(),
    })
}

/// Returns why the flow failed, for a caller that has proved to be the browser which consented.
pub(crate) fn failure_of(flow: &Flow, now: Timestamp) -> ServiceError {
    let code = flow.error_code.unwrap_or(ErrorCode::OauthCallbackError);
    let stored = flow.error_details.as_ref().map(from_json::<Details>);
    let Some(Ok(details)) = stored else {
        return ServiceError::new(code, "The sign-in failed. Please start again.");
    };
    let left = |at: Timestamp| Some(at.since(now)).filter(|wait| *wait > SignedDuration::ZERO);
    ServiceError::new(code, details.detail)
        .with_retry_after(details.retry_at.and_then(left))
        .with_accounts(details.accounts)
}

/// Returns the part of `error` that the caller which started the flow may learn without further
/// proof. It has no cause: the recorder has logged it.
pub(crate) fn disclosed(flow: &Flow, error: ServiceError) -> ServiceError {
    let code = flow.disclosed(error.code());
    if code == error.code() {
        return error.without_source();
    }
    let detail = "The sign-in could not be completed. Please start again.";
    ServiceError::new(code, detail).with_retry_after(error.retry_after())
}

/// Ends flows that failed. Clones share the same dependencies.
#[derive(Clone)]
pub(crate) struct FlowFailures {
    pub(crate) flows: FlowRepository,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl FlowFailures {
    /// Records the failure and ends the flow with it. `params` are those of the callback.
    pub(crate) async fn end(
        &self,
        call: &Call,
        flow: &Flow,
        params: &CallbackParams,
        error: ServiceError,
    ) -> Result<CallbackResult, ServiceError> {
        self.recorder.record(
            call,
            &Outcome::FlowFailed {
                provider: &flow.provider,
                flow: &flow.id,
                code: error.code(),
                error: Some(&error),
            },
        );
        let now = self.clock.now();
        let receipt_hash = receipt_of(flow, params).map(sha256);
        let failure = FlowFailure {
            code: error.code(),
            details: Some(&details_of(&error, now)),
            receipt_hash: receipt_hash.as_ref().map(<[u8; 32]>::as_slice),
        };
        self.flows
            .record_outcome(flow, &FlowOutcome::Error(failure), now)
            .await?;
        Ok(failed(flow, params, error))
    }
}

/// Returns the result of a failed callback, without what only the receipt discloses.
pub(crate) fn failed(flow: &Flow, params: &CallbackParams, error: ServiceError) -> CallbackResult {
    CallbackResult::Failed(FailedCallback {
        flow_id: flow.id.clone(),
        receipt: receipt_of(flow, params),
        error: disclosed(flow, error),
    })
}

/// Returns the receipt of a bound flow; `None` for other flows, whose caller needs no proof.
fn receipt_of(flow: &Flow, params: &CallbackParams) -> Option<String> {
    let is_bound = flow.finish_challenge.is_some();
    is_bound.then(|| receipt(flow, params))
}
