//! Reads of connections, through the service and from the database.

use evergrant_adapters::PlatformAdapter;
use evergrant_encryption::CipherError;
use evergrant_model::{
    AccessToken, ErrorCode, ProviderAccountId, ScopeSet, SignedDuration, Timestamp, UserId,
};
use evergrant_service::{
    Disconnected, Integration, IntegrationsService, IssuedToken, ServiceError,
};
use evergrant_store::Connection;
use evergrant_testkit::cipher;
use secrecy::ExposeSecret;

use super::{TestEnv, account_id, call, slug};

/// Requests an access token that is valid for at least `min_ttl_seconds` through `service`.
pub(crate) async fn issue(
    service: &IntegrationsService,
    user: UserId,
    provider: &str,
    account: &str,
    min_ttl_seconds: i64,
) -> Result<IssuedToken, ServiceError> {
    let (provider, account) = (slug(provider), account_id(account));
    let min_ttl = SignedDuration::from_secs(min_ttl_seconds);
    service
        .access_token(&call(), user, &provider, &account, min_ttl)
        .await
}

/// Reads the access token through `service`.
pub(crate) async fn read(
    service: &IntegrationsService,
    user: UserId,
    provider: &str,
    account: &str,
) -> Result<String, ErrorCode> {
    let issued = issue(service, user, provider, account, 0).await;
    issued
        .map(|IssuedToken { access_token, .. }| access_token.expose().to_owned())
        .map_err(|error| error.code())
}

impl TestEnv {
    /// Reads the access token.
    pub(crate) async fn read(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
    ) -> Result<String, ErrorCode> {
        read(&self.service, user, provider, account).await
    }

    /// Forces a refresh. Returns when the new token expires.
    pub(crate) async fn refresh(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
    ) -> Result<Option<Timestamp>, ErrorCode> {
        self.service
            .refresh_token(&call(), user, &slug(provider), &account_id(account))
            .await
            .map_err(|error| error.code())
    }

    /// Returns the user's only integration.
    pub(crate) async fn integration(&self, user: UserId) -> Integration {
        let mut integrations = self.integrations(user).await;
        assert_eq!(integrations.len(), 1);
        integrations.remove(0)
    }

    /// Returns all integrations of the user.
    pub(crate) async fn integrations(&self, user: UserId) -> Vec<Integration> {
        let list = self.service.connected_integrations(&call(), user).await;
        list.unwrap().integrations
    }

    /// Disconnects an account.
    pub(crate) async fn disconnect(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
    ) -> Result<Disconnected, ServiceError> {
        self.service
            .disconnect_integration(&call(), user, &slug(provider), &account_id(account))
            .await
    }

    /// Returns the stored connection.
    pub(crate) async fn row(&self, user: UserId, provider: &str, account: &str) -> Connection {
        let (provider, account) = (slug(provider), ProviderAccountId::new(account).unwrap());
        self.store
            .connections()
            .owned(user, &provider, &account)
            .await
            .unwrap()
            .unwrap()
    }

    /// Returns the access token stored for an account at Acme, decrypted.
    pub(crate) async fn stored_token(
        &self,
        user: UserId,
        account: &str,
    ) -> Result<String, ErrorCode> {
        let encrypted = self.row(user, "acme", account).await.tokens.access.unwrap();
        let decrypted = cipher().decrypt_token(encrypted.as_str());
        decrypted
            .map(|token| token.expose_secret().to_owned())
            .map_err(CipherError::code)
    }

    /// Returns the kinds of all events about accounts, oldest first.
    pub(crate) async fn events(&self) -> Vec<String> {
        let of_accounts =
            "SELECT kind FROM evergrant_events WHERE provider_account_id IS NOT NULL ORDER BY id";
        self.database.texts(of_accounts).await
    }

    /// Returns whether Acme accepts this access token.
    pub(crate) async fn is_accepted(&self, token: &str) -> bool {
        self.acme
            .user_profile(&AccessToken::new(token), &ScopeSet::default())
            .await
            .is_ok()
    }
}
