//! Calls of the token endpoint and of related endpoints: client authentication, parameter encoding
//! and token responses.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use evergrant_model::{AccessToken, Timestamp, TokenSet};
use evergrant_outbound::{Request, Response};
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

/// Parameters of token requests whose values are not secret.
const PUBLIC_PARAMS: &[&str] = &["grant_type", "redirect_uri", "client_id", "token_type_hint"];

/// Sends requests with client authentication, and parses token responses.
pub(crate) struct TokenClient {
    pub(crate) api: Arc<ApiClient>,
}

impl TokenClient {
    /// Calls the token endpoint.
    ///
    /// # Errors
    ///
    /// An error of any class.
    pub(crate) async fn token(
        &self,
        call: CallKind,
        params: &[(&str, &str)],
    ) -> Result<TokenSet, AdapterError> {
        let client = self.api.registration()?;
        let sent_at = self.api.clock.now();
        let request = self.api.definition().tokens.request;
        let response = self
            .send_params(client, (call, request), &client.endpoints.token, params)
            .await?;
        self.read_tokens(call, &response, params, sent_at)
    }

    /// Exchanges an access token for another one.
    ///
    /// # Errors
    ///
    /// An error of any class.
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
        let url = with_query(url, &params);
        let request = Request {
            time_limit: self.time_limit(call),
            keep_partial: true,
            ..plain_request(client, Method::GET, &url)
        };
        let response = self.api.send(request).await?;
        self.read_tokens(call, &response, &params, sent_at)
    }

    /// Parses the response to a token request with these parameters.
    fn read_tokens(
        &self,
        call: CallKind,
        response: &Response,
        params: &[(&str, &str)],
        sent_at: Timestamp,
    ) -> Result<TokenSet, AdapterError> {
        let secrets = secret_values(params);
        let document = self.api.accepted(call, response, &secrets)?;
        let not_json =
            || AdapterError::unreadable("the token response is not a JSON object", response.status);
        let document = self.api.unwrapped(document.ok_or_else(not_json)?);
        let default_lifetime = self.api.spec.default_lifetime;
        token_response::read(document, sent_at, default_lifetime, self.api.definition())
            .map_err(|error| error.with_status(response.status))
    }

    /// Sends parameters with client authentication.
    ///
    /// # Errors
    ///
    /// `BadRequest`, `ConfigError`, `Transient` or `Unknown` if no complete response arrives.
    pub(crate) async fn send_params(
        &self,
        client: &ClientRegistration,
        (call, encoding): (CallKind, TokenRequest),
        url: &Url,
        params: &[(&str, &str)],
    ) -> Result<Response, AdapterError> {
        let definition = self.api.definition();
        let mut all_params = params.to_vec();
        if definition.client_auth != ClientAuth::Basic {
            all_params.push((&definition.client.id_param, &client.id));
        }
        if let (ClientAuth::Post, Some(secret)) = (definition.client_auth, &client.secret) {
            all_params.push(("client_secret", secret.expose()));
        }
        let url_with_params = with_query(url, &all_params);
        let mut built = match encoding {
            TokenRequest::Query => plain_request(client, Method::GET, &url_with_params),
            TokenRequest::Form => {
                plain_request(client, Method::POST, url).with_body(urlencoded_body(&all_params))
            }
            TokenRequest::Multipart => {
                plain_request(client, Method::POST, url).with_body(multipart_body(&all_params))
            }
        };
        built.credentials = basic(definition.client_auth, client)
            .map(|basic| (AUTHORIZATION, basic))
            .into_iter()
            .collect();
        built.time_limit = self.time_limit(call);
        built.keep_partial = matches!(call, CallKind::Exchange | CallKind::Refresh);
        self.api.send(built).await
    }

    /// Returns the time limit of the request; `None` for the default of the HTTP client. A response
    /// with tokens is the only copy of them, so it is waited for as long as the platform may take.
    fn time_limit(&self, call: CallKind) -> Option<Duration> {
        let spec = &self.api.spec;
        let limit = match call {
            CallKind::Exchange => spec.refresh_timeout,
            CallKind::Refresh => spec.longest_refresh(),
            CallKind::Profile | CallKind::Revoke => return None,
        };
        Some(limit.unsigned_abs())
    }
}

/// Returns the values of the parameters that are secret.
fn secret_values<'a>(params: &[(&str, &'a str)]) -> Vec<&'a str> {
    let secret = params
        .iter()
        .filter(|(name, _)| !PUBLIC_PARAMS.contains(name));
    secret.map(|(_, value)| *value).collect()
}

/// Returns the `Authorization` header of RFC 6749 §2.3.1: id and secret are form-encoded first.
/// `None` for other authentication methods.
fn basic(auth: ClientAuth, client: &ClientRegistration) -> Option<Zeroizing<String>> {
    let secret = client
        .secret
        .as_ref()
        .filter(|_| auth == ClientAuth::Basic)?;
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = Zeroizing::new(format!(
        "{}:{}",
        encoded(&client.id),
        *Zeroizing::new(encoded(secret.expose()))
    ));
    Some(Zeroizing::new(format!(
        "Basic {}",
        BASE64_STANDARD.encode(credentials.as_bytes())
    )))
}
