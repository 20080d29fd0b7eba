//! Sends requests to one provider and separates success from error responses.

use std::sync::Arc;

use evergrant_model::{ClientSecret, Clock};
use evergrant_outbound::{Outbound, Request, Response};
use http::Method;
use url::Url;
use zeroize::Zeroizing;

use super::client_registration::ClientRegistration;
use super::config::EngineConfig;
use super::form::urlencoded;
use super::json::Document;
use super::token_response::has_access_token;
use crate::definition::{CallKind, Definition};
use crate::errors::classify::failure;
use crate::errors::context::Context;
use crate::{AdapterError, ErrorClass, ProviderSpec};

/// The API client that all parts of the engine share.
pub(crate) struct ApiClient {
    pub(crate) spec: ProviderSpec,
    pub(crate) config: EngineConfig,
    pub(crate) outbound: Outbound,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ApiClient {
    pub(crate) fn definition(&self) -> &Definition {
        &self.config.definition
    }

    /// Returns the client registration.
    ///
    /// # Errors
    ///
    /// `ConfigError` if the provider is not configured.
    pub(crate) fn registration(&self) -> Result<&ClientRegistration, AdapterError> {
        let client = self.config.client.as_ref();
        client.ok_or_else(|| {
            AdapterError::unsent(ErrorClass::ConfigError, "the provider is not configured")
        })
    }

    fn client_secret(&self) -> Option<&ClientSecret> {
        self.config.client.as_ref()?.secret.as_ref()
    }

    /// Sends one request.
    ///
    /// # Errors
    ///
    /// `BadRequest`, `ConfigError`, `Transient` or `Unknown` if no complete response arrives.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Response, AdapterError> {
        Ok(self.outbound.send(request).await?)
    }

    /// Returns the JSON object of a successful response; `None` if its body is not one. The body is
    /// checked as well as the status: a 200 may report an error. `secrets` are those of the request
    /// besides the client secret.
    ///
    /// # Errors
    ///
    /// The failure that the response reports. A token response without access token is `Unknown`,
    /// and so is one that breaks off before its JSON is complete.
    pub(crate) fn accepted(
        &self,
        call: CallKind,
        response: &Response,
        secrets: &[&str],
    ) -> Result<Option<Document>, AdapterError> {
        let document = parse(call, response);
        if let (None, Some(error)) = (&document, response.interrupted) {
            return Err(error.into());
        }
        let repeatable = match call {
            CallKind::Exchange => false,
            CallKind::Refresh => self.spec.can_retry_refresh(),
            CallKind::Profile | CallKind::Revoke => true,
        };
        let definition = self.definition();
        let (rules, codes) = (definition.errors.rules.as_slice(), definition.errors.codes);
        let unwrap = definition.endpoints.unwrap.as_deref();
        let client_secret = self.client_secret().map(ClientSecret::expose);
        let secrets: Vec<_> = secrets.iter().copied().chain(client_secret).collect();
        let context = Context {
            call,
            rules,
            codes,
            repeatable,
            has_access_token: document
                .as_ref()
                .is_some_and(|document| has_access_token(document, unwrap)),
            secrets: &secrets,
            now: self.clock.now(),
        };
        match failure(context, response, document.as_ref()) {
            Some(error) => Err(error),
            None => Ok(document),
        }
    }

    /// Returns the JSON object of a profile response. `secrets` are those of the request besides
    /// the client secret.
    ///
    /// # Errors
    ///
    /// The failure that the response reports; `Unknown` if its body is not a JSON object.
    pub(crate) fn profile_document(
        &self,
        response: &Response,
        secrets: &[&str],
    ) -> Result<Document, AdapterError> {
        let document = self.accepted(CallKind::Profile, response, secrets)?;
        let not_json = || {
            AdapterError::unreadable("the profile response is not a JSON object", response.status)
        };
        document.ok_or_else(not_json)
    }

    /// Returns the object at the definition's `endpoints.unwrap`; a flat response is returned as
    /// is.
    pub(crate) fn unwrapped(&self, document: Document) -> Document {
        match &self.definition().endpoints.unwrap {
            Some(pointer) => document.unwrapped(pointer),
            None => document,
        }
    }
}

/// Parses the JSON object of a response. Early platforms send a form instead, at the endpoints that
/// RFC 6749 and RFC 7009 define. A form does not show whether its end is missing.
fn parse(call: CallKind, response: &Response) -> Option<Document> {
    let body = &response.body;
    let document = Document::parse(body);
    match call {
        CallKind::Profile => document,
        CallKind::Revoke => document.or_else(|| Document::parse_form(body)),
        CallKind::Exchange | CallKind::Refresh => {
            let document = document.or_else(|| Document::parse_wrapped(body));
            let is_complete = response.interrupted.is_none();
            document.or_else(|| is_complete.then(|| Document::parse_form(body))?)
        }
    }
}

/// Creates a request without body and credentials.
pub(crate) fn plain_request<'a>(
    client: &'a ClientRegistration,
    method: Method,
    url: &'a Url,
) -> Request<'a> {
    Request {
        user_agent: client.user_agent.as_ref(),
        ..Request::new(method, url, client.reach)
    }
}

/// Returns the URL with these query parameters added.
pub(crate) fn with_query(url: &Url, pairs: &[(&str, &str)]) -> Url {
    let mut extended = url.clone();
    let added = urlencoded(pairs);
    let query = match url.query() {
        Some(query) if !query.is_empty() => Zeroizing::new(format!("{query}&{}", *added)),
        _ => added,
    };
    extended.set_query(Some(&query));
    extended
}
