//! The platform's callback: the seed's `handleOAuthCallback`.
//!
//! One atomic statement consumes the state before the code is exchanged, so of twenty callbacks at
//! once one continues and nineteen wait for its result. The same state with the same code within a
//! minute gets the same answer (browsers prefetch, and people double-click); any other repetition
//! is rejected.

use std::sync::Arc;
use std::time::Duration;

use evergrant_encryption::digest::{constant_time_eq, sha256};
use evergrant_model::{Call, Clock, ErrorCode, ProviderSlug};
use evergrant_store::{Callback, Flow, FlowEnd, FlowRepository, FlowStatus};

use crate::ServiceError;
use crate::authorization::exchange::CodeExchanger;
use crate::authorization::outcome::{
    CallbackEnd, CallbackOutcome, CallbackParams, accounts_of, receipt,
};
use crate::outcome::{Outcome, Recorder};
use crate::tasks::Tasks;

/// A repeated callback gets the answer of the first one for this long, in seconds.
const REPEAT_SECONDS: i64 = 60;
/// How often a repeated callback reads the flow while the first one is under way.
const POLLS: u32 = 250;
/// The interval between those reads.
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Handles callbacks. A clone is the same component.
#[derive(Clone)]
pub(crate) struct Callbacks {
    pub(crate) flows: FlowRepository,
    pub(crate) exchanger: Arc<CodeExchanger>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Callbacks {
    /// See [`crate::IntegrationsService::handle_oauth_callback`].
    pub(crate) async fn handle(
        &self,
        call: &Call,
        provider: &str,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        let provider = ProviderSlug::new(provider).map_err(|_| ServiceError::invalid_state())?;
        let state_hash = sha256(params.state.expose());
        let code_hash = params.code.as_ref().map(|code| sha256(code.expose()));
        let code_hash = code_hash.as_ref().map(<[u8; 32]>::as_slice);
        let now = self.clock.now();
        match self
            .flows
            .consume(&state_hash, &provider, code_hash, now)
            .await?
        {
            Callback::Unknown => Err(ServiceError::invalid_state()),
            Callback::Expired(flow) => {
                let call = call.continuing(&flow.correlation_id);
                let end = self
                    .fail(&call, &flow, &ServiceError::invalid_state())
                    .await?;
                Ok(CallbackOutcome::of(&flow, end))
            }
            Callback::First(flow) => self.first(call, *flow, params).await,
            Callback::Again(flow) => self.again(&flow, &state_hash, code_hash, &params).await,
        }
    }

    /// Completes the flow even if the browser goes away.
    async fn first(
        &self,
        call: &Call,
        flow: Flow,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        let (component, call) = (self.clone(), call.continuing(&flow.correlation_id));
        let work = async move {
            let end = match component.exchanger.complete(&call, &flow, &params).await {
                Ok(end) => end,
                Err(error) => component.fail(&call, &flow, &error).await?,
            };
            Ok(CallbackOutcome::of(&flow, end))
        };
        self.tasks.run_to_completion(work).await
    }

    async fn fail(
        &self,
        call: &Call,
        flow: &Flow,
        error: &ServiceError,
    ) -> Result<CallbackEnd, ServiceError> {
        let (provider, id, code) = (&flow.provider, &flow.id, error.code());
        self.recorder.record(
            call,
            &Outcome::FlowFailed {
                provider,
                flow: id,
                code,
                error: Some(error),
            },
        );
        self.flows
            .settle(flow, &FlowEnd::Error(code), self.clock.now())
            .await?;
        Ok(CallbackEnd::Failed(code))
    }

    async fn again(
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
        let age = flow
            .consumed_at
            .map(|at| self.clock.now().seconds_since(at));
        if !same_code || age.is_none_or(|age| age >= REPEAT_SECONDS) {
            return Err(ServiceError::invalid_state());
        }
        let flow = self.settled(flow, state_hash).await?;
        let flow_id = flow.id.clone();
        let end = match flow.status {
            FlowStatus::Connected => CallbackEnd::Connected {
                account: flow.account.clone().unwrap_or_default(),
            },
            FlowStatus::Choose if flow.challenge.is_none() => CallbackEnd::Choose {
                flow_id,
                receipt: receipt(&flow, params),
                accounts: accounts_of(&flow)?,
            },
            FlowStatus::Pending | FlowStatus::Choose => CallbackEnd::Pending {
                flow_id,
                receipt: receipt(&flow, params),
            },
            FlowStatus::Error => {
                CallbackEnd::Failed(flow.error_code.unwrap_or(ErrorCode::OauthCallbackError))
            }
            FlowStatus::Waiting => CallbackEnd::Failed(ErrorCode::TimeoutError),
        };
        Ok(CallbackOutcome::of(&flow, end))
    }

    /// The flow once the first callback has ended, on this or another replica.
    async fn settled(&self, flow: &Flow, state_hash: &[u8]) -> Result<Flow, ServiceError> {
        let mut latest = flow.clone();
        for _ in 0..POLLS {
            if latest.status != FlowStatus::Waiting {
                break;
            }
            tokio::time::sleep(POLL_EVERY).await;
            let found = self.flows.by_state(state_hash, &flow.provider).await?;
            latest = found.ok_or_else(ServiceError::invalid_state)?;
        }
        Ok(latest)
    }
}
