//! Finishing a bound flow: who began it and who consented must be the same browser.

use evergrant_encryption::digest::{base64url, constant_time_eq, sha256};
use evergrant_model::{ErrorCode, FlowId, ProviderSlug, UserId};
use evergrant_store::{Flow, FlowStatus};
use serde::de::DeserializeOwned;

use crate::ServiceError;
use crate::callback::{CallbackEnd, CallbackOutcome, outcome};
use crate::completion::{Consent, ReachedAccount, TokenFacts};
use crate::service::{Inner, IntegrationsService};
use crate::status::Integration;

/// What a caller brings to finish a flow.
#[derive(Clone)]
pub struct FinishRequest {
    /// The text whose hash was the challenge; `None` for a flow that was begun without one.
    pub verifier: Option<String>,
    /// What came back with the browser.
    pub receipt: String,
    /// Which accounts to connect, where one consent reached several; `None` for the only one.
    pub accounts: Option<Vec<String>>,
}

impl std::fmt::Debug for FinishRequest {
    /// Without the two secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FinishRequest").field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

/// How far a flow has come, for the one who began it.
#[derive(Debug, Clone)]
pub struct FlowState {
    /// The word for it.
    pub status: FlowStatus,
    /// At which platform.
    pub provider: ProviderSlug,
    /// The accounts to choose from, where there is a choice.
    pub accounts: Vec<ReachedAccount>,
    /// Why it came to nothing.
    pub code: Option<ErrorCode>,
    /// The account that it connected.
    pub account: Option<String>,
}

impl IntegrationsService {
    /// How far the user's flow has come.
    ///
    /// # Errors
    ///
    /// `FLOW_NOT_FOUND` for an unknown flow or another user's.
    pub async fn flow_state(&self, user: UserId, flow: &str) -> Result<FlowState, ServiceError> {
        let flow = self.owned_flow(user, flow).await?;
        // A callback that has come is given a minute more to end.
        let patience = if flow.consumed_at.is_some() { 60 } else { 0 };
        let late = flow.status == FlowStatus::Waiting && flow.expires_at.plus_seconds(patience) <= self.now();
        if late || self.is_overdue(&flow) {
            let code = Some(ErrorCode::InvalidState);
            let (status, provider) = (FlowStatus::Error, flow.provider);
            return Ok(FlowState { status, provider, accounts: Vec::new(), code, account: None });
        }
        let accounts = if flow.status == FlowStatus::Choose { accounts_of(&flow)? } else { Vec::new() };
        let Flow { status, provider, error_code: code, account, .. } = flow;
        Ok(FlowState { status, provider, accounts, code, account })
    }

    /// Completes a bound flow and answers the connections that it made.
    ///
    /// # Errors
    ///
    /// `FLOW_NOT_FOUND`; `INVALID_STATE` for a wrong verifier or receipt, or a flow that is not waiting for them;
    /// `VALIDATION_ERROR` for accounts that the consent does not reach; `ACCOUNT_ALREADY_CONNECTED`.
    pub async fn finish_flow(
        &self,
        user: UserId,
        flow: &str,
        request: FinishRequest,
    ) -> Result<Vec<Integration>, ServiceError> {
        let flow = self.owned_flow(user, flow).await?;
        let waiting = matches!(flow.status, FlowStatus::Pending | FlowStatus::Choose) && !self.is_overdue(&flow);
        if !waiting || !is_proven(&flow, &request) {
            return Err(ServiceError::invalid_state());
        }
        let (service, provider) = (self.clone(), flow.provider.clone());
        let accounts = self.uncancelled(async move { service.finish(&flow, &request).await }).await?;
        let list = self.connected_integrations(user).await?;
        let is_new =
            |one: &Integration| one.provider == provider.as_str() && accounts.contains(&one.provider_account_id);
        Ok(list.integrations.into_iter().filter(is_new).collect())
    }
}

impl IntegrationsService {
    /// What the browser that came back with this receipt may choose from, on our own page.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a wrong receipt, or a flow that is not waiting for a choice.
    pub async fn choice(&self, flow: &str, receipt: String) -> Result<CallbackOutcome, ServiceError> {
        let request = FinishRequest { verifier: None, receipt, accounts: None };
        let flow = self.flow_to_choose(flow, &request).await?;
        let accounts = accounts_of(&flow)?;
        let end = CallbackEnd::Choose { flow_id: flow.id.clone(), receipt: request.receipt, accounts };
        Ok(outcome(&flow, end))
    }

    /// Connects the accounts that a browser chose on our own page, where its consent reached several. The browser
    /// proves by its receipt that it is the one which consented.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a wrong receipt, or a flow that is not waiting for a choice; `VALIDATION_ERROR` for accounts
    /// that the consent does not reach.
    pub async fn choose_accounts(
        &self,
        flow: &str,
        receipt: String,
        accounts: Vec<String>,
    ) -> Result<CallbackOutcome, ServiceError> {
        let request = FinishRequest { verifier: None, receipt, accounts: Some(accounts) };
        let flow = self.flow_to_choose(flow, &request).await?;
        let service = self.clone();
        self.uncancelled(async move {
            let end = match service.finish(&flow, &request).await {
                Ok(connected) => CallbackEnd::Connected { account: connected.into_iter().next().unwrap_or_default() },
                Err(error) if error.code() == ErrorCode::AccountAlreadyConnected => CallbackEnd::Failed(error.code()),
                Err(error) => return Err(error),
            };
            Ok(outcome(&flow, end))
        })
        .await
    }

    async fn flow_to_choose(&self, flow: &str, request: &FinishRequest) -> Result<Flow, ServiceError> {
        let id = FlowId::new(flow).map_err(|_| ServiceError::invalid_state())?;
        let flow = self.store.flows().by_id(&id).await?.ok_or_else(ServiceError::invalid_state)?;
        let waiting = flow.status == FlowStatus::Choose && !self.is_overdue(&flow);
        if waiting && is_proven(&flow, request) { Ok(flow) } else { Err(ServiceError::invalid_state()) }
    }
}

/// The accounts that a parked flow's consent reaches.
pub(crate) fn accounts_of(flow: &Flow) -> Result<Vec<ReachedAccount>, ServiceError> {
    flow.grant.as_ref().map_or(Ok(Vec::new()), |grant| read_back(&grant.accounts))
}

impl Inner {
    async fn owned_flow(&self, user: UserId, flow: &str) -> Result<Flow, ServiceError> {
        let id = FlowId::new(flow).map_err(|_| ServiceError::flow_not_found())?;
        self.store.flows().owned(&id, user).await?.ok_or_else(ServiceError::flow_not_found)
    }

    fn is_overdue(&self, flow: &Flow) -> bool {
        flow.grant.is_some() && flow.finish_by.is_some_and(|end| end <= self.now())
    }

    async fn finish(&self, flow: &Flow, request: &FinishRequest) -> Result<Vec<String>, ServiceError> {
        let grant = flow.grant.as_ref().ok_or_else(ServiceError::invalid_state)?;
        let platform = self.configured(flow.provider.as_str())?;
        let facts: TokenFacts = read_back(&grant.facts)?;
        let accounts = chosen(accounts_of(flow)?, request.accounts.as_deref())?;
        let consent = Consent {
            access: &grant.access_token,
            refresh: grant.refresh_token.as_ref(),
            facts: &facts,
            accounts: &accounts,
        };
        match self.store_consent(platform.spec(), flow, &consent).await {
            Ok(()) => Ok(accounts.into_iter().map(|account| account.id).collect()),
            Err(error) if error.code() == ErrorCode::AccountAlreadyConnected => {
                self.give_up_flow(flow, error.code()).await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the caller holds both what began the flow and what came back with the consent.
fn is_proven(flow: &Flow, request: &FinishRequest) -> bool {
    let Some(receipt_hash) = &flow.receipt_hash else { return false };
    let begun_here = match (&flow.challenge, &request.verifier) {
        (Some(challenge), Some(verifier)) => {
            constant_time_eq(challenge.as_bytes(), base64url(sha256(verifier)).as_bytes())
        }
        // Begun by the app's server, which proves itself by its key.
        (None, None) => true,
        _ => false,
    };
    let consented_here = constant_time_eq(receipt_hash, &sha256(&request.receipt));
    begun_here & consented_here
}

fn chosen(reached: Vec<ReachedAccount>, asked: Option<&[String]>) -> Result<Vec<ReachedAccount>, ServiceError> {
    let Some(asked) = asked else {
        return match reached.len() {
            1 => Ok(reached),
            _ => Err(ServiceError::field("accountIds", "say which of the accounts to connect")),
        };
    };
    if asked.is_empty() || !asked.iter().all(|id| reached.iter().any(|account| account.id == *id)) {
        return Err(ServiceError::field("accountIds", "must name accounts that this sign-in reaches"));
    }
    Ok(reached.into_iter().filter(|account| asked.contains(&account.id)).collect())
}

fn read_back<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T, ServiceError> {
    serde_json::from_value(value.clone())
        .map_err(|_| ServiceError::new(ErrorCode::InternalError, "Something went wrong on our side."))
}
