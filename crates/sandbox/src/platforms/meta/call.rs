//! A call to a Graph host: parsing, token validation, access checks and rate limiting.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evergrant_model::{ScopeSet, SignedDuration, Timestamp};
use serde_json::{Value, json as object};
use subtle::ConstantTimeEq as _;

use super::response::json;
use super::{
    Account, Fields, GraphError, MetaPeople, MetaPerson, appsecret_proof, media, multipart,
};
use crate::engine::Form;
use crate::platform::PlatformContext;
use crate::profile::Client;
use crate::settings::MetaSettings;
use crate::world::Window;
use crate::world::grants::{GrantId, Selection};

/// How long an app may read a person's data after consent: 90 days.
const DATA_ACCESS_SECONDS: i64 = 90 * 86_400;

/// The differences between the two Graph hosts.
pub(crate) struct Host {
    /// Path prefix below the sandbox's base URL.
    pub(crate) prefix: &'static str,
    /// The permission for reading the account and its media.
    pub(crate) basic: &'static str,
    /// The permission for reading insights.
    pub(crate) insights: &'static str,
    /// Whether this is Instagram Login, where a token belongs to one Instagram account and `me` is
    /// that account.
    pub(crate) is_login: bool,
}

/// A parsed Graph API request.
pub(crate) struct GraphCall {
    pub(crate) context: PlatformContext,
    pub(crate) host: &'static Host,
    pub(crate) people: Arc<MetaPeople>,
    pub(crate) method: Method,
    /// Query parameters, followed by body parameters.
    pub(crate) form: Form,
    /// The version segment, such as `/v25.0`. Empty if the path has none.
    pub(crate) version: String,
    /// Path segments after the version.
    pub(crate) path: Vec<String>,
    pub(crate) headers: HeaderMap,
}

impl FromRequest<PlatformContext> for GraphCall {
    type Rejection = Response;

    async fn from_request(request: Request, context: &PlatformContext) -> Result<Self, Response> {
        let (method, uri, headers) = (
            request.method().clone(),
            request.uri().clone(),
            request.headers().clone(),
        );
        let people = request
            .extensions()
            .get::<Arc<MetaPeople>>()
            .cloned()
            .unwrap_or_default();
        let host = *request
            .extensions()
            .get::<&'static Host>()
            .ok_or(StatusCode::NOT_FOUND.into_response())?;
        let body = Bytes::from_request(request, context)
            .await
            .map_err(IntoResponse::into_response)?;
        let form = Form::parse(uri.query().unwrap_or_default().as_bytes());
        let form = form
            .and(Form::from_body(&headers, &body))
            .and(multipart::read(&headers, &body));
        let (version, path) = split_path(uri.path().strip_prefix(host.prefix).unwrap_or_default());
        Ok(Self {
            context: context.clone(),
            host,
            people,
            method,
            form,
            version,
            path,
            headers,
        })
    }
}

/// Splits a path into its version, such as `/v25.0`, and the segments after it.
fn split_path(path: &str) -> (String, Vec<String>) {
    let mut segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect();
    let is_versioned = segments.first().is_some_and(|first| is_version(first));
    let version = if is_versioned {
        format!("/{}", segments.remove(0))
    } else {
        String::new()
    };
    (version, segments)
}

/// Returns whether a path segment is an API version, such as `v25.0`.
fn is_version(segment: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    segment
        .strip_prefix('v')
        .and_then(|v| v.split_once('.'))
        .is_some_and(|(a, b)| is_number(a) && is_number(b))
}

/// The holder of the token that a call carries, with the access it grants.
pub(crate) struct Caller {
    pub(crate) id: GrantId,
    pub(crate) person: String,
    pub(crate) client: &'static Client,
    pub(crate) scopes: ScopeSet,
    pub(crate) selection: Selection,
    pub(crate) token: String,
    /// Kind of token: `short`, `long` or `page`.
    pub(crate) kind: String,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Caller {
    /// Returns when access to the person's data expires, independent of the token's own expiry.
    pub(crate) fn data_access_expires_at(selection: &Selection) -> Timestamp {
        selection.consented_at + SignedDuration::from_secs(DATA_ACCESS_SECONDS)
    }
}

impl GraphCall {
    pub(crate) fn settings(&self) -> MetaSettings {
        self.context
            .settings()
            .meta
            .unwrap_or(MetaSettings::DEFAULT)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.context.shared.now()
    }

    /// Authenticates and rate-limits the call, then responds with the result of `work`.
    pub(crate) async fn respond(
        &self,
        endpoint: &str,
        work: impl FnOnce(&Caller) -> Result<Value, GraphError>,
    ) -> Response {
        let work = async {
            match self.caller() {
                Err(error) => error.into_response(),
                Ok(caller) => self.rate_limited(&caller, || work(&caller)),
            }
        };
        self.context.serve_endpoint(endpoint, work).await
    }

    /// Returns the token from the `access_token` parameter, else from the `Authorization` header.
    pub(crate) fn token(&self) -> Option<&str> {
        let bearer = || {
            let line = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
            let (_, token) = line
                .split_once(' ')
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?;
            Some(token.trim())
        };
        self.form.get("access_token").or_else(bearer)
    }

    pub(crate) fn caller(&self) -> Result<Caller, GraphError> {
        let token = self.token().ok_or_else(|| {
            GraphError::new(
                2500,
                "An access token is required to request this resource.",
            )
        })?;
        let caller = self.holder(token)?;
        self.check_proof(&caller)?;
        Ok(caller)
    }

    /// Returns the holder of `token`.
    ///
    /// # Errors
    /// Returns error 190 if the token is unknown, was issued by another platform, or is no longer
    /// valid.
    pub(crate) fn holder(&self, token: &str) -> Result<Caller, GraphError> {
        let world = self.context.shared.world();
        let record = world
            .grants
            .token_record(token, self.now())
            .filter(|record| record.grant.platform == self.context.slug());
        let record = record.ok_or_else(GraphError::unknown_token)?;
        if let Some(ending) = record.invalid_reason {
            return Err(GraphError::invalidated(ending));
        }
        let clients = self.context.platform.profile().clients;
        let client = clients
            .iter()
            .find(|client| client.id == record.grant.client);
        Ok(Caller {
            id: record.id,
            person: record.grant.person.clone(),
            client: client.ok_or_else(GraphError::unknown_token)?,
            scopes: record.grant.scopes.clone(),
            selection: record.grant.selection.clone(),
            token: token.to_owned(),
            kind: record.kind.to_owned(),
            expires_at: record.expires_at,
        })
    }

    /// Checks the `appsecret_proof`. A missing proof is an error only if the settings require one.
    pub(crate) fn check_proof(&self, caller: &Caller) -> Result<(), GraphError> {
        let expected = appsecret_proof(caller.client.secret, &caller.token);
        match self.form.get("appsecret_proof") {
            Some(proof) if bool::from(proof.as_bytes().ct_eq(expected.as_bytes())) => Ok(()),
            Some(_) => Err(GraphError::parameter(
                "Invalid appsecret_proof provided in the API argument.",
            )),
            None if self.settings().require_proof => Err(GraphError::parameter(
                "API calls from the server require an appsecret_proof argument.",
            )),
            None => Ok(()),
        }
    }

    pub(crate) fn person(&self, caller: &Caller) -> Result<&MetaPerson, GraphError> {
        self.people
            .get(&caller.person)
            .ok_or_else(GraphError::unknown_token)
    }

    /// Returns the Instagram accounts that the token gives access to.
    pub(crate) fn accounts<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = &'a Account> {
        let person = self.people.get(&caller.person).into_iter();
        let all = person.flat_map(MetaPerson::accounts).enumerate();
        let may_see = move |(at, account): &(usize, &Account)| {
            if self.host.is_login {
                *at == 0
            } else {
                caller.selection.has(&account.id)
            }
        };
        all.filter(may_see).map(|(_, account)| account)
    }

    /// Returns the account that the path refers to: by account id, as `me`, or by the id of a media
    /// item.
    pub(crate) fn account<'a>(&'a self, caller: &'a Caller) -> Option<&'a Account> {
        let id = self.path.first()?;
        let is_me = self.host.is_login && id == "me";
        self.accounts(caller).find(|account| {
            is_me
                || account.id == *id
                || self.host.is_login && account.login_id == *id
                || media::belongs_to(account, id)
        })
    }

    pub(crate) fn fields(&self) -> Result<Fields, GraphError> {
        Fields::parse(self.form.get("fields").unwrap_or("id"))
    }

    /// Returns a profile picture URL that expires after four days, as Meta's do.
    pub(crate) fn picture(&self, name: &str) -> String {
        let expires = (self.now() + SignedDuration::from_secs(4 * 86_400)).unix_ms() / 1000;
        format!(
            "{}/images/{name}.png?_nc_ht=sim&oe={expires:x}",
            self.context.shared.base_url()
        )
    }

    /// Counts the call against the rate limit and reports usage in the response headers.
    fn rate_limited(
        &self,
        caller: &Caller,
        work: impl FnOnce() -> Result<Value, GraphError>,
    ) -> Response {
        let settings = self.context.settings();
        let window = self.context.count_call(
            &format!("graph/{}/{}", caller.client.id, caller.person),
            settings.quota,
        );
        let account = self.account(caller);
        let outcome = if window.is_exceeded() {
            let code = u32::from(self.settings().throttle_code);
            // Error 80002 applies only to calls about an Instagram account; other calls get error
            // 4.
            Err(GraphError::throttled(
                if code == 80_002 && account.is_none() {
                    4
                } else {
                    code
                },
            ))
        } else {
            work()
        };
        let mut response = outcome.map_or_else(IntoResponse::into_response, |body| {
            json(StatusCode::OK, &body)
        });
        insert_usage_headers(response.headers_mut(), window, account);
        response
    }
}

/// Adds the two usage headers, from one percent of the quota on.
fn insert_usage_headers(headers: &mut HeaderMap, window: Window, account: Option<&Account>) {
    let percent = window
        .used
        .saturating_mul(100)
        .checked_div(window.quota)
        .unwrap_or(100)
        .min(100);
    if percent == 0 {
        return;
    }
    let regain_minutes = if window.is_exceeded() {
        (window.reset_seconds + 59) / 60
    } else {
        0
    };
    let usage =
        object!({ "call_count": percent, "total_time": percent / 2, "total_cputime": percent / 5 });
    let by_account = account.map(|account| {
        object!({ &account.id: [{
            "type": "instagram",
            "call_count": percent,
            "total_time": percent / 2,
            "total_cputime": percent / 5,
            "estimated_time_to_regain_access": regain_minutes,
        }]})
    });
    let both = [
        ("x-app-usage", Some(usage)),
        ("x-business-use-case-usage", by_account),
    ];
    for (name, value) in both {
        let value = value.and_then(|value| HeaderValue::try_from(value.to_string()).ok());
        headers.extend(value.map(|value| (HeaderName::from_static(name), value)));
    }
}
