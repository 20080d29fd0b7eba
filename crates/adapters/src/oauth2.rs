//! The OAuth 2.0 engine: RFC 6749's code and refresh grants and RFC 7009's revocation, each a single attempt, with every
//! known departure of a platform read from its definition.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use evergrant_model::{AccessToken, AccountInfo, Clock, PkceVerifier, TokenSet};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use crate::classify::{Context, classify, error_code};
use crate::definition::{Call, ClientAuth, Definition, TokenKind};
use crate::engine::ClientRegistration;
use crate::http::{self, HttpClient, Reply};
use crate::json::Document;
use crate::{
    AdapterError, AuthorizationRequest, CodeExchange, ErrorClass, HeldTokens, PlatformAdapter, ProviderSpec,
    RemoteRevocation, pkce, profile, token_reply,
};

/// A platform that keeps to OAuth 2.0, more or less.
pub(crate) struct OAuth2 {
    spec: ProviderSpec,
    http: HttpClient,
    clock: Arc<dyn Clock>,
}

impl OAuth2 {
    pub(crate) fn new(spec: ProviderSpec, http: HttpClient, clock: Arc<dyn Clock>) -> Self {
        Self { spec, http, clock }
    }

    fn definition(&self) -> &Definition {
        &self.spec.engine.definition
    }

    fn client(&self) -> Result<&ClientRegistration, AdapterError> {
        let client = self.spec.engine.client.as_ref();
        client.ok_or_else(|| unsent(ErrorClass::ConfigError, "the platform is not configured"))
    }

    /// The verifier where the platform wants one.
    fn verifier<'v>(&self, given: Option<&'v PkceVerifier>) -> Result<Option<&'v PkceVerifier>, AdapterError> {
        if !self.spec.uses_pkce() {
            return Ok(None);
        }
        let sound = given.filter(|verifier| pkce::is_sound(verifier));
        sound.map(Some).ok_or_else(|| unsent(ErrorClass::BadRequest, "the flow needs a sound PKCE verifier"))
    }

    /// One call of the token endpoint.
    async fn token(&self, call: Call, params: &[(&str, &str)]) -> Result<TokenSet, AdapterError> {
        let client = self.client()?;
        let sent_at = self.clock.now();
        let reply = self.post(client, &client.endpoints.token, params).await?;
        let document = self.accepted(call, &reply)?;
        let unreadable = || unread("the platform's answer is not the JSON of a token", &reply);
        let document = document.ok_or_else(unreadable)?;
        token_reply::read(document, sent_at, self.spec.default_lifetime_seconds)
            .map_err(|error| error.with_status(reply.status))
    }

    async fn post(
        &self,
        client: &ClientRegistration,
        url: &Url,
        params: &[(&str, &str)],
    ) -> Result<Reply, AdapterError> {
        let call = http::Call {
            url,
            reach: client.reach,
            form: Some(self.form(client, params)),
            authorization: basic(self.definition().client_auth, client),
            user_agent: client.user_agent.as_ref(),
        };
        self.http.send(call).await
    }

    fn form(&self, client: &ClientRegistration, params: &[(&str, &str)]) -> Zeroizing<String> {
        let definition = self.definition();
        let mut form = Serializer::new(String::new());
        form.extend_pairs(params);
        if definition.client_auth != ClientAuth::Basic {
            form.append_pair(&definition.client_id_param, &client.id);
        }
        if let (ClientAuth::Post, Some(secret)) = (definition.client_auth, &client.secret) {
            form.append_pair("client_secret", secret.expose());
        }
        Zeroizing::new(form.finish())
    }

    /// The JSON of an answer that reports success, if it has any; else the failure that it reports. The body is read
    /// before the status is believed: a 200 may be an error.
    fn accepted(&self, call: Call, reply: &Reply) -> Result<Option<Document>, AdapterError> {
        let document = Document::parse(&reply.body);
        let code = document.as_ref().and_then(|document| error_code(document.value()));
        if reply.is_success() && code.is_none() {
            return Ok(document);
        }
        let repeatable = match call {
            Call::Exchange => false,
            Call::Refresh => self.spec.may_resend_refresh(),
            Call::Profile | Call::Revoke => true,
        };
        let context = Context { call, rules: &self.definition().errors, repeatable, now: self.clock.now() };
        Err(classify(context, reply, code.as_deref()))
    }

    /// Ends one token (RFC 7009 §2).
    async fn revoke(&self, url: &Url, token: &str, hint: &str) -> Result<RemoteRevocation, AdapterError> {
        let reply = self.post(self.client()?, url, &[("token", token), ("token_type_hint", hint)]).await?;
        match self.accepted(Call::Revoke, &reply) {
            Ok(_) if reply.is_page() => {
                Err(unread("the platform's answer to a revocation is a page for people", &reply))
            }
            Ok(_) => Ok(RemoteRevocation::Revoked),
            Err(error) if error.class() == ErrorClass::NeedsReauth => Ok(RemoteRevocation::Revoked),
            Err(error) if error.platform_code() == Some("unsupported_token_type") => Ok(RemoteRevocation::Unsupported),
            Err(error) => Err(error),
        }
    }

    /// The tokens to send for revocation, each with its hint: those that the platform's definition names, else whichever
    /// is held.
    fn revocable<'h>(&self, held: &'h HeldTokens) -> Vec<(&'h str, &'static str)> {
        let refresh = held.refresh.as_ref().map(|token| (token.expose(), "refresh_token"));
        let access = held.access.as_ref().map(|token| (token.expose(), "access_token"));
        let named = self.definition().revoke_tokens.iter().filter_map(|kind| match kind {
            TokenKind::Refresh => refresh,
            TokenKind::Access => access,
        });
        let named: Vec<_> = named.collect();
        if named.is_empty() { refresh.or(access).into_iter().collect() } else { named }
    }
}

#[async_trait]
impl PlatformAdapter for OAuth2 {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError> {
        let (client, definition) = (self.client()?, self.definition());
        let challenge = self.verifier(request.verifier)?.and_then(|verifier| pkce::challenge(self.spec.pkce, verifier));
        let mut url = client.endpoints.authorization.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair(&definition.client_id_param, &client.id)
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("state", request.state.expose());
        if !request.scopes.is_empty() {
            query.append_pair("scope", &request.scopes.join(&definition.scope_separator));
        }
        if let Some(challenge) = challenge {
            query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
        }
        query.extend_pairs(&definition.authorize_params);
        drop(query);
        Ok(url.into())
    }

    async fn exchange_code_for_token(&self, exchange: &CodeExchange<'_>) -> Result<TokenSet, AdapterError> {
        let mut params = vec![
            ("grant_type", "authorization_code"),
            ("code", exchange.code.expose()),
            ("redirect_uri", exchange.redirect_uri),
        ];
        params.extend(self.verifier(exchange.verifier)?.map(|verifier| ("code_verifier", verifier.expose())));
        self.token(Call::Exchange, &params).await
    }

    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        let refresh = held.refresh.as_ref().filter(|_| self.spec.capabilities.refresh);
        let refresh =
            refresh.ok_or_else(|| unsent(ErrorClass::NeedsReauth, "there is no refresh token to renew with"))?;
        self.token(Call::Refresh, &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await
    }

    async fn user_profile(&self, access: &AccessToken) -> Result<Vec<AccountInfo>, AdapterError> {
        let client = self.client()?;
        let call = http::Call {
            url: &client.endpoints.userinfo,
            reach: client.reach,
            form: None,
            authorization: Some(Zeroizing::new(format!("Bearer {}", access.expose()))),
            user_agent: client.user_agent.as_ref(),
        };
        let reply = self.http.send(call).await?;
        let document = self.accepted(Call::Profile, &reply)?;
        let document = document.ok_or_else(|| unread("the platform's answer is not the JSON of a profile", &reply))?;
        let definition = self.definition();
        let account = profile::account(document.value(), &definition.account, &definition.metadata);
        account.map(|account| vec![account]).map_err(|error| error.with_status(reply.status))
    }

    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        let Some(url) = &self.client()?.endpoints.revocation else { return Ok(RemoteRevocation::Unsupported) };
        let mut outcome = RemoteRevocation::Unsupported;
        for (token, hint) in self.revocable(held) {
            if self.revoke(url, token, hint).await? == RemoteRevocation::Revoked {
                outcome = RemoteRevocation::Revoked;
            }
        }
        Ok(outcome)
    }
}

/// The `Authorization` header of RFC 6749 §2.3.1: both halves form-encoded, then Basic.
fn basic(auth: ClientAuth, client: &ClientRegistration) -> Option<Zeroizing<String>> {
    let secret = client.secret.as_ref().filter(|_| auth == ClientAuth::Basic)?;
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(&client.id), *Zeroizing::new(encoded(secret.expose()))));
    Some(Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes()))))
}

/// A failure before anything left.
fn unsent(class: ErrorClass, what: &'static str) -> AdapterError {
    AdapterError::new(class, what).surely_unprocessed()
}

/// A success that does not say what was done.
fn unread(what: &'static str, reply: &Reply) -> AdapterError {
    AdapterError::new(ErrorClass::Unknown, what).with_status(reply.status)
}
