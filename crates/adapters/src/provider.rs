//! [`Provider`], an adapter behind the guarded call path of `evergrant-outbound`.
//!
//! Every call takes this path, so no adapter can bypass the circuit breaker, the rate limits or the
//! queue, and a panic in an adapter is only a failed call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{AccessToken, AccountInfo, ProviderAccountId, ScopeSet, TokenSet};
use evergrant_outbound::{
    AdmissionRequest, Block, BlockKind, CallError, CallOutcome, Endpoint, Learned, Permit,
    RequestClass, SharedBreakerState, SharedRate, Traffic, catch_panic,
};
use url::Url;

use crate::call_endpoints::CallEndpoints;
use crate::{
    AcceptedCredentials, AdapterError, AuthorizationRequest, CodeExchange, CredentialError,
    CredentialField, HeldTokens, Lifecycle, PlatformAdapter, ProviderSpec, RemoteRevocation,
    SessionCheck,
};

/// Longest wait for admission of a call that serves a user.
const INTERACTIVE_MAX_WAIT: Duration = Duration::from_secs(10);

/// The operation of a call, which determines its endpoint and request class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Exchange,
    Refresh,
    Profile,
    Revoke,
    Session,
}

/// One provider: its adapter, and the admission control that all callers share.
pub struct Provider {
    adapter: Arc<dyn PlatformAdapter>,
    traffic: Arc<Traffic>,
    endpoints: CallEndpoints,
}

impl Provider {
    pub(crate) fn new(
        adapter: Arc<dyn PlatformAdapter>,
        traffic: Arc<Traffic>,
        endpoints: CallEndpoints,
    ) -> Self {
        Self {
            adapter,
            traffic,
            endpoints,
        }
    }

    /// Returns the URLs at which the provider's API is called.
    pub(crate) fn api_urls(&self) -> Vec<&Url> {
        self.endpoints.api_urls.iter().collect()
    }

    /// Returns the public facts of the provider.
    #[must_use]
    pub fn spec(&self) -> &ProviderSpec {
        self.adapter.spec()
    }

    /// Returns the fields of the session credentials form; empty for OAuth providers.
    #[must_use]
    pub fn credential_fields(&self) -> &[CredentialField] {
        self.adapter.credential_fields()
    }

    /// Limits the number of concurrent operations to `permits` and connects the breaker to the
    /// state that all replicas share. A provider whose sessions are only checked gets one permit.
    pub fn start(&self, permits: usize, shared: Arc<dyn SharedBreakerState>) {
        let permits = if self.spec().lifecycle == Lifecycle::Checked {
            1
        } else {
            permits
        };
        self.traffic.start(permits, shared);
    }

    /// Divides the provider's limits among `replicas` replicas. Default: 1.
    pub fn share_among(&self, replicas: u32) {
        self.traffic.share_among(replicas);
    }

    /// Returns what this replica has learned about the rate of calls to each endpoint; see
    /// [`Traffic::offered_rates`].
    #[must_use]
    pub fn offered_rates(&self) -> Vec<(Endpoint, Learned)> {
        self.traffic.offered_rates()
    }

    /// Applies the rate of calls to an endpoint that the replicas share.
    pub fn apply_rate(&self, endpoint: &str, rate: &SharedRate) {
        self.traffic.apply_rate(endpoint, rate);
    }

    /// Replaces the blocks of this provider with those that the replicas share.
    pub fn set_blocks(&self, blocks: Vec<Block>) {
        self.traffic.set_blocks(blocks);
    }

    /// Blocks all refreshes, and nothing else, because of what the answers to several grants have
    /// in common. Returns `false` if they are blocked already.
    pub async fn block_refreshes(&self, kind: BlockKind) -> bool {
        self.traffic.block(Block::REFRESHES, kind).await
    }

    /// Returns the active block that covers refreshes, if any.
    #[must_use]
    pub fn refresh_block(&self) -> Option<Block> {
        self.traffic
            .block_for(self.endpoint(Operation::Refresh), RequestClass::Refresh)
    }

    /// Returns the active block because of a mass rejection, even if another block covers refreshes
    /// for longer.
    #[must_use]
    pub fn mass_rejection_block(&self) -> Option<Block> {
        self.traffic
            .active_block(Block::REFRESHES, BlockKind::MassRejection)
    }

    /// Returns the number of free permits; `None` before [`Provider::start`].
    #[must_use]
    pub fn free_permits(&self) -> Option<usize> {
        self.traffic.free_permits()
    }

    /// Returns how many refreshes may start within `within`, besides those that wait already;
    /// `None` before [`Provider::start`].
    #[must_use]
    pub fn startable_refreshes(&self, within: Duration) -> Option<usize> {
        self.traffic
            .startable(self.endpoint(Operation::Refresh), within)
    }

    /// Waits at most `max_wait` for a permit to refresh an account's token. `class` is that of a
    /// refresh.
    ///
    /// # Errors
    ///
    /// `RateLimited`, `Transient` or `ConfigError`, known to be unprocessed, with a retry time.
    pub async fn admit_refresh(
        &self,
        account: &ProviderAccountId,
        class: RequestClass,
        max_wait: Duration,
    ) -> Result<Permit, AdapterError> {
        let request = AdmissionRequest {
            class,
            max_wait,
            ..self.request(Operation::Refresh, Some(account))
        };
        Ok(self.traffic.admit(request).await?)
    }

    /// Calls [`PlatformAdapter::refresh_access_token`] under a permit of
    /// [`Provider::admit_refresh`]. The caller reports the result to [`Provider::settle`] after it
    /// has stored the new tokens.
    ///
    /// # Errors
    ///
    /// Those of [`PlatformAdapter::refresh_access_token`].
    pub async fn refresh_permitted(
        &self,
        _permit: &Permit,
        held: &HeldTokens,
    ) -> Result<TokenSet, AdapterError> {
        catch_panic(self.adapter.refresh_access_token(held)).await
    }

    /// Reports the outcome of a call under this permit: `error`, or success.
    pub async fn settle(&self, permit: &Permit, error: Option<&AdapterError>) {
        let outcome = error.map_or(CallOutcome::Succeeded, CallError::outcome);
        self.traffic.settle(permit, outcome).await;
    }

    /// Returns whether a refresh may send another request under its permit; see
    /// [`Traffic::admits_retry`].
    #[must_use]
    pub fn admits_retry(&self, permit: &Permit) -> bool {
        self.traffic.admits_retry(permit)
    }

    /// Returns the calls for `account`. A rate limit pauses the account, and a paused account
    /// delays its calls.
    #[must_use]
    pub fn for_account<'a>(&'a self, account: &'a ProviderAccountId) -> AccountCalls<'a> {
        AccountCalls {
            provider: self,
            account: Some(account),
        }
    }

    /// Returns the calls for an account that is not known yet.
    fn unknown_account(&self) -> AccountCalls<'_> {
        AccountCalls {
            provider: self,
            account: None,
        }
    }

    /// Returns the admission request of an operation that waits as long as a user would.
    fn request<'a>(
        &'a self,
        operation: Operation,
        account: Option<&'a ProviderAccountId>,
    ) -> AdmissionRequest<'a> {
        let class = match operation {
            Operation::Refresh => RequestClass::Refresh,
            Operation::Exchange | Operation::Profile | Operation::Revoke | Operation::Session => {
                RequestClass::Interactive
            }
        };
        AdmissionRequest {
            endpoint: self.endpoint(operation),
            class,
            account,
            max_wait: INTERACTIVE_MAX_WAIT,
        }
    }

    /// Returns the endpoint that an operation calls first.
    fn endpoint(&self, operation: Operation) -> &Endpoint {
        match operation {
            Operation::Exchange => &self.endpoints.token,
            Operation::Refresh => &self.endpoints.refresh,
            Operation::Profile => &self.endpoints.userinfo,
            Operation::Revoke => &self.endpoints.revocation,
            Operation::Session => &self.endpoints.session,
        }
    }
}

/// The calls of one provider, each admitted and settled for one account.
#[derive(Clone, Copy)]
pub struct AccountCalls<'a> {
    provider: &'a Provider,
    /// `None` if the account is not known yet.
    account: Option<&'a ProviderAccountId>,
}

impl AccountCalls<'_> {
    /// Calls [`PlatformAdapter::refresh_access_token`] for this account.
    ///
    /// # Errors
    ///
    /// An error of any class.
    pub async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        self.guarded(
            Operation::Refresh,
            self.provider.adapter.refresh_access_token(held),
        )
        .await
    }

    /// Calls [`PlatformAdapter::user_profile`] for this account.
    ///
    /// # Errors
    ///
    /// An error of any class.
    pub async fn user_profile(
        &self,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        self.guarded(
            Operation::Profile,
            self.provider.adapter.user_profile(access, granted),
        )
        .await
    }

    /// Calls [`PlatformAdapter::revoke_access`] for this account.
    ///
    /// # Errors
    ///
    /// An error of any class.
    pub async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        self.guarded(Operation::Revoke, self.provider.adapter.revoke_access(held))
            .await
    }

    /// Calls [`PlatformAdapter::check_session`] for this account.
    ///
    /// # Errors
    ///
    /// An error of any class.
    pub async fn check_session(&self, session: &AccessToken) -> Result<SessionCheck, AdapterError> {
        self.guarded(
            Operation::Session,
            self.provider.adapter.check_session(session),
        )
        .await
    }

    /// Runs `call` through admission control.
    async fn guarded<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, AdapterError>>,
    ) -> Result<T, AdapterError> {
        self.provider
            .traffic
            .guarded(self.provider.request(operation, self.account), call)
            .await
    }
}

/// Calls for an unknown account. [`Provider::for_account`] has those for a known one.
#[async_trait]
impl PlatformAdapter for Provider {
    fn spec(&self) -> &ProviderSpec {
        self.adapter.spec()
    }

    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError> {
        self.adapter.auth_url(request)
    }

    async fn exchange_code_for_token(
        &self,
        exchange: &CodeExchange<'_>,
    ) -> Result<TokenSet, AdapterError> {
        self.unknown_account()
            .guarded(
                Operation::Exchange,
                self.adapter.exchange_code_for_token(exchange),
            )
            .await
    }

    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        self.unknown_account().refresh_access_token(held).await
    }

    async fn user_profile(
        &self,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        self.unknown_account().user_profile(access, granted).await
    }

    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        self.unknown_account().revoke_access(held).await
    }

    fn credential_fields(&self) -> &[CredentialField] {
        self.adapter.credential_fields()
    }

    fn read_credentials(&self, values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        self.adapter.read_credentials(values)
    }

    async fn accept_credentials(
        &self,
        values: &BTreeMap<String, String>,
    ) -> Result<AcceptedCredentials, CredentialError> {
        let call = async {
            match self.adapter.accept_credentials(values).await {
                Err(CredentialError::Provider(error)) => Err(error),
                accepted_or_faults => Ok(accepted_or_faults),
            }
        };
        self.unknown_account()
            .guarded(Operation::Session, call)
            .await?
    }

    async fn check_session(&self, session: &AccessToken) -> Result<SessionCheck, AdapterError> {
        self.unknown_account().check_session(session).await
    }
}
