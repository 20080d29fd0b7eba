//! How the engine makes its calls: who we are, how parameters and tokens travel, and what counts as an answer.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use evergrant_model::{AccessToken, ScopeSet, Timestamp, TokenSet};
use evergrant_outbound::{Request, Response};
use http::Method;
use http::header::AUTHORIZATION;
use url::Url;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::body::{multipart_body, urlencoded, urlencoded_body};
use crate::classify::{Context, classify, refusal_code};
use crate::definition::{AccessTokenIn, AccessTrade, Call, ClientAuth, ClientPart, TokenRequest};
use crate::engine::ClientRegistration;
use crate::json::Document;
use crate::oauth2::OAuth2;
use crate::{AdapterError, ErrorClass, token_reply};

impl OAuth2 {
    /// One call of the token endpoint.
    pub(crate) async fn token(&self, call: Call, params: &[(&str, &str)]) -> Result<TokenSet, AdapterError> {
        let client = self.client()?;
        let sent_at = self.clock.now();
        let request = self.definition().token_request;
        let reply = self.send_form(client, request, &client.endpoints.token, params).await?;
        self.read_tokens(call, &reply, sent_at)
    }

    /// Buys an access token with another one.
    pub(crate) async fn trade(
        &self,
        call: Call,
        (trade, url): (&AccessTrade, &Url),
        access: &AccessToken,
    ) -> Result<TokenSet, AdapterError> {
        let client = self.client()?;
        let mut params = vec![("grant_type", trade.grant_type.as_str()), (&trade.token_param, access.expose())];
        for part in &trade.client {
            match part {
                ClientPart::Id => params.push((&self.definition().client_id_param, &client.id)),
                ClientPart::Secret => {
                    params.extend(client.secret.as_ref().map(|secret| ("client_secret", secret.expose())));
                }
            }
        }
        let sent_at = self.clock.now();
        let reply = self.send(plain_call(client, Method::GET, &with_query(url, &params))).await?;
        self.read_tokens(call, &reply, sent_at)
    }

    fn read_tokens(&self, call: Call, reply: &Response, sent_at: Timestamp) -> Result<TokenSet, AdapterError> {
        let definition = self.definition();
        let document = self.accepted(call, reply)?;
        let document = document.ok_or_else(|| unread("the platform's answer is not the JSON of a token", reply))?;
        let document = self.unwrapped(document);
        token_reply::read(document, sent_at, self.spec.default_lifetime_seconds, &definition.scope_field)
            .map_err(|error| error.with_status(reply.status))
    }

    /// A form with our registration in it, or beside it.
    pub(crate) async fn send_form(
        &self,
        client: &ClientRegistration,
        request: TokenRequest,
        url: &Url,
        params: &[(&str, &str)],
    ) -> Result<Response, AdapterError> {
        let definition = self.definition();
        let mut pairs = params.to_vec();
        if definition.client_auth != ClientAuth::Basic {
            pairs.push((&definition.client_id_param, &client.id));
        }
        if let (ClientAuth::Post, Some(secret)) = (definition.client_auth, &client.secret) {
            pairs.push(("client_secret", secret.expose()));
        }
        let queried = with_query(url, &pairs);
        let mut call = match request {
            TokenRequest::Query => plain_call(client, Method::GET, &queried),
            TokenRequest::Form => plain_call(client, Method::POST, url).with_body(urlencoded_body(&pairs)),
            TokenRequest::Multipart => plain_call(client, Method::POST, url).with_body(multipart_body(&pairs)),
        };
        call.credentials =
            basic(definition.client_auth, client).map(|basic| (AUTHORIZATION, basic)).into_iter().collect();
        self.send(call).await
    }

    /// The profile as the platform gives it for this token.
    pub(crate) async fn profile(&self, access: &AccessToken, granted: &ScopeSet) -> Result<Document, AdapterError> {
        let client = self.client()?;
        let mut url = client.endpoints.userinfo.clone();
        let fields = self.profile_fields(granted);
        if !fields.is_empty() {
            url.query_pairs_mut().append_pair("fields", &fields.join(","));
        }
        self.read_with_token(client, url, access).await.map(|document| self.unwrapped(document))
    }

    /// What the granted scopes allow us to ask for; where nobody knows what was granted, what every grant allows.
    fn profile_fields(&self, granted: &ScopeSet) -> Vec<&str> {
        let allowed = |by: &ScopeSet| -> Vec<&str> {
            let fields = self.definition().userinfo_fields.iter().filter(|(scope, _)| by.contains(scope));
            fields.flat_map(|(_, fields)| fields).map(String::as_str).collect()
        };
        let fields = allowed(granted);
        if !fields.is_empty() {
            return fields;
        }
        let required = self.spec.scopes.iter().filter(|scope| scope.required).map(|scope| scope.id.as_str());
        allowed(&required.collect())
    }

    async fn read_with_token(
        &self,
        client: &ClientRegistration,
        url: Url,
        access: &AccessToken,
    ) -> Result<Document, AdapterError> {
        let reply = match self.definition().access_token_in {
            AccessTokenIn::Header => {
                let mut call = plain_call(client, Method::GET, &url);
                call.credentials = vec![(AUTHORIZATION, Zeroizing::new(format!("Bearer {}", access.expose())))];
                self.send(call).await?
            }
            AccessTokenIn::Query => {
                let url = with_query(&url, &[("access_token", access.expose())]);
                self.send(plain_call(client, Method::GET, &url)).await?
            }
        };
        self.profile_document(&reply)
    }

    /// The JSON of an answer to a call that reads an account.
    pub(crate) fn profile_document(&self, reply: &Response) -> Result<Document, AdapterError> {
        let document = self.accepted(Call::Profile, reply)?;
        document.ok_or_else(|| unread("the platform's answer is not the JSON of a profile", reply))
    }

    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Response, AdapterError> {
        Ok(self.outbound.send(request).await?)
    }

    fn unwrapped(&self, document: Document) -> Document {
        match &self.definition().unwrap {
            Some(pointer) => document.unwrapped(pointer),
            None => document,
        }
    }

    /// The JSON of an answer that reports success, if it has any; else the failure that it reports. The body is read
    /// before the status is believed: a 200 may be an error.
    pub(crate) fn accepted(&self, call: Call, reply: &Response) -> Result<Option<Document>, AdapterError> {
        let document = Document::parse(&reply.body);
        let body = document.as_ref().map(Document::value);
        let code = body.and_then(|body| refusal_code(reply, body));
        if reply.is_success() && code.is_none() {
            return Ok(document);
        }
        let repeatable = match call {
            Call::Exchange => false,
            Call::Refresh => self.spec.may_resend_refresh(),
            Call::Profile | Call::Revoke => true,
        };
        let definition = self.definition();
        let (rules, codes) = (definition.errors.as_slice(), definition.error_codes);
        let context = Context { call, rules, codes, repeatable, now: self.clock.now() };
        Err(classify(context, reply, body, code.as_deref()))
    }
}

/// A call without body and credentials.
pub(crate) fn plain_call<'a>(client: &'a ClientRegistration, method: Method, url: &'a Url) -> Request<'a> {
    Request { user_agent: client.user_agent.as_ref(), ..Request::new(method, url, client.reach) }
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

/// The `Authorization` header of RFC 6749 §2.3.1: both halves form-encoded, then Basic.
fn basic(auth: ClientAuth, client: &ClientRegistration) -> Option<Zeroizing<String>> {
    let secret = client.secret.as_ref().filter(|_| auth == ClientAuth::Basic)?;
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(&client.id), *Zeroizing::new(encoded(secret.expose()))));
    Some(Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes()))))
}

/// A failure before anything left.
pub(crate) fn unsent(class: ErrorClass, what: &'static str) -> AdapterError {
    AdapterError::new(class, what).surely_unprocessed()
}

/// A success that does not say what was done.
pub(crate) fn unread(what: &'static str, reply: &Response) -> AdapterError {
    AdapterError::new(ErrorClass::Unknown, what).with_status(reply.status)
}
