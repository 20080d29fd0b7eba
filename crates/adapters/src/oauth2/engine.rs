//! The OAuth 2.0 engine: RFC 6749's code and refresh grants and RFC 7009's revocation, each a
//! single attempt, with every known departure of a platform read from its definition.

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

/// A platform that keeps to OAuth 2.0, more or less.
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

    /// What adapters of single platforms call the platform with.
    pub(crate) fn api(&self) -> &ApiClient {
        &self.api
    }

    /// The verifier where the platform wants one.
    fn verifier<'v>(
        &self,
        given: Option<&'v PkceVerifier>,
    ) -> Result<Option<&'v PkceVerifier>, AdapterError> {
        if !self.api.spec.uses_pkce() {
            return Ok(None);
        }
        let sound = given.filter(|verifier| pkce::is_sound(verifier));
        sound.map(Some).ok_or_else(|| {
            AdapterError::unsent(
                ErrorClass::BadRequest,
                "the flow needs a sound PKCE verifier",
            )
        })
    }

    /// The token that is worth storing in place of the one that the code bought. The code is spent
    /// by now, so no failure here lets the exchange be sent again.
    async fn long_lived(&self, bought: TokenSet) -> Result<TokenSet, AdapterError> {
        let url = &self.api.registration()?.endpoints.long_lived_exchange;
        let Some(grant) = self
            .api
            .definition()
            .tokens
            .long_lived_exchange
            .as_ref()
            .zip(url.as_ref())
        else {
            return Ok(bought);
        };
        let long = self
            .tokens
            .exchange_access_token(CallKind::Exchange, grant, &bought.access)
            .await
            .map_err(AdapterError::after_effects)?;
        Ok(TokenSet {
            scope: long.scope.or(bought.scope),
            ..long
        })
    }

    /// Ends one token (RFC 7009 §2).
    async fn revoke(
        &self,
        url: &Url,
        token: &str,
        hint: &str,
    ) -> Result<RemoteRevocation, AdapterError> {
        let params = [("token", token), ("token_type_hint", hint)];
        let response = self
            .tokens
            .send_form(self.api.registration()?, TokenRequest::Form, url, &params)
            .await?;
        match self.api.accepted(CallKind::Revoke, &response) {
            Ok(_) if response.is_page() => Err(AdapterError::unread(
                "the platform's answer to a revocation is a page for people",
                response.status,
            )),
            Ok(_) => Ok(RemoteRevocation::Revoked),
            Err(error) if error.provider_code() == Some("unsupported_token_type") => {
                Ok(RemoteRevocation::Unsupported)
            }
            Err(error) => Err(error),
        }
    }

    /// The tokens to send for revocation, each with its hint: those that the platform's definition
    /// names, else whichever is held.
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

    /// Where only an access token ends the grant and ours has expired, the grant may still live: a
    /// new access token is bought to end it with.
    async fn revoke_refreshed(
        &self,
        url: &Url,
        held: &HeldTokens,
    ) -> Result<RemoteRevocation, AdapterError> {
        if held.refresh.is_none() || self.api.definition().revocation.tokens != [TokenKind::Access]
        {
            return Ok(RemoteRevocation::Revoked);
        }
        let renewed = self.refresh_access_token(held).await?;
        self.revoke(url, renewed.access.expose(), "access_token")
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
        let bought = self.tokens.token(CallKind::Exchange, &params).await?;
        self.long_lived(bought).await
    }

    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        let nothing =
            || AdapterError::unsent(ErrorClass::NeedsReauth, "there is no token to renew with");
        if !self.api.spec.capabilities.refresh {
            return Err(nothing());
        }
        let url = &self.api.registration()?.endpoints.renew;
        if let Some(grant) = self
            .api
            .definition()
            .tokens
            .renew
            .as_ref()
            .zip(url.as_ref())
        {
            return self
                .tokens
                .exchange_access_token(
                    CallKind::Refresh,
                    grant,
                    held.access.as_ref().ok_or_else(nothing)?,
                )
                .await;
        }
        let refresh = held.refresh.as_ref().ok_or_else(nothing)?;
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
        userinfo::account(document.value(), self.api.definition()).map(|account| vec![account])
    }

    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        let Some(url) = &self.api.registration()?.endpoints.revocation else {
            return Ok(RemoteRevocation::Unsupported);
        };
        let mut outcome = RemoteRevocation::Unsupported;
        for (token, hint) in self.revocable(held) {
            let ended = match self.revoke(url, token, hint).await {
                Err(error) if error.says_gone() => self.revoke_refreshed(url, held).await,
                other => other,
            };
            match ended {
                Ok(RemoteRevocation::Unsupported) => {}
                Ok(RemoteRevocation::Revoked) => outcome = RemoteRevocation::Revoked,
                Err(error) if error.class() == ErrorClass::NeedsReauth => {
                    outcome = RemoteRevocation::Revoked
                }
                Err(error) => return Err(error),
            }
        }
        Ok(outcome)
    }
}
