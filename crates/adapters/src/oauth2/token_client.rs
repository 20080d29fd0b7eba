//! Calls of the token endpoint and its relatives: who we are, and how parameters travel.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use evergrant_model::{AccessToken, Timestamp, TokenSet};
use evergrant_outbound::Response;
use http::Method;
use http::header::AUTHORIZATION;
use url::Url;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::api_client::{ApiClient, plain_request, with_query};
use super::client_registration::ClientRegistration;
use super::form::{multipart_body, urlencoded_body};
use super::token_response;
use crate::AdapterError;
use crate::definition::{AccessTokenGrant, CallKind, ClientAuth, ClientPart, TokenRequest};

/// Sends forms with our registration, and reads token sets.
pub(crate) struct TokenClient {
    pub(crate) api: Arc<ApiClient>,
}

impl TokenClient {
    /// One call of the token endpoint.
    ///
    /// # Errors
    ///
    /// Any class.
    pub(crate) async fn token(
        &self,
        call: CallKind,
        params: &[(&str, &str)],
    ) -> Result<TokenSet, AdapterError> {
        let client = self.api.registration()?;
        let sent_at = self.api.clock.now();
        let request = self.api.definition().tokens.request;
        let response = self
            .send_form(client, request, &client.endpoints.token, params)
            .await?;
        self.read_tokens(call, &response, sent_at)
    }

    /// Exchanges an access token for another one.
    ///
    /// # Errors
    ///
    /// Any class.
    pub(crate) async fn exchange_access_token(
        &self,
        call: CallKind,
        (grant, url): (&AccessTokenGrant, &Url),
        access: &AccessToken,
    ) -> Result<TokenSet, AdapterError> {
        let client = self.api.registration()?;
        let mut params = vec![
            ("grant_type", grant.grant_type.as_str()),
            (&grant.token_param, access.expose()),
        ];
        for part in &grant.client {
            match part {
                ClientPart::Id => params.push((&self.api.definition().client.id_param, &client.id)),
                ClientPart::Secret => {
                    params.extend(
                        client
                            .secret
                            .as_ref()
                            .map(|secret| ("client_secret", secret.expose())),
                    );
                }
            }
        }
        let sent_at = self.api.clock.now();
        let response = self
            .api
            .send(plain_request(
                client,
                Method::GET,
                &with_query(url, &params),
            ))
            .await?;
        self.read_tokens(call, &response, sent_at)
    }

    fn read_tokens(
        &self,
        call: CallKind,
        response: &Response,
        sent_at: Timestamp,
    ) -> Result<TokenSet, AdapterError> {
        let document = self.api.accepted(call, response)?;
        let unread = || {
            AdapterError::unread(
                "the platform's answer is not the JSON of a token",
                response.status,
            )
        };
        let document = self.api.unwrapped(document.ok_or_else(unread)?);
        let lifetime_seconds = self.api.spec.default_lifetime_seconds;
        token_response::read(
            document,
            sent_at,
            lifetime_seconds,
            &self.api.definition().tokens.scope_field,
        )
        .map_err(|error| error.with_status(response.status))
    }

    /// A form with our registration in it, or beside it.
    ///
    /// # Errors
    ///
    /// `BadRequest`, `ConfigError`, `Transient` or `Unknown` where no whole response came.
    pub(crate) async fn send_form(
        &self,
        client: &ClientRegistration,
        request: TokenRequest,
        url: &Url,
        params: &[(&str, &str)],
    ) -> Result<Response, AdapterError> {
        let definition = self.api.definition();
        let mut pairs = params.to_vec();
        if definition.client_auth != ClientAuth::Basic {
            pairs.push((&definition.client.id_param, &client.id));
        }
        if let (ClientAuth::Post, Some(secret)) = (definition.client_auth, &client.secret) {
            pairs.push(("client_secret", secret.expose()));
        }
        let queried = with_query(url, &pairs);
        let mut built = match request {
            TokenRequest::Query => plain_request(client, Method::GET, &queried),
            TokenRequest::Form => {
                plain_request(client, Method::POST, url).with_body(urlencoded_body(&pairs))
            }
            TokenRequest::Multipart => {
                plain_request(client, Method::POST, url).with_body(multipart_body(&pairs))
            }
        };
        built.credentials = basic(definition.client_auth, client)
            .map(|basic| (AUTHORIZATION, basic))
            .into_iter()
            .collect();
        self.api.send(built).await
    }
}

/// The `Authorization` header of RFC 6749 §2.3.1: both halves form-encoded, then Basic.
fn basic(auth: ClientAuth, client: &ClientRegistration) -> Option<Zeroizing<String>> {
    let secret = client
        .secret
        .as_ref()
        .filter(|_| auth == ClientAuth::Basic)?;
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!(
        "{}:{}",
        encoded(&client.id),
        *Zeroizing::new(encoded(secret.expose()))
    ));
    Some(Zeroizing::new(format!(
        "Basic {}",
        BASE64_STANDARD.encode(pair.as_bytes())
    )))
}
