//! Sends requests to one platform and separates success from refusal.

use std::sync::Arc;

use evergrant_model::Clock;
use evergrant_outbound::{Outbound, Request, Response};
use http::Method;
use url::Url;
use zeroize::Zeroizing;

use super::client_registration::ClientRegistration;
use super::config::EngineConfig;
use super::form::urlencoded;
use super::json::Document;
use crate::definition::{CallKind, Definition};
use crate::errors::classify::{classify, refusal_code};
use crate::errors::context::Context;
use crate::{AdapterError, ErrorClass, ProviderSpec};

/// What every part of the engine shares.
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

    /// Our registration.
    ///
    /// # Errors
    ///
    /// `ConfigError` where the platform is not configured.
    pub(crate) fn registration(&self) -> Result<&ClientRegistration, AdapterError> {
        let client = self.config.client.as_ref();
        client.ok_or_else(|| {
            AdapterError::unsent(ErrorClass::ConfigError, "the platform is not configured")
        })
    }

    /// Sends one request.
    ///
    /// # Errors
    ///
    /// `BadRequest`, `ConfigError`, `Transient` or `Unknown` where no whole response came.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Response, AdapterError> {
        Ok(self.outbound.send(request).await?)
    }

    /// The JSON of a response that reports success, if it has any. The body is read before the
    /// status is believed: a 200 may be an error.
    ///
    /// # Errors
    ///
    /// The refusal that the response reports.
    pub(crate) fn accepted(
        &self,
        call: CallKind,
        response: &Response,
    ) -> Result<Option<Document>, AdapterError> {
        let document = Document::parse(&response.body);
        let body = document.as_ref().map(Document::value);
        let code = body.and_then(|body| refusal_code(response, body));
        if response.is_success() && code.is_none() {
            return Ok(document);
        }
        let repeatable = match call {
            CallKind::Exchange => false,
            CallKind::Refresh => self.spec.may_resend_refresh(),
            CallKind::Profile | CallKind::Revoke => true,
        };
        let definition = self.definition();
        let (rules, codes) = (definition.errors.rules.as_slice(), definition.errors.codes);
        let context = Context {
            call,
            rules,
            codes,
            repeatable,
            now: self.clock.now(),
        };
        Err(classify(context, response, body, code.as_deref()))
    }

    /// The JSON of a response to a call that reads an account.
    ///
    /// # Errors
    ///
    /// The refusal that the response reports; `Unknown` where it holds no JSON object.
    pub(crate) fn profile_document(&self, response: &Response) -> Result<Document, AdapterError> {
        let document = self.accepted(CallKind::Profile, response)?;
        let unread = || {
            AdapterError::unread(
                "the platform's answer is not the JSON of a profile",
                response.status,
            )
        };
        document.ok_or_else(unread)
    }

    /// The object inside the wrapping that the definition names.
    pub(crate) fn unwrapped(&self, document: Document) -> Document {
        match &self.definition().endpoints.unwrap {
            Some(pointer) => document.unwrapped(pointer),
            None => document,
        }
    }
}

/// A request without body and credentials.
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

/// The address with more parameters.
pub(crate) fn with_query(url: &Url, pairs: &[(&str, &str)]) -> Url {
    let mut longer = url.clone();
    let added = urlencoded(pairs);
    let query = match url.query() {
        Some(query) if !query.is_empty() => Zeroizing::new(format!("{query}&{}", *added)),
        _ => added,
    };
    longer.set_query(Some(&query));
    longer
}
