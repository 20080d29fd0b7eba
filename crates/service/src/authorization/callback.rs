//! The redirect from the platform's consent page (`handleOAuthCallback` in the original Node.js
//! API).
//!
//! One atomic statement consumes the state before the code is exchanged, so of twenty concurrent
//! callbacks one continues and nineteen wait for its result. A repeated callback with the same code
//! within a minute gets the same answer, because browsers prefetch and people double-click. Any
//! other repetition is rejected.

use std::sync::Arc;
use std::time::Duration;

use evergrant_encryption::digest::{constant_time_eq, sha256};
use evergrant_model::{Call, Clock, ErrorCode, ProviderSlug, SignedDuration};
use evergrant_store::{Callback, Flow, FlowRepository, FlowStatus};

use crate::ServiceError;
use crate::authorization::exchange::CodeExchanger;
use crate::authorization::failure::{FlowFailures, failed, failure_of};
use crate::authorization::outcome::{
    CallbackOutcome, CallbackParams, CallbackResult, accounts_of, receipt,
};
use crate::error::sentence_for;
use crate::tasks::Tasks;

/// How long after the first callback a repeated one gets the same answer.
const REPEAT_WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// The maximum number of times that a repeated callback reads the flow again while it waits for the
/// first one.
const MAX_POLLS: u32 = 250;
/// The interval between two reads of the flow.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Handles callbacks. Clones share the same dependencies.
#[derive(Clone)]
pub(crate) struct Callbacks {
    pub(crate) flows: FlowRepository,
    pub(crate) exchanger: Arc<CodeExchanger>,
    pub(crate) failures: FlowFailures,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
}

impl Callbacks {
    /// Implements [`crate::IntegrationsService::handle_oauth_callback`].
    pub(crate) async fn handle(
        &self,
        call: &Call,
        provider: &ProviderSlug,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        let state_hash = sha256(params.state.expose());
        let code_hash = params.code.as_ref().map(|code| sha256(code.expose()));
        let code_hash = code_hash.as_ref().map(<[u8; 32]>::as_slice);
        let now = self.clock.now();
        match self
            .flows
            .consume(&state_hash, provider, code_hash, now)
            .await?
        {
            Callback::Unknown => Err(ServiceError::invalid_state()),
            Callback::Expired(flow) => {
                let call = call.continuing(&flow.correlation_id);
                let error = ServiceError::invalid_state();
                let result = self.failures.end(&call, &flow, &params, error).await?;
                Ok(CallbackOutcome::of(&flow, result))
            }
            Callback::First(flow) => self.complete(call, *flow, params).await,
            Callback::Again(flow) => self.repeat(&flow, &state_hash, code_hash, &params).await,
        }
    }

    /// Completes the flow, even if the browser disconnects.
    async fn complete(
        &self,
        call: &Call,
        flow: Flow,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        let (component, call) = (self.clone(), call.continuing(&flow.correlation_id));
        let work = async move {
            let result = match component.exchanger.complete(&call, &flow, &params).await {
                Ok(result) => result,
                Err(error) => component.failures.end(&call, &flow, &params, error).await?,
            };
            Ok(CallbackOutcome::of(&flow, result))
        };
        self.tasks.run_to_completion(work).await
    }

    /// Answers a repeated callback with the result of the first one.
    async fn repeat(
        &self,
        flow: &Flow,
        state_hash: &[u8],
        code_hash: Option<&[u8]>,
        params: &CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        let same_code = match (flow.code_hash.as_deref(), code_hash) {
            (Some(first), Some(second)) => constant_time_eq(first, second),
            (None, None) => true,
            _ => false,
        };
        let age = flow.consumed_at.map(|at| self.clock.now().since(at));
        if !same_code || age.is_none_or(|age| age >= REPEAT_WINDOW) {
            return Err(ServiceError::invalid_state());
        }
        let flow = self.settled(flow, state_hash).await?;
        let flow_id = flow.id.clone();
        let result = match flow.status {
            FlowStatus::Connected => CallbackResult::Connected {
                account: flow.connected_account.clone().unwrap_or_default(),
            },
            FlowStatus::Choose if flow.finish_challenge.is_none() => CallbackResult::Choose {
                flow_id,
                receipt: receipt(&flow, params),
                accounts: accounts_of(&flow)?,
            },
            FlowStatus::Pending | FlowStatus::Choose => CallbackResult::Pending {
                flow_id,
                receipt: receipt(&flow, params),
            },
            FlowStatus::Error => failed(&flow, params, failure_of(&flow, self.clock.now())),
            FlowStatus::Waiting => {
                let provider_name = self.exchanger.providers.name(&flow.provider);
                failed(&flow, params, still_running(&provider_name))
            }
        };
        Ok(CallbackOutcome::of(&flow, result))
    }

    /// Waits for the first callback, on this or another replica, and returns the flow as that
    /// callback left it. Returns a flow that still waits if the first callback takes too long.
    async fn settled(&self, flow: &Flow, state_hash: &[u8]) -> Result<Flow, ServiceError> {
        let mut latest = flow.clone();
        for _ in 0..MAX_POLLS {
            if latest.status != FlowStatus::Waiting {
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
            let found = self.flows.by_state(state_hash, &flow.provider).await?;
            latest = found.ok_or_else(ServiceError::invalid_state)?;
        }
        Ok(latest)
    }
}

/// Returns the error for a repeated callback whose first one takes too long.
fn still_running(provider_name: &str) -> ServiceError {
    let code = ErrorCode::TimeoutError;
    ServiceError::new(code, sentence_for(code, provider_name))
}
