//! A call to a Graph host: whose token it carries, whether that token works, and how the caller
//! stands in its limits.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evergrant_model::{ScopeSet, Timestamp};
use serde_json::{Value, json as object};
use subtle::ConstantTimeEq as _;

use super::answer::json;
use super::{
    Account, Fields, GraphError, MetaPeople, MetaPerson, appsecret_proof, media, multipart,
};
use crate::engine::Form;
use crate::platform::Stage;
use crate::profile::Client;
use crate::settings::MetaSettings;
use crate::world::Window;
use crate::world::grants::{GrantId, Selection};

/// 90 days: for so long after consenting, a person's data may be read.
const DATA_ACCESS_S: i64 = 90 * 86_400;

/// What differs between the two Graph hosts.
pub(crate) struct Host {
    /// Where it is below the sandbox's base address.
    pub(crate) prefix: &'static str,
    /// The permission to read the account and its media.
    pub(crate) basic: &'static str,
    /// The permission to read insights.
    pub(crate) insights: &'static str,
    /// Whether a token stands for one Instagram account, which `me` then is.
    pub(crate) is_login: bool,
}

/// A call, taken apart.
pub(crate) struct GraphCall {
    pub(crate) stage: Stage,
    pub(crate) host: &'static Host,
    pub(crate) people: Arc<MetaPeople>,
    pub(crate) method: Method,
    /// The parameters of the query, then those of the body.
    pub(crate) form: Form,
    /// `/v25.0`, or nothing.
    pub(crate) version: String,
    /// What follows the version, by segments.
    pub(crate) path: Vec<String>,
    pub(crate) headers: HeaderMap,
}

impl FromRequest<Stage> for GraphCall {
    type Rejection = Response;

    async fn from_request(request: Request, stage: &Stage) -> Result<Self, Response> {
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
        let body = Bytes::from_request(request, stage)
            .await
            .map_err(IntoResponse::into_response)?;
        let form = Form::parse(uri.query().unwrap_or_default().as_bytes());
        let form = form
            .and(Form::of_body(&headers, &body))
            .and(multipart::read(&headers, &body));
        let path = uri.path().strip_prefix(host.prefix).unwrap_or_default();
        let mut path: Vec<String> = path
            .split('/')
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect();
        let is_versioned = path.first().is_some_and(|first| is_version(first));
        let version = if is_versioned {
            format!("/{}", path.remove(0))
        } else {
            String::new()
        };
        Ok(Self {
            stage: stage.clone(),
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

/// `v25.0` and its like.
fn is_version(segment: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    segment
        .strip_prefix('v')
        .and_then(|v| v.split_once('.'))
        .is_some_and(|(a, b)| is_number(a) && is_number(b))
}

/// Whose token came with a call, and what it may do.
pub(crate) struct Caller {
    pub(crate) id: GrantId,
    pub(crate) person: String,
    pub(crate) client: &'static Client,
    pub(crate) scopes: ScopeSet,
    pub(crate) selection: Selection,
    pub(crate) token: String,
    /// `short`, `long` or `page`.
    pub(crate) kind: String,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Caller {
    /// When reading the person's data ends, whatever the token says.
    pub(crate) fn data_ends_at(selection: &Selection) -> Timestamp {
        selection.consented_at.plus_seconds(DATA_ACCESS_S)
    }
}

impl GraphCall {
    pub(crate) fn settings(&self) -> MetaSettings {
        self.stage.settings().meta.unwrap_or(MetaSettings::USUAL)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.stage.shared.now()
    }

    /// Answers with what `work` makes of the caller, if there is one and it has calls left.
    pub(crate) async fn respond(
        &self,
        endpoint: &str,
        work: impl FnOnce(&Caller) -> Result<Value, GraphError>,
    ) -> Response {
        let work = async {
            match self.caller() {
                Err(error) => error.into_response(),
                Ok(caller) => self.limited(&caller, || work(&caller)),
            }
        };
        self.stage.attend(endpoint, work).await
    }

    /// The token of the call: a parameter, or a bearer.
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
        let token = self
            .token()
            .ok_or_else(|| GraphError::new(2500, "An access token is needed for this."))?;
        let caller = self.holder(token)?;
        self.check_proof(&caller)?;
        Ok(caller)
    }

    /// Whose token this is, if it works here.
    pub(crate) fn holder(&self, token: &str) -> Result<Caller, GraphError> {
        let world = self.stage.shared.world();
        let known = world
            .grants
            .recall(token, self.now())
            .filter(|known| known.grant.platform == self.stage.slug());
        let known = known.ok_or_else(GraphError::unreadable_token)?;
        if let Some(ending) = known.ending {
            return Err(GraphError::ended(ending));
        }
        let clients = self.stage.platform.profile().clients;
        let client = clients
            .iter()
            .find(|client| client.id == known.grant.client);
        Ok(Caller {
            id: known.id,
            person: known.grant.person.clone(),
            client: client.ok_or_else(GraphError::unreadable_token)?,
            scopes: known.grant.scopes.clone(),
            selection: known.grant.selection.clone(),
            token: token.to_owned(),
            kind: known.kind.to_owned(),
            expires_at: known.expires_at,
        })
    }

    /// A proof that is there has to be right; whether it has to be there is a switch.
    pub(crate) fn check_proof(&self, caller: &Caller) -> Result<(), GraphError> {
        let wanted = appsecret_proof(caller.client.secret, &caller.token);
        match self.form.get("appsecret_proof") {
            Some(proof) if bool::from(proof.as_bytes().ct_eq(wanted.as_bytes())) => Ok(()),
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
            .ok_or_else(GraphError::unreadable_token)
    }

    /// The accounts that the token may look at.
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

    /// The account that the path is about: by its id, as `me`, or by the id of one of its media.
    pub(crate) fn account<'a>(&'a self, caller: &'a Caller) -> Option<&'a Account> {
        let id = self.path.first()?;
        let is_me = self.host.is_login && id == "me";
        self.accounts(caller).find(|account| {
            is_me
                || account.id == *id
                || self.host.is_login && account.login_id == *id
                || media::is_of(account, id)
        })
    }

    pub(crate) fn fields(&self) -> Result<Fields, GraphError> {
        Fields::parse(self.form.get("fields").unwrap_or("id"))
    }

    /// The picture of a person, signed and soon out of date as Meta's are.
    pub(crate) fn picture(&self, name: &str) -> String {
        let ends = self.now().plus_seconds(4 * 86_400).unix_ms() / 1000;
        format!(
            "{}/images/{name}.png?_nc_ht=sim&oe={ends:x}",
            self.stage.shared.base_url()
        )
    }

    /// Counts the call, and tells how the window stands.
    fn limited(
        &self,
        caller: &Caller,
        work: impl FnOnce() -> Result<Value, GraphError>,
    ) -> Response {
        let settings = self.stage.settings();
        let window = self.stage.spend(
            &format!("graph/{}/{}", caller.client.id, caller.person),
            settings.quota,
        );
        let account = self.account(caller);
        let outcome = if window.is_exceeded() {
            let code = u32::from(self.settings().throttle_code);
            // Only calls about an Instagram account are counted as Instagram's.
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
        state_usage(response.headers_mut(), window, account);
        response
    }
}

/// Puts the two usage headers on an answer, once there is a percent to tell.
fn state_usage(headers: &mut HeaderMap, window: Window, account: Option<&Account>) {
    let percent = window
        .used
        .saturating_mul(100)
        .checked_div(window.quota)
        .unwrap_or(100)
        .min(100);
    if percent == 0 {
        return;
    }
    let regain_min = if window.is_exceeded() {
        (window.reset_s + 59) / 60
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
            "estimated_time_to_regain_access": regain_min,
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
