//! Authorization flows of the tests' users.

use evergrant_model::{Timestamp, UserId};
use evergrant_service::{
    CallbackOutcome, CallbackParams, ConnectRequest, FinishRequest, FlowProgress, Integration,
    NewUser, ServiceError, StartedFlow,
};
use evergrant_testkit::{ExternalAccount, cipher, insert_accounts};

use super::{TestEnv, account_id, call, challenge, connected, flow_id, params, slug};

impl TestEnv {
    /// Creates a user without connections.
    pub(crate) async fn user(&self) -> UserId {
        self.service
            .users()
            .create(&call(), &NewUser::default())
            .await
            .unwrap()
            .0
            .id
    }

    /// Creates a user with Juniper's account at `provider`. Returns the user and the account's id.
    pub(crate) async fn connected_user(&self, provider: &str) -> (UserId, String) {
        let user = self.user().await;
        let account = self.connect(user, provider, "juniper").await;
        (user, account)
    }

    /// Creates a user with `count` accounts at `provider` that an external program has stored. The
    /// access tokens expire at `expires_at`. Returns the user and the accounts' ids.
    pub(crate) async fn user_with_accounts(
        &self,
        provider: &str,
        count: usize,
        expires_at: Timestamp,
    ) -> (UserId, Vec<String>) {
        let user = self.user().await;
        let account = |index: usize| ExternalAccount {
            user: user.get(),
            provider: provider.to_owned(),
            id: format!("{provider}-{index}-of-{}", user.get()),
            tokens: self.sandbox.tokens(provider, "juniper").unwrap(),
            expires_at,
        };
        let accounts: Vec<_> = (0..count).map(account).collect();
        insert_accounts(&self.database, &cipher(), &accounts).await;
        let ids = accounts.into_iter().map(|account| account.id).collect();
        (user, ids)
    }

    /// Starts a flow.
    pub(crate) async fn start_flow(&self, user: UserId, provider: &str) -> StartedFlow {
        self.start_flow_with(user, provider, ConnectRequest::default())
            .await
    }

    /// Starts a flow that must be finished with [`VERIFIER`](super::VERIFIER).
    pub(crate) async fn start_bound_flow(&self, user: UserId, provider: &str) -> StartedFlow {
        let request = ConnectRequest {
            challenge: Some(challenge()),
            ..ConnectRequest::default()
        };
        self.start_flow_with(user, provider, request).await
    }

    /// Starts a flow that reconnects an account.
    pub(crate) async fn start_reconnect(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
    ) -> StartedFlow {
        let request = ConnectRequest {
            account: Some(account_id(account)),
            ..ConnectRequest::default()
        };
        self.start_flow_with(user, provider, request).await
    }

    async fn start_flow_with(
        &self,
        user: UserId,
        provider: &str,
        request: ConnectRequest,
    ) -> StartedFlow {
        self.service
            .initiate_oauth_flow(&call(), &slug(provider), user, request)
            .await
            .unwrap()
    }

    /// Consents as `person` and returns the parameters of the provider's redirect.
    pub(crate) fn consent(&self, flow: &StartedFlow, person: &str) -> CallbackParams {
        params(&self.sandbox.approve(&flow.auth_url, person, None).unwrap())
    }

    /// Delivers the provider's redirect to the service.
    pub(crate) async fn callback(
        &self,
        provider: &str,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.service
            .handle_oauth_callback(&call(), &slug(provider), params)
            .await
    }

    /// Runs a complete flow in which `person` consents for `user`. Returns the account's id.
    pub(crate) async fn connect(&self, user: UserId, provider: &str, person: &str) -> String {
        let flow = self.start_flow(user, provider).await;
        let outcome = self.callback(provider, self.consent(&flow, person)).await;
        connected(&outcome.unwrap())
    }

    /// Runs a complete flow at a provider with this misbehavior of the sandbox. Returns the
    /// account's id.
    pub(crate) async fn connect_misbehaving(
        &self,
        user: UserId,
        provider: &str,
        misbehavior: &str,
    ) -> String {
        let flow = self.start_flow(user, provider).await;
        let url = format!("{}&misbehave={misbehavior}", flow.auth_url);
        let redirect = params(&self.sandbox.approve(&url, "juniper", None).unwrap());
        connected(&self.callback(provider, redirect).await.unwrap())
    }

    /// Finishes a bound flow. Returns the connected integrations.
    pub(crate) async fn finish(
        &self,
        user: UserId,
        flow: &str,
        request: FinishRequest,
    ) -> Result<Vec<Integration>, ServiceError> {
        self.service
            .authorizations()
            .finish(&call(), user, &flow_id(flow), request)
            .await
    }

    /// Returns the progress of a flow.
    pub(crate) async fn flow_state(
        &self,
        user: UserId,
        flow: &str,
    ) -> Result<FlowProgress, ServiceError> {
        self.service
            .authorizations()
            .state(&call(), user, &flow_id(flow))
            .await
    }
}
