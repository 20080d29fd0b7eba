//! Finish of a parked flow: the browser that started it and the one that consented must be the
//! same.

use std::sync::Arc;

use evergrant_encryption::digest::{base64url, constant_time_eq, sha256};
use evergrant_model::{Call, Clock, ErrorCode, FlowId, UserId};
use evergrant_store::{Flow, FlowRepository, FlowStatus};

use crate::ServiceError;
use crate::authorization::consents::Consents;
use crate::authorization::outcome::{
    CallbackEnd, CallbackOutcome, Consent, FlowState, GrantedTokens, ReachedAccount, accounts_of,
    from_json,
};
use crate::connections::list::{ConnectionList, Integration};
use crate::connections::revocation_queue::RevocationQueue;
use crate::providers::Providers;
use crate::tasks::Tasks;

/// A callback that has arrived may take this much longer than the flow's lifetime, in seconds.
const CALLBACK_SECONDS: i64 = 60;

/// What a caller presents to finish a flow.
#[derive(Clone)]
pub struct FinishRequest {
    /// The text whose hash was the challenge; `None` for a flow without a challenge.
    pub verifier: Option<String>,
    /// The receipt that came back with the browser.
    pub receipt: String,
    /// The accounts to connect, if the consent reached several; `None` for the only one.
    pub accounts: Option<Vec<String>>,
}

impl std::fmt::Debug for FinishRequest {
    /// Omits the two secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FinishRequest")
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// Finishes flows. A clone is the same component.
#[derive(Clone)]
pub(crate) struct FlowFinisher {
    pub(crate) flows: FlowRepository,
    pub(crate) consents: Arc<Consents>,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) providers: Providers,
    pub(crate) list: Arc<ConnectionList>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
}

impl FlowFinisher {
    pub(crate) async fn state(&self, user: UserId, flow: &str) -> Result<FlowState, ServiceError> {
        let flow = self.owned_flow(user, flow).await?;
        let extra = if flow.consumed_at.is_some() {
            CALLBACK_SECONDS
        } else {
            0
        };
        let expired = flow.expires_at.plus_seconds(extra) <= self.clock.now();
        if (flow.status == FlowStatus::Waiting && expired) || self.is_overdue(&flow) {
            let (status, code) = (FlowStatus::Error, Some(ErrorCode::InvalidState));
            let (provider, accounts) = (flow.provider, Vec::new());
            return Ok(FlowState {
                status,
                provider,
                accounts,
                code,
                account: None,
            });
        }
        let accounts = match flow.status {
            FlowStatus::Choose => accounts_of(&flow)?,
            _ => Vec::new(),
        };
        let Flow {
            status,
            provider,
            error_code: code,
            account,
            ..
        } = flow;
        Ok(FlowState {
            status,
            provider,
            accounts,
            code,
            account,
        })
    }

    pub(crate) async fn finish(
        &self,
        call: &Call,
        user: UserId,
        flow: &str,
        request: FinishRequest,
    ) -> Result<Vec<Integration>, ServiceError> {
        let flow = self.owned_flow(user, flow).await?;
        let is_parked = matches!(flow.status, FlowStatus::Pending | FlowStatus::Choose);
        if !is_parked || self.is_overdue(&flow) || !is_proven(&flow, &request) {
            return Err(ServiceError::invalid_state());
        }
        let (component, provider) = (self.clone(), flow.provider.clone());
        let (work_call, call) = (call.continuing(&flow.correlation_id), call);
        let work = async move { component.store(&work_call, &flow, &request).await };
        let accounts = self.tasks.run_to_completion(work).await?;
        let list = self.list.of_user(call, user).await?;
        let is_new = |one: &Integration| {
            one.provider == provider.as_str() && accounts.contains(&one.provider_account_id)
        };
        Ok(list.integrations.into_iter().filter(is_new).collect())
    }

    pub(crate) async fn choice(
        &self,
        flow: &str,
        receipt: String,
    ) -> Result<CallbackOutcome, ServiceError> {
        let request = FinishRequest {
            verifier: None,
            receipt,
            accounts: None,
        };
        let flow = self.flow_to_choose(flow, &request).await?;
        let (flow_id, receipt) = (flow.id.clone(), request.receipt);
        let end = CallbackEnd::Choose {
            flow_id,
            receipt,
            accounts: accounts_of(&flow)?,
        };
        Ok(CallbackOutcome::of(&flow, end))
    }

    pub(crate) async fn choose(
        &self,
        call: &Call,
        flow: &str,
        receipt: String,
        accounts: Vec<String>,
    ) -> Result<CallbackOutcome, ServiceError> {
        let request = FinishRequest {
            verifier: None,
            receipt,
            accounts: Some(accounts),
        };
        let flow = self.flow_to_choose(flow, &request).await?;
        let (component, call) = (self.clone(), call.continuing(&flow.correlation_id));
        let work = async move {
            let end = match component.store(&call, &flow, &request).await {
                Ok(connected) => {
                    let account = connected.into_iter().next().unwrap_or_default();
                    CallbackEnd::Connected { account }
                }
                Err(error) if error.code() == ErrorCode::AccountAlreadyConnected => {
                    CallbackEnd::Failed(error.code())
                }
                Err(error) => return Err(error),
            };
            Ok(CallbackOutcome::of(&flow, end))
        };
        self.tasks.run_to_completion(work).await
    }

    async fn flow_to_choose(
        &self,
        flow: &str,
        request: &FinishRequest,
    ) -> Result<Flow, ServiceError> {
        let id = FlowId::new(flow).map_err(|_| ServiceError::invalid_state())?;
        let flow = self
            .flows
            .by_id(&id)
            .await?
            .ok_or_else(ServiceError::invalid_state)?;
        let is_parked = flow.status == FlowStatus::Choose && !self.is_overdue(&flow);
        if is_parked && is_proven(&flow, request) {
            return Ok(flow);
        }
        Err(ServiceError::invalid_state())
    }

    async fn owned_flow(&self, user: UserId, flow: &str) -> Result<Flow, ServiceError> {
        let id = FlowId::new(flow).map_err(|_| ServiceError::flow_not_found())?;
        self.flows
            .owned(&id, user)
            .await?
            .ok_or_else(ServiceError::flow_not_found)
    }

    fn is_overdue(&self, flow: &Flow) -> bool {
        flow.grant.is_some() && flow.finish_by.is_some_and(|end| end <= self.clock.now())
    }

    async fn store(
        &self,
        call: &Call,
        flow: &Flow,
        request: &FinishRequest,
    ) -> Result<Vec<String>, ServiceError> {
        let grant = flow
            .grant
            .as_ref()
            .ok_or_else(ServiceError::invalid_state)?;
        let platform = self.providers.configured(flow.provider.as_str())?;
        let mut tokens: GrantedTokens = from_json(&grant.facts)?;
        tokens.tokens.access = Some(grant.access_token.clone());
        tokens.tokens.refresh.clone_from(&grant.refresh_token);
        let accounts = chosen(accounts_of(flow)?, request.accounts.as_deref())?;
        let consent = Consent {
            tokens: &tokens,
            accounts: &accounts,
        };
        match self
            .consents
            .store(call, platform.spec(), flow, &consent)
            .await
        {
            Ok(()) => Ok(accounts.into_iter().map(|account| account.id).collect()),
            Err(error) if error.code() == ErrorCode::AccountAlreadyConnected => {
                self.revocations
                    .abandon_flow(call, flow, error.code())
                    .await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the caller has both the verifier of the start and the receipt of the consent.
fn is_proven(flow: &Flow, request: &FinishRequest) -> bool {
    let Some(receipt_hash) = &flow.receipt_hash else {
        return false;
    };
    let started_here = match (&flow.challenge, &request.verifier) {
        (Some(challenge), Some(verifier)) => {
            constant_time_eq(challenge.as_bytes(), base64url(sha256(verifier)).as_bytes())
        }
        // Started by the app's server, which its API key authenticates.
        (None, None) => true,
        _ => false,
    };
    let consented_here = constant_time_eq(receipt_hash, &sha256(&request.receipt));
    started_here & consented_here
}

fn chosen(
    reached: Vec<ReachedAccount>,
    requested: Option<&[String]>,
) -> Result<Vec<ReachedAccount>, ServiceError> {
    let Some(requested) = requested else {
        return match reached.len() {
            1 => Ok(reached),
            _ => Err(ServiceError::field(
                "accountIds",
                "say which of the accounts to connect",
            )),
        };
    };
    let is_reached = |id: &String| reached.iter().any(|account| account.id == *id);
    if requested.is_empty() || !requested.iter().all(is_reached) {
        let expected = "must name accounts that this sign-in reaches";
        return Err(ServiceError::field("accountIds", expected));
    }
    Ok(reached
        .into_iter()
        .filter(|account| requested.contains(&account.id))
        .collect())
}
