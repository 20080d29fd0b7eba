//! The way back from the platform: the seed's `handleOAuthCallback`.
//!
//! The state is used up by one atomic statement before anything is bought with the code, so of twenty callbacks at once
//! one goes on and nineteen wait for its outcome. The same state with the same code within a minute gets the same
//! answer (browsers prefetch and people double-click); anything else is refused.

use std::time::Duration;

use evergrant_encryption::digest::{base64url, constant_time_eq, sha256};
use evergrant_model::{AuthorizationCode, CorrelationId, ErrorCode, FlowId, FlowState, ProviderSlug, UserId};
use evergrant_store::{Callback, Flow, FlowEnd, FlowStatus};

use crate::ServiceError;
use crate::completion::ReachedAccount;
use crate::finish::accounts_of;
use crate::service::{Inner, IntegrationsService};

/// For how long a repeated callback is answered as the first one was.
const REPEAT_SECONDS: i64 = 60;
/// How a repeated callback waits for the first one: this often, this long apart.
const WAITS: u32 = 250;
const WAIT: Duration = Duration::from_millis(100);

/// What the platform sent back with the browser.
#[derive(Debug)]
pub struct CallbackParams {
    /// Ties the callback to its flow.
    pub state: FlowState,
    /// What buys the tokens.
    pub code: Option<AuthorizationCode>,
    /// The platform's error, if it sent one.
    pub error: Option<String>,
    /// Who answered (RFC 9207), if it says so.
    pub issuer: Option<String>,
}

/// How a callback ended, and where the browser goes.
#[derive(Debug)]
pub struct CallbackOutcome {
    /// Where the app wants the browser.
    pub redirect_url: String,
    /// The platform.
    pub provider: ProviderSlug,
    /// The app's user.
    pub user: UserId,
    /// Finds the flow in the log.
    pub correlation_id: CorrelationId,
    /// What came of it.
    pub end: CallbackEnd,
}

/// What came of a callback.
pub enum CallbackEnd {
    /// An account is connected.
    Connected {
        /// Its id at the platform.
        account: String,
    },
    /// The browser that began the flow must finish it.
    Pending {
        /// The flow's public name.
        flow_id: FlowId,
        /// What proves that this browser consented.
        receipt: String,
    },
    /// The consent reached several accounts: whoever came back with it must choose.
    Choose {
        /// The flow's public name.
        flow_id: FlowId,
        /// What proves that this browser consented.
        receipt: String,
        /// The accounts to choose from.
        accounts: Vec<ReachedAccount>,
    },
    /// It came to nothing.
    Failed(ErrorCode),
}

impl std::fmt::Debug for CallbackEnd {
    /// Without the receipt.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connected { account } => f.debug_struct("Connected").field("account", account).finish(),
            Self::Pending { flow_id, .. } => {
                f.debug_struct("Pending").field("flow_id", flow_id).finish_non_exhaustive()
            }
            Self::Choose { flow_id, .. } => f.debug_struct("Choose").field("flow_id", flow_id).finish_non_exhaustive(),
            Self::Failed(code) => f.debug_tuple("Failed").field(code).finish(),
        }
    }
}

impl IntegrationsService {
    /// Takes the platform's answer to a flow.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a state that is unknown, another platform's, or used for something else: the browser must
    /// not be sent anywhere. Every other failure is an outcome, since the flow knows where its browser belongs.
    pub async fn handle_oauth_callback(
        &self,
        provider: &str,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        let provider = ProviderSlug::new(provider).map_err(|_| ServiceError::invalid_state())?;
        let state_hash = sha256(params.state.expose());
        let code_hash = params.code.as_ref().map(|code| sha256(code.expose()));
        let code_hash = code_hash.as_ref().map(<[u8; 32]>::as_slice);
        match self.store.flows().consume(&state_hash, &provider, code_hash, self.now()).await? {
            Callback::Unknown => Err(ServiceError::invalid_state()),
            Callback::Expired(flow) => {
                self.store.flows().settle(&flow, &FlowEnd::Error(ErrorCode::InvalidState), self.now()).await?;
                Ok(outcome(&flow, CallbackEnd::Failed(ErrorCode::InvalidState)))
            }
            Callback::First(flow) => self.first(*flow, params).await,
            Callback::Again(flow) => self.again(&flow, &state_hash, code_hash, &params).await,
        }
    }

    async fn first(&self, flow: Flow, params: CallbackParams) -> Result<CallbackOutcome, ServiceError> {
        let service = self.clone();
        self.uncancelled(async move {
            let end = match service.complete(&flow, &params).await {
                Ok(end) => end,
                Err(error) => {
                    let code = error.code();
                    tracing::warn!(provider = %flow.provider, flow.id = %flow.id, correlation_id = %flow.correlation_id,
                        code = code.as_str(), error = &error as &dyn std::error::Error, "flow failed");
                    service.store.flows().settle(&flow, &FlowEnd::Error(code), service.now()).await?;
                    CallbackEnd::Failed(code)
                }
            };
            Ok(outcome(&flow, end))
        })
        .await
    }

    pub(crate) async fn again(
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
        let recent = flow.consumed_at.is_some_and(|at| self.now().seconds_since(at) < REPEAT_SECONDS);
        if !same_code || !recent {
            return Err(ServiceError::invalid_state());
        }
        let flow = self.settled(flow, state_hash).await?;
        let end = match flow.status {
            FlowStatus::Connected => CallbackEnd::Connected { account: flow.account.clone().unwrap_or_default() },
            FlowStatus::Choose if flow.challenge.is_none() => CallbackEnd::Choose {
                flow_id: flow.id.clone(),
                receipt: receipt(&flow, params),
                accounts: accounts_of(&flow)?,
            },
            FlowStatus::Pending | FlowStatus::Choose => {
                CallbackEnd::Pending { flow_id: flow.id.clone(), receipt: receipt(&flow, params) }
            }
            FlowStatus::Error => CallbackEnd::Failed(flow.error_code.unwrap_or(ErrorCode::OauthCallbackError)),
            FlowStatus::Waiting => CallbackEnd::Failed(ErrorCode::TimeoutError),
        };
        Ok(outcome(&flow, end))
    }
}

impl Inner {
    /// The flow once the callback that came first has ended, on this replica or another.
    async fn settled(&self, flow: &Flow, state_hash: &[u8]) -> Result<Flow, ServiceError> {
        let mut latest = flow.clone();
        for _ in 0..WAITS {
            if latest.status != FlowStatus::Waiting {
                break;
            }
            tokio::time::sleep(WAIT).await;
            let found = self.store.flows().by_state(state_hash, &flow.provider).await?;
            latest = found.ok_or_else(ServiceError::invalid_state)?;
        }
        Ok(latest)
    }
}

pub(crate) fn outcome(flow: &Flow, end: CallbackEnd) -> CallbackOutcome {
    CallbackOutcome {
        redirect_url: flow.redirect_url.clone(),
        provider: flow.provider.clone(),
        user: flow.user,
        correlation_id: flow.correlation_id.clone(),
        end,
    }
}

/// 128 bits that only the browser which came back from the platform can have: they depend on the code itself, which is
/// stored nowhere, not even for whoever reads the database, and on a salt, which never leaves it. Only their hash is
/// stored.
pub(crate) fn receipt(flow: &Flow, params: &CallbackParams) -> String {
    let code = params.code.as_ref().map_or("", AuthorizationCode::expose);
    let mut message = flow.receipt_salt.clone();
    message.extend_from_slice(&sha256(params.state.expose()));
    message.extend_from_slice(code.as_bytes());
    let digest = sha256(message);
    base64url(digest.first_chunk::<16>().unwrap_or(&[0; 16]))
}
