//! Completion of a parked flow.
//!
//! The browser that started the flow and the one that consented must be the same: the verifier
//! proves the first, the receipt the second. Otherwise an attacker could connect a victim's account
//! to the attacker's user, or the attacker's account to a victim's user.

use std::sync::Arc;

use evergrant_encryption::digest::{base64url, constant_time_eq, sha256};
use evergrant_model::{Call, Clock, ErrorCode, FlowId, ProviderSlug, SignedDuration, UserId};
use evergrant_store::{Flow, FlowRepository, FlowStatus};

use crate::ServiceError;
use crate::authorization::consents::Consents;
use crate::authorization::failure::{disclosed, failure_of};
use crate::authorization::outcome::{
    CallbackOutcome, CallbackResult, Consent, FailedCallback, FlowProgress, GrantedTokens,
    ReachedAccount, accounts_of, from_json,
};
use crate::connections::list::{ConnectionList, Integration};
use crate::connections::revocation_queue::RevocationQueue;
use crate::providers::Providers;
use crate::tasks::Tasks;

/// How long after the flow's expiry a callback that arrived in time may still run.
const CALLBACK_GRACE: SignedDuration = SignedDuration::from_mins(1);

/// The proofs and the choice with which a caller finishes a flow.
#[derive(Clone)]
pub struct FinishRequest {
    /// The text whose SHA-256 was the challenge; `None` for a flow without a challenge.
    pub verifier: Option<String>,
    /// The receipt that the callback gave to the browser.
    pub receipt: String,
    /// The platform's ids of the accounts to connect; `None` if the consent reached only one.
    pub accounts: Option<Vec<String>>,
}

impl std::fmt::Debug for FinishRequest {
    /// Omits the verifier and the receipt.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FinishRequest")
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// Finishes flows. Clones share the same dependencies.
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
    /// Implements [`super::authorizations::Authorizations::state`].
    pub(crate) async fn state(
        &self,
        user: UserId,
        flow: &FlowId,
    ) -> Result<FlowProgress, ServiceError> {
        let flow = self.owned_flow(user, flow).await?;
        let grace = if flow.consumed_at.is_some() {
            CALLBACK_GRACE
        } else {
            SignedDuration::ZERO
        };
        let now = self.clock.now();
        let has_expired = flow.expires_at + grace <= now;
        let progress = |status, error| FlowProgress {
            status,
            provider: flow.provider.clone(),
            accounts: Vec::new(),
            error,
            correlation_id: flow.correlation_id.clone(),
            account: flow.connected_account.clone(),
        };
        if (flow.status == FlowStatus::Waiting && has_expired) || self.is_overdue(&flow) {
            let error = ServiceError::invalid_state();
            return Ok(progress(FlowStatus::Error, Some(error)));
        }
        Ok(match flow.status {
            FlowStatus::Error => {
                let error = disclosed(&flow, failure_of(&flow, now));
                progress(flow.status, Some(error))
            }
            // Another person may have consented to a bound flow.
            FlowStatus::Choose if flow.finish_challenge.is_none() => FlowProgress {
                accounts: accounts_of(&flow)?,
                ..progress(flow.status, None)
            },
            status => progress(status, None),
        })
    }

    /// Implements [`super::authorizations::Authorizations::accounts`].
    pub(crate) async fn accounts(
        &self,
        user: UserId,
        flow: &FlowId,
        proof: &FinishRequest,
    ) -> Result<(ProviderSlug, Vec<ReachedAccount>), ServiceError> {
        let flow = self.proven_flow(user, flow, proof).await?;
        let accounts = accounts_of(&flow)?;
        Ok((flow.provider, accounts))
    }

    /// Implements [`super::authorizations::Authorizations::finish`].
    pub(crate) async fn finish(
        &self,
        call: &Call,
        user: UserId,
        flow: &FlowId,
        request: FinishRequest,
    ) -> Result<Vec<Integration>, ServiceError> {
        let flow = self.proven_flow(user, flow, &request).await?;
        let (component, slug) = (self.clone(), flow.provider.clone());
        let flow_call = call.continuing(&flow.correlation_id);
        let work = async move { component.store(&flow_call, &flow, &request).await };
        let accounts = self.tasks.run_to_completion(work).await?;
        let list = self.list.of_user(call, user).await?;
        let was_connected = |integration: &Integration| {
            integration.provider == slug.as_str()
                && accounts.contains(&integration.provider_account_id)
        };
        Ok(list
            .integrations
            .into_iter()
            .filter(was_connected)
            .collect())
    }

    /// Implements [`super::authorizations::Authorizations::choice`].
    pub(crate) async fn choice(
        &self,
        flow: &FlowId,
        receipt: String,
    ) -> Result<CallbackOutcome, ServiceError> {
        let request = FinishRequest {
            verifier: None,
            receipt,
            accounts: None,
        };
        let flow = self.flow_to_choose(flow, &request).await?;
        let (flow_id, receipt) = (flow.id.clone(), request.receipt);
        let result = CallbackResult::Choose {
            flow_id,
            receipt,
            accounts: accounts_of(&flow)?,
        };
        Ok(CallbackOutcome::of(&flow, result))
    }

    /// Implements [`super::authorizations::Authorizations::choose`].
    pub(crate) async fn choose(
        &self,
        call: &Call,
        flow: &FlowId,
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
            let result = match component.store(&call, &flow, &request).await {
                Ok(connected) => {
                    let account = connected.into_iter().next().unwrap_or_default();
                    CallbackResult::Connected { account }
                }
                Err(error) if error.code() == ErrorCode::AccountAlreadyConnected => {
                    CallbackResult::Failed(FailedCallback {
                        flow_id: flow.id.clone(),
                        receipt: None,
                        error,
                    })
                }
                Err(error) => return Err(error),
            };
            Ok(CallbackOutcome::of(&flow, result))
        };
        self.tasks.run_to_completion(work).await
    }

    /// Returns the flow that waits for a choice of accounts, if the request proves the consent.
    async fn flow_to_choose(
        &self,
        flow: &FlowId,
        request: &FinishRequest,
    ) -> Result<Flow, ServiceError> {
        let flow = self
            .flows
            .by_id(flow)
            .await?
            .ok_or_else(ServiceError::invalid_state)?;
        let is_parked = flow.status == FlowStatus::Choose && !self.is_overdue(&flow);
        if is_parked && is_proven(&flow, request) {
            return Ok(flow);
        }
        Err(ServiceError::invalid_state())
    }

    /// Returns the user's parked flow, if the request proves the start and the consent.
    ///
    /// # Errors
    ///
    /// Why the flow failed, if the request proves both; otherwise `INVALID_STATE`.
    async fn proven_flow(
        &self,
        user: UserId,
        flow: &FlowId,
        request: &FinishRequest,
    ) -> Result<Flow, ServiceError> {
        let flow = self.owned_flow(user, flow).await?;
        let is_parked = matches!(flow.status, FlowStatus::Pending | FlowStatus::Choose);
        match is_proven(&flow, request) {
            true if is_parked && !self.is_overdue(&flow) => Ok(flow),
            true if flow.status == FlowStatus::Error => Err(failure_of(&flow, self.clock.now())),
            _ => Err(ServiceError::invalid_state()),
        }
    }

    /// Returns the user's flow.
    async fn owned_flow(&self, user: UserId, flow: &FlowId) -> Result<Flow, ServiceError> {
        self.flows
            .owned(flow, user)
            .await?
            .ok_or_else(ServiceError::flow_not_found)
    }

    /// Returns whether the deadline of a parked flow has passed.
    fn is_overdue(&self, flow: &Flow) -> bool {
        flow.grant.is_some()
            && flow
                .finish_expires_at
                .is_some_and(|deadline| deadline <= self.clock.now())
    }

    /// Stores the parked grant for the selected accounts and returns their ids. Ends the flow and
    /// revokes the grant if an account belongs to another user.
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
        let provider = self.providers.configured(&flow.provider)?;
        let mut tokens: GrantedTokens = from_json(&grant.token_details)?;
        tokens.tokens.access = Some(grant.access_token.clone());
        tokens.tokens.refresh.clone_from(&grant.refresh_token);
        let accounts = selected(accounts_of(flow)?, request.accounts.as_deref())?;
        let consent = Consent {
            tokens: &tokens,
            accounts: &accounts,
        };
        match self
            .consents
            .store(call, provider.spec(), flow, &consent)
            .await
        {
            Ok(()) => Ok(accounts.into_iter().map(|account| account.id).collect()),
            Err(error) if error.code() == ErrorCode::AccountAlreadyConnected => {
                let abandoned = self.revocations.abandon_flow(call, flow, &error);
                let queued = abandoned.await?.and_then(|abandoned| abandoned.queued);
                let (revocations, call) = (Arc::clone(&self.revocations), call.clone());
                self.tasks.spawn_until_shutdown(async move {
                    revocations.try_all(&call, queued.as_slice()).await;
                });
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns whether the caller has both the verifier of the start and the receipt of the consent.
///
/// Each comparison takes constant time, and the second is made whatever the first returns.
fn is_proven(flow: &Flow, request: &FinishRequest) -> bool {
    let Some(receipt_hash) = &flow.receipt_hash else {
        return false;
    };
    let caller_started = match (&flow.finish_challenge, &request.verifier) {
        (Some(challenge), Some(verifier)) => {
            constant_time_eq(challenge.as_bytes(), base64url(sha256(verifier)).as_bytes())
        }
        // The app's server started this flow and has authenticated with its API key.
        (None, None) => true,
        _ => false,
    };
    let caller_consented = constant_time_eq(receipt_hash, &sha256(&request.receipt));
    caller_started & caller_consented
}

/// Returns the reached accounts that the caller requested; without a request, the only one.
fn selected(
    reached: Vec<ReachedAccount>,
    requested: Option<&[String]>,
) -> Result<Vec<ReachedAccount>, ServiceError> {
    let Some(requested) = requested else {
        return match reached.len() {
            1 => Ok(reached),
            _ => Err(ServiceError::field(
                "accountIds",
                "is required, because the sign-in reached several accounts",
            )),
        };
    };
    let is_reached = |id: &String| reached.iter().any(|account| account.id == *id);
    if requested.is_empty() || !requested.iter().all(is_reached) {
        let message = "must list one or more of the accounts that the sign-in reached";
        return Err(ServiceError::field("accountIds", message));
    }
    Ok(reached
        .into_iter()
        .filter(|account| requested.contains(&account.id))
        .collect())
}
