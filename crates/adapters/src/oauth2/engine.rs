//! The OAuth 2.0 engine: the authorization code and refresh grants of RFC 6749, and revocation by
//! RFC 7009. Each call is a single attempt. The definition of a provider states its departures.

use std::sync::Arc;

use async_trait::async_trait;
use evergrant_model::{AccessToken, AccountInfo, Clock, PkceVerifier, ScopeSet, TokenSet};
use evergrant_outbound::Outbound;
use url::Url;

use super::api_client::ApiClient;
use super::config::EngineConfig;
use super::token_client::TokenClient;
use super::{pkce, userinfo};
use crate::definition::{CallKind, TokenKind, TokenRequest};
use crate::{
    AdapterError, AuthorizationRequest, CodeExchange, ErrorClass, HeldTokens, PlatformAdapter,
    ProviderSpec, RemoteRevocation,
};

/// The adapter for providers that a definition can describe.
pub(crate) struct OAuth2 {
    api: Arc<ApiClient>,
    tokens: TokenClient,
}

impl OAuth2 {
    pub(crate) fn new(
        spec: ProviderSpec,
        config: EngineConfig,
        outbound: Outbound,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let api = Arc::new(ApiClient {
            spec,
            config,
            outbound,
            clock,
        });
        Self {
            tokens: TokenClient {
                api: Arc::clone(&api),
            },
            api,
        }
    }

    /// Returns the API client, for the provider-specific adapters.
    pub(crate) fn api(&self) -> &ApiClient {
        &self.api
    }

    /// Returns the verifier if the provider uses PKCE, and rejects a missing or malformed one.
    fn verifier<'v>(
        &self,
        verifier: Option<&'v PkceVerifier>,
    ) -> Result<Option<&'v PkceVerifier>, AdapterError> {
        if !self.api.spec.requires_pkce() {
            return Ok(None);
        }
        let valid = verifier.filter(|verifier| pkce::is_valid(verifier));
        valid.map(Some).ok_or_else(|| {
            AdapterError::unsent(
                ErrorClass::BadRequest,
                "the flow needs a valid PKCE verifier",
            )
        })
    }

    /// Exchanges a short-lived token for a long-lived one if the definition says so. The code is
    /// used up by now, so a failure here is never retryable.
    async fn long_lived(&self, short: TokenSet) -> Result<TokenSet, AdapterError> {
        let url = &self.api.registration()?.endpoints.long_lived_exchange;
        let Some(grant) = self
            .api
            .definition()
            .tokens
            .long_lived_exchange
            .as_ref()
            .zip(url.as_ref())
        else {
            return Ok(short);
        };
        let long = self
            .tokens
            .exchange_access_token(CallKind::Exchange, grant, &short.access)
            .await
            .map_err(AdapterError::possibly_processed)?;
        Ok(TokenSet {
            scope: long.scope.or(short.scope),
            ..long
        })
    }

    /// Revokes one token (RFC 7009 §2).
    async fn revoke(
        &self,
        url: &Url,
        token: &str,
        hint: &str,
    ) -> Result<RemoteRevocation, AdapterError> {
        let params = [("token", token), ("token_type_hint", hint)];
        let response = self
            .tokens
            .send_params(
                self.api.registration()?,
                (CallKind::Revoke, TokenRequest::Form),
                url,
                &params,
            )
            .await?;
        match self.api.accepted(CallKind::Revoke, &response, &[token]) {
            Ok(_) => Ok(RemoteRevocation::Revoked),
            Err(error) if error.provider_code() == Some("unsupported_token_type") => {
                Ok(RemoteRevocation::Unsupported)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the tokens to revoke, each with its hint: those that the definition names, or else
    /// the stored one, preferably the refresh token.
    fn revocable<'h>(&self, held: &'h HeldTokens) -> Vec<(&'h str, &'static str)> {
        let refresh = held
            .refresh
            .as_ref()
            .map(|token| (token.expose(), "refresh_token"));
        let access = held
            .access
            .as_ref()
            .map(|token| (token.expose(), "access_token"));
        let named = self
            .api
            .definition()
            .revocation
            .tokens
            .iter()
            .filter_map(|kind| match kind {
                TokenKind::Refresh => refresh,
                TokenKind::Access => access,
            });
        let named: Vec<_> = named.collect();
        if named.is_empty() {
            refresh.or(access).into_iter().collect()
        } else {
            named
        }
    }

    /// Revokes the grant with a fresh access token. If the provider accepts only access tokens for
    /// revocation and the stored one has expired, the grant may still be valid.
    async fn revoke_refreshed(
        &self,
        url: &Url,
        held: &HeldTokens,
    ) -> Result<RemoteRevocation, AdapterError> {
        if held.refresh.is_none() || self.api.definition().revocation.tokens != [TokenKind::Access]
        {
            return Ok(RemoteRevocation::Revoked);
        }
        let refreshed = self.refresh_access_token(held).await?;
        self.revoke(url, refreshed.access.expose(), "access_token")
            .await
    }
}

#[async_trait]
impl PlatformAdapter for OAuth2 {
    fn spec(&self) -> &ProviderSpec {
        &self.api.spec
    }

    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError> {
        let (client, definition) = (self.api.registration()?, self.api.definition());
        let challenge = self
            .verifier(request.verifier)?
            .and_then(|verifier| pkce::challenge(self.api.spec.pkce, verifier));
        let mut url = client.endpoints.authorization.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair(&definition.client.id_param, &client.id)
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("state", request.state.expose());
        if !request.scopes.is_empty() {
            query.append_pair(
                "scope",
                &request.scopes.join(&definition.client.scope_separator),
            );
        }
        if let Some(challenge) = challenge {
            query
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
        }
        query.extend_pairs(&definition.authorize_params);
        drop(query);
        Ok(url.into())
    }

    async fn exchange_code_for_token(
        &self,
        exchange: &CodeExchange<'_>,
    ) -> Result<TokenSet, AdapterError> {
        let mut params = vec![
            ("grant_type", "authorization_code"),
            ("code", exchange.code.expose()),
            ("redirect_uri", exchange.redirect_uri),
        ];
        params.extend(
            self.verifier(exchange.verifier)?
                .map(|verifier| ("code_verifier", verifier.expose())),
        );
        let tokens = self.tokens.token(CallKind::Exchange, &params).await?;
        self.long_lived(tokens).await
    }

    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        let no_token =
            || AdapterError::unsent(ErrorClass::NeedsReauth, "there is no token to refresh with");
        if !self.api.spec.capabilities.refresh {
            return Err(no_token());
        }
        let url = &self.api.registration()?.endpoints.refresh_exchange;
        if let Some(grant) = self
            .api
            .definition()
            .tokens
            .refresh_exchange
            .as_ref()
            .zip(url.as_ref())
        {
            return self
                .tokens
                .exchange_access_token(
                    CallKind::Refresh,
                    grant,
                    held.access.as_ref().ok_or_else(no_token)?,
                )
                .await;
        }
        let refresh = held.refresh.as_ref().ok_or_else(no_token)?;
        self.tokens
            .token(
                CallKind::Refresh,
                &[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh.expose()),
                ],
            )
            .await
    }

    async fn user_profile(
        &self,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        let document = userinfo::profile(&self.api, access, granted).await?;
        userinfo::account_in(&document, self.api.definition()).map(|account| vec![account])
    }

    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        let Some(url) = &self.api.registration()?.endpoints.revocation else {
            return Ok(RemoteRevocation::Unsupported);
        };
        let mut outcome = RemoteRevocation::Unsupported;
        for (token, hint) in self.revocable(held) {
            let result = match self.revoke(url, token, hint).await {
                Err(error) if error.reports_invalid_token() => {
                    self.revoke_refreshed(url, held).await
                }
                other => other,
            };
            match result {
                Ok(RemoteRevocation::Unsupported) => {}
                Ok(RemoteRevocation::Revoked) => outcome = RemoteRevocation::Revoked,
                Err(error) if error.class() == ErrorClass::NeedsReauth => {
                    outcome = RemoteRevocation::Revoked;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(outcome)
    }
}
