//! Finishing a bound flow: who began it and who consented must be the same browser.

use evergrant_encryption::digest::{base64url, constant_time_eq, sha256};
use evergrant_model::{ErrorCode, FlowId, UserId};
use evergrant_store::{Flow, FlowStatus};
use serde::de::DeserializeOwned;

use crate::ServiceError;
use crate::completion::{Consent, ReachedAccount, TokenFacts};
use crate::service::{Inner, IntegrationsService};
use crate::status::Integration;

/// What a caller brings to finish a flow.
#[derive(Clone)]
pub struct FinishRequest {
    /// The text whose hash was the challenge.
    pub verifier: String,
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
            return Ok(FlowState { status: FlowStatus::Error, accounts: Vec::new(), code, account: None });
        }
        let accounts = match (flow.status, &flow.grant) {
            (FlowStatus::Choose, Some(grant)) => read_back(&grant.accounts)?,
            _ => Vec::new(),
        };
        Ok(FlowState { status: flow.status, accounts, code: flow.error_code, account: flow.account })
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

impl Inner {
    async fn owned_flow(&self, user: UserId, flow: &str) -> Result<Flow, ServiceError> {
        let id = FlowId::new(flow).map_err(|_| ServiceError::flow_not_found())?;
        self.store.flow(&id, user).await?.ok_or_else(ServiceError::flow_not_found)
    }

    fn is_overdue(&self, flow: &Flow) -> bool {
        flow.grant.is_some() && flow.finish_by.is_some_and(|end| end <= self.now())
    }

    async fn finish(&self, flow: &Flow, request: &FinishRequest) -> Result<Vec<String>, ServiceError> {
        let grant = flow.grant.as_ref().ok_or_else(ServiceError::invalid_state)?;
        let adapter = self.configured_adapter(flow.provider.as_str())?;
        let facts: TokenFacts = read_back(&grant.facts)?;
        let accounts = chosen(read_back(&grant.accounts)?, request.accounts.as_deref())?;
        let consent = Consent {
            access: &grant.access_token,
            refresh: grant.refresh_token.as_ref(),
            facts: &facts,
            accounts: &accounts,
        };
        match self.store_consent(adapter.spec(), flow, &consent).await {
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
    let (Some(challenge), Some(receipt_hash)) = (&flow.challenge, &flow.receipt_hash) else { return false };
    let begun_here = constant_time_eq(challenge.as_bytes(), base64url(sha256(&request.verifier)).as_bytes());
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
