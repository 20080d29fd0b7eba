//! A platform as the service holds it: its adapter behind the guarded call path of
//! `evergrant-outbound`.
//!
//! Every call goes through here, so that no adapter can forget the circuit breaker, the queue or
//! the time limit, and a panic in one is a failed call and nothing more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{AccessToken, AccountInfo, ProviderAccountId, ScopeSet, TokenSet};
use evergrant_outbound::{
    AdmissionRequest, Block, BlockKind, CallError, CallOutcome, Permit, RequestClass,
    SharedBreakerState, Traffic, catch_panic,
};
use url::Url;

use crate::oauth2::client_registration::Endpoints;
use crate::oauth2::config::EngineConfig;
use crate::{
    AcceptedCredentials, AdapterError, AuthorizationRequest, CodeExchange, CredentialError,
    CredentialField, HeldTokens, Lifecycle, PlatformAdapter, ProviderSpec, RemoteRevocation,
    SessionCheck,
};

/// How long a call waits for a place on behalf of a person.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked of a platform, which decides about the host that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Exchange,
    Refresh,
    Profile,
    Revoke,
    Session,
}

/// See the module's text.
pub struct Provider {
    adapter: Arc<dyn PlatformAdapter>,
    traffic: Arc<Traffic>,
    hosts: CallHosts,
}

/// Where the calls of a platform are sent.
pub(crate) struct CallHosts {
    token: String,
    refresh: String,
    userinfo: String,
    revocation: String,
    session: String,
    called: Vec<Url>,
}

impl CallHosts {
    /// The hosts that the engine calls; empty where it calls none.
    pub(crate) fn of(config: &EngineConfig) -> Self {
        let endpoints = config.client.as_ref().map(|client| &client.endpoints);
        let host = |url: Option<&Url>| url.and_then(Url::host_str).unwrap_or_default().to_owned();
        let of = |choose: fn(&Endpoints) -> &Url| host(endpoints.map(choose));
        Self {
            token: of(|endpoints| &endpoints.token),
            refresh: of(|endpoints| endpoints.renew.as_ref().unwrap_or(&endpoints.token)),
            userinfo: of(|endpoints| &endpoints.userinfo),
            revocation: of(|endpoints| endpoints.revocation.as_ref().unwrap_or(&endpoints.token)),
            session: host(config.session_check.as_ref()),
            called: config.called().cloned().collect(),
        }
    }
}

impl Provider {
    pub(crate) fn new(
        adapter: Arc<dyn PlatformAdapter>,
        traffic: Arc<Traffic>,
        hosts: CallHosts,
    ) -> Self {
        Self {
            adapter,
            traffic,
            hosts,
        }
    }

    /// Addresses at which the platform itself is called.
    pub(crate) fn called(&self) -> Vec<&Url> {
        self.hosts.called.iter().collect()
    }

    /// What is known about the platform.
    #[must_use]
    pub fn spec(&self) -> &ProviderSpec {
        self.adapter.spec()
    }

    /// What an account's owner fills in; empty where the platform has a consent page.
    #[must_use]
    pub fn credential_fields(&self) -> &[CredentialField] {
        self.adapter.credential_fields()
    }

    /// Sets how many operations may be under way at once, and what the replicas share. A platform
    /// whose sessions are only checked gets one place.
    pub fn start(&self, places: usize, shared: Arc<dyn SharedBreakerState>) {
        let places = if self.spec().lifecycle == Lifecycle::Checked {
            1
        } else {
            places
        };
        self.traffic.start(places, shared);
    }

    /// Divides the platform's limits among so many replicas.
    pub fn share_among(&self, replicas: u64) {
        self.traffic.share_among(replicas);
    }

    /// Replaces the blocks of this platform by those that the replicas share.
    pub fn set_blocks(&self, blocks: Vec<Block>) {
        self.traffic.set_blocks(blocks);
    }

    /// Blocks all refreshes, because the platform rejects too many grants to be believed; `false`
    /// if they are blocked already.
    pub async fn block_refreshes(&self) -> bool {
        self.traffic
            .block(Block::REFRESHES, BlockKind::MassRejection)
            .await
    }

    /// The block that applies to refreshes now, if any does.
    #[must_use]
    pub fn refresh_block(&self) -> Option<Block> {
        self.traffic
            .block_for(self.host(Operation::Refresh), RequestClass::Refresh)
    }

    /// The block set by [`Platform::block_refreshes`], whatever else blocks refreshes too.
    #[must_use]
    pub fn mass_rejection_block(&self) -> Option<Block> {
        self.traffic
            .active_block(Block::REFRESHES, BlockKind::MassRejection)
    }

    /// How many operations could begin at once; `None` for any number.
    #[must_use]
    pub fn free_permits(&self) -> Option<usize> {
        self.traffic.free_permits()
    }

    /// Waits for a place from which to refresh an account's token.
    ///
    /// # Errors
    ///
    /// `RateLimited`, `Transient` or `ConfigError`, surely unprocessed, with the time to come back.
    pub async fn admit_refresh(
        &self,
        account: &ProviderAccountId,
        patience: Duration,
    ) -> Result<Permit, AdapterError> {
        let request = AdmissionRequest {
            patience,
            ..self.request(Operation::Refresh, Some(account))
        };
        Ok(self.traffic.admit(request).await?)
    }

    /// [`PlatformAdapter::refresh_access_token`] with a permit of [`Platform::admit_refresh`]. The
    /// caller reports the result by [`Platform::settle`], perhaps much later: the new tokens are
    /// stored first.
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

    /// Records how a call with this permit went: with an error, or with success.
    pub async fn settle(&self, permit: &Permit, error: Option<&AdapterError>) {
        let outcome = error.map_or(CallOutcome::Succeeded, CallError::outcome);
        self.traffic.settle(permit, outcome).await;
    }

    /// Whether a refresh may call once more with its permit; see [`Traffic::admits_again`].
    #[must_use]
    pub fn admits_again(&self, permit: &Permit) -> bool {
        self.traffic.admits_again(permit)
    }

    /// Calls that concern `account`: they wait for the end of its pause, and a rate limit that they
    /// meet pauses it.
    #[must_use]
    pub fn for_account<'a>(&'a self, account: &'a ProviderAccountId) -> AccountCalls<'a> {
        AccountCalls {
            platform: self,
            account: Some(account),
        }
    }

    /// Calls for an account that is not known yet.
    fn unknown_account(&self) -> AccountCalls<'_> {
        AccountCalls {
            platform: self,
            account: None,
        }
    }

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
            host: self.host(operation),
            class,
            account,
            patience: PATIENCE,
        }
    }

    /// The host that an operation calls first; empty where it calls none.
    fn host(&self, operation: Operation) -> &str {
        match operation {
            Operation::Exchange => &self.hosts.token,
            Operation::Refresh => &self.hosts.refresh,
            Operation::Profile => &self.hosts.userinfo,
            Operation::Revoke => &self.hosts.revocation,
            Operation::Session => &self.hosts.session,
        }
    }
}

/// The calls of one platform, each admitted and settled for one account.
#[derive(Clone, Copy)]
pub struct AccountCalls<'a> {
    platform: &'a Provider,
    /// `None` where the account is not known yet.
    account: Option<&'a ProviderAccountId>,
}

impl AccountCalls<'_> {
    /// [`PlatformAdapter::refresh_access_token`] for this account.
    ///
    /// # Errors
    ///
    /// Any class.
    pub async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        self.guarded(
            Operation::Refresh,
            self.platform.adapter.refresh_access_token(held),
        )
        .await
    }

    /// [`PlatformAdapter::user_profile`] for this account.
    ///
    /// # Errors
    ///
    /// Any class.
    pub async fn user_profile(
        &self,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        self.guarded(
            Operation::Profile,
            self.platform.adapter.user_profile(access, granted),
        )
        .await
    }

    /// [`PlatformAdapter::revoke_access`] for this account.
    ///
    /// # Errors
    ///
    /// Any class.
    pub async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        self.guarded(Operation::Revoke, self.platform.adapter.revoke_access(held))
            .await
    }

    /// [`PlatformAdapter::check_session`] for this account.
    ///
    /// # Errors
    ///
    /// Any class.
    pub async fn check_session(&self, session: &AccessToken) -> Result<SessionCheck, AdapterError> {
        self.guarded(
            Operation::Session,
            self.platform.adapter.check_session(session),
        )
        .await
    }

    async fn guarded<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, AdapterError>>,
    ) -> Result<T, AdapterError> {
        self.platform
            .traffic
            .guarded(self.platform.request(operation, self.account), call)
            .await
    }
}

/// Calls that concern no known account; [`Platform::for_account`] has those that do.
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
