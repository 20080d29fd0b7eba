//! A platform as the service holds it: its adapter, behind the one way out.
//!
//! Every call goes through here, so that no adapter can forget the gate, the queue or the end of patience, and a panic
//! in one is a failed call and nothing more.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{AccessToken, AccountInfo, ProviderAccountId, ScopeSet, TokenSet};

use crate::admission::Admission;
use crate::gate::{ClosedGate, GateKeeper, GateKind};
use crate::traffic::{Traffic, Wish};
use crate::{
    AcceptedCredentials, AdapterError, AuthorizationRequest, CodeExchange, CredentialError, CredentialField,
    ErrorClass, HeldTokens, PlatformAdapter, ProviderKind, ProviderSpec, RemoteRevocation, SessionCheck,
};

/// How long somebody waits for a place who has a person waiting.
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
pub struct Platform {
    adapter: Arc<dyn PlatformAdapter>,
    traffic: Arc<Traffic>,
}

impl Platform {
    pub(crate) fn new(adapter: Arc<dyn PlatformAdapter>, traffic: Arc<Traffic>) -> Self {
        Self { adapter, traffic }
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

    /// Lets so many operations be under way at once, and `keeper` share what happens with other replicas. A platform
    /// whose sessions are only checked is asked one thing at a time.
    pub fn begin(&self, places: usize, keeper: Arc<dyn GateKeeper>) {
        let places = if self.spec().kind == ProviderKind::Cookies { 1 } else { places };
        self.traffic.begin(places, keeper);
    }

    /// What the platform allows is shared by so many replicas.
    pub fn share_among(&self, replicas: u64) {
        self.traffic.share_among(replicas);
    }

    /// The gates before this platform, as all replicas know them.
    pub fn set_gates(&self, gates: Vec<ClosedGate>) {
        self.traffic.set_gates(gates);
    }

    /// Stops all renewals, because the platform refuses too many grants to be believed.
    pub async fn stop_renewals(&self) {
        self.traffic.close(ClosedGate::RENEWALS, GateKind::Refusals).await;
    }

    /// The gate that keeps renewals from being sent now, if any does.
    #[must_use]
    pub fn gate_before_renewals(&self) -> Option<ClosedGate> {
        self.traffic.closed_gate(self.host(Operation::Refresh), true)
    }

    /// The gate that keeps renewals back because the platform refused too many, whatever else keeps them back too.
    #[must_use]
    pub fn refusals_gate(&self) -> Option<ClosedGate> {
        self.traffic.gate_in_force(ClosedGate::RENEWALS, GateKind::Refusals)
    }

    /// How many operations could begin at once; `None` for any number.
    #[must_use]
    pub fn free_places(&self) -> Option<usize> {
        self.traffic.free_places()
    }

    /// Waits for a place to renew an account's token from.
    ///
    /// # Errors
    ///
    /// `RateLimited`, `Transient` or `ConfigError`, surely unprocessed, with the time to come back.
    pub async fn admit_renewal(
        &self,
        account: &ProviderAccountId,
        patience: Duration,
    ) -> Result<Admission, AdapterError> {
        let account = Some(account.as_str());
        let wish = Wish { host: self.host(Operation::Refresh), renewal: true, account, patience };
        self.traffic.admit(wish).await
    }

    /// [`PlatformAdapter::refresh_access_token`] from a place that was waited for. Whoever calls tells how it went by
    /// [`Admission::note`], which may take a while: a pair of tokens is stored first.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn renew(&self, _place: &Admission, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        unharmed(self.adapter.refresh_access_token(held)).await
    }

    /// Whether a renewal may call once more from its place: no gate was closed meanwhile, and there is an allowance for
    /// it, which it takes. The one that tries a gate may.
    #[must_use]
    pub fn lets_pass_again(&self, admission: &Admission, account: &ProviderAccountId) -> bool {
        let (host, account) = (admission.host.as_str(), Some(account.as_str()));
        let wish = Wish { host, renewal: true, account, patience: Duration::ZERO };
        admission.trial.is_some() || self.traffic.lets_pass_now(wish)
    }

    async fn guarded<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, AdapterError>>,
    ) -> Result<T, AdapterError> {
        let renewal = operation == Operation::Refresh;
        let wish = Wish { host: self.host(operation), renewal, account: None, patience: PATIENCE };
        let admission = self.traffic.admit(wish).await?;
        let outcome = unharmed(call).await;
        admission.note(&outcome).await;
        outcome
    }

    /// The host that an operation begins at; empty where nothing is called.
    fn host(&self, operation: Operation) -> &str {
        let engine = &self.spec().engine;
        let url = if operation == Operation::Session {
            engine.session_check.as_ref()
        } else {
            engine.client.as_ref().map(|client| match operation {
                Operation::Refresh => client.endpoints.renew.as_ref().unwrap_or(&client.endpoints.token),
                Operation::Profile => &client.endpoints.userinfo,
                Operation::Revoke => client.endpoints.revocation.as_ref().unwrap_or(&client.endpoints.token),
                Operation::Exchange | Operation::Session => &client.endpoints.token,
            })
        };
        url.and_then(|url| url.host_str()).unwrap_or_default()
    }
}

#[async_trait]
impl PlatformAdapter for Platform {
    fn spec(&self) -> &ProviderSpec {
        self.adapter.spec()
    }

    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError> {
        self.adapter.auth_url(request)
    }

    async fn exchange_code_for_token(&self, exchange: &CodeExchange<'_>) -> Result<TokenSet, AdapterError> {
        self.guarded(Operation::Exchange, self.adapter.exchange_code_for_token(exchange)).await
    }

    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        self.guarded(Operation::Refresh, self.adapter.refresh_access_token(held)).await
    }

    async fn user_profile(&self, access: &AccessToken, granted: &ScopeSet) -> Result<Vec<AccountInfo>, AdapterError> {
        self.guarded(Operation::Profile, self.adapter.user_profile(access, granted)).await
    }

    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        self.guarded(Operation::Revoke, self.adapter.revoke_access(held)).await
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
                Err(CredentialError::Platform(error)) => Err(error),
                told => Ok(told),
            }
        };
        self.guarded(Operation::Session, call).await?
    }

    async fn check_session(&self, session: &AccessToken) -> Result<SessionCheck, AdapterError> {
        self.guarded(Operation::Session, self.adapter.check_session(session)).await
    }
}

/// The outcome of a call, or of its panic: then nobody knows what the platform made of it.
async fn unharmed<T>(call: impl Future<Output = Result<T, AdapterError>>) -> Result<T, AdapterError> {
    let mut call = pin!(call);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            Poll::Ready(Err(AdapterError::new(ErrorClass::Unknown, "the adapter stopped in the middle").of_ours()))
        })
    })
    .await
}
