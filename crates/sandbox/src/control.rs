//! The control API: the methods of [`Sandbox`] as JSON over HTTP, for tests in any language.
//!
//! It accepts local callers only. Requests from other machines, from other sites in a local
//! browser, and for other host names that resolve to this machine are rejected.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::loopback::is_loopback;
use crate::{CallbackRequest, Fault, Sandbox, SandboxError, Switch};

pub(crate) fn routes(sandbox: Sandbox) -> Router {
    let guard = from_fn_with_state(sandbox.clone(), require_local_caller);
    Router::new()
        .route("/calls", get(calls))
        .route("/people", get(people))
        .route("/switches", get(switches).post(set_switch))
        .route("/reset", post(reset))
        .route("/clock", get(clock).post(advance_clock))
        .route("/faults", post(fault))
        .route("/clear-faults", post(clear_faults))
        .route("/release", post(release))
        .route("/revoke-user", post(revoke_user))
        .route("/approve", post(approve))
        .route("/tokens", post(tokens))
        .route("/session", post(session))
        .route("/webhooks", post(webhook))
        .route("/invalidate", post(invalidate))
        .route("/callbacks", post(callback))
        .fallback(|| async {
            ControlError(
                StatusCode::NOT_FOUND,
                "unknown control; GET / lists all controls".into(),
            )
        })
        .method_not_allowed_fallback(|| async {
            ControlError(
                StatusCode::METHOD_NOT_ALLOWED,
                "this control requires another method; GET / lists all controls".into(),
            )
        })
        .layer(guard)
        .with_state(sandbox)
}

type ControlResult = Result<Json<Value>, ControlError>;

/// Status and error text for the author of a failed call.
struct ControlError(StatusCode, String);

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<SandboxError> for ControlError {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::StateFile { .. } | SandboxError::People(_) => {
                Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
            SandboxError::Undelivered { ref source, .. } => {
                Self(StatusCode::BAD_GATEWAY, format!("{error}: {source}"))
            }
            _ => Self(StatusCode::BAD_REQUEST, error.to_string()),
        }
    }
}

impl From<serde_json::Error> for ControlError {
    fn from(error: serde_json::Error) -> Self {
        Self(
            StatusCode::BAD_REQUEST,
            format!("invalid request body: {error}"),
        )
    }
}

async fn calls(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.calls()))
}

async fn people(State(sandbox): State<Sandbox>) -> Json<Value> {
    let shared = sandbox.shared();
    let accounts = |handle: &str| -> Value {
        let platforms = sandbox.platforms().iter();
        let accounts = platforms.filter_map(|platform| {
            let card = platform.cards().iter().find(|card| card.person == handle)?;
            let account =
                json!({ "id": card.account_id, "username": card.username, "about": card.about });
            Some((platform.profile().slug.to_owned(), account))
        });
        Value::Object(accounts.collect())
    };
    let people = shared.people().iter();
    let people = people.map(
        |person| json!({ "person": person.handle, "name": person.name, "accounts": accounts(&person.handle) }),
    );
    Json(json!({ "people": people.collect::<Vec<_>>() }))
}

async fn switches(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.shared().world().settings))
}

async fn set_switch(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        platform: String,
        switch: String,
        value: Value,
    }
    let Body {
        platform,
        switch,
        value,
    } = read(&body)?;
    let switch: Switch = serde_json::from_value(json!({ "switch": switch, "value": value }))?;
    sandbox.set(&platform, switch)?;
    Ok(Json(json!(sandbox.shared().world().settings)))
}

async fn reset(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {}
    if !body.is_empty() {
        let Body {} = read(&body)?;
    }
    sandbox.reset()?;
    Ok(Json(json!({})))
}

async fn clock(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!({ "now": sandbox.shared().now() }))
}

async fn advance_clock(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Body {
        advance_seconds: i64,
    }
    let Body { advance_seconds } = read(&body)?;
    sandbox.advance_seconds(advance_seconds);
    Ok(clock(State(sandbox)).await)
}

async fn fault(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    sandbox.inject_fault(read::<Fault>(&body)?)?;
    Ok(Json(json!({})))
}

async fn clear_faults(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.clear_faults();
    Json(json!({}))
}

async fn release(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.release();
    Json(json!({}))
}

/// A person at a platform.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformPerson {
    platform: String,
    person: String,
}

async fn revoke_user(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    let PlatformPerson { platform, person } = read(&body)?;
    let revoked = sandbox.revoke_user(&platform, &person)?;
    Ok(Json(json!({ "grantsEnded": revoked })))
}

async fn tokens(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    let PlatformPerson { platform, person } = read(&body)?;
    let (access, refresh) = sandbox.tokens(&platform, &person)?;
    Ok(Json(
        json!({ "accessToken": access, "refreshToken": refresh }),
    ))
}

async fn invalidate(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        platform: String,
        person: String,
        subcode: Option<u32>,
    }
    let Body {
        platform,
        person,
        subcode,
    } = read(&body)?;
    let changed = sandbox.invalidate(&platform, &person, subcode)?;
    Ok(Json(json!({ "grantsHit": changed })))
}

async fn callback(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    let responses = sandbox
        .send_callback(&read::<CallbackRequest>(&body)?)
        .await?;
    Ok(Json(json!({ "answers": responses })))
}

async fn approve(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Body {
        auth_url: String,
        person: Option<String>,
        scopes: Option<Vec<String>>,
        assets: Option<Vec<String>>,
        #[serde(default)]
        deny: bool,
    }
    let Body {
        auth_url,
        person,
        scopes,
        assets,
        deny,
    } = read(&body)?;
    let location = match person {
        _ if deny => sandbox.deny(&auth_url),
        None => {
            return Err(ControlError(
                StatusCode::BAD_REQUEST,
                "missing field `person`, or \"deny\": true".into(),
            ));
        }
        Some(person) => {
            let [scopes, assets] = [&scopes, &assets].map(|list| {
                list.as_ref()
                    .map(|names| names.iter().map(String::as_str).collect::<Vec<_>>())
            });
            sandbox.approve_with_assets(&auth_url, &person, scopes.as_deref(), assets.as_deref())
        }
    };
    Ok(Json(json!({ "location": location? })))
}

async fn session(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    let PlatformPerson { platform, person } = read(&body)?;
    Ok(Json(json!(sandbox.session(&platform, &person)?)))
}

async fn webhook(State(sandbox): State<Sandbox>, body: Bytes) -> ControlResult {
    let statuses = sandbox.send_webhook(read(&body)?).await?;
    Ok(Json(json!({ "statuses": statuses })))
}

fn read<B: DeserializeOwned>(body: &[u8]) -> Result<B, ControlError> {
    Ok(serde_json::from_slice(body)?)
}

/// Rejects three kinds of callers: other machines, requests for a host name that an attacker points
/// at this machine (DNS rebinding), and pages of other sites in a local browser.
pub(crate) async fn require_local_caller(
    State(sandbox): State<Sandbox>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_local = peer.is_none_or(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    if !is_local || !is_same_origin(request.headers(), sandbox.shared().base_url()) {
        let detail = "the control API accepts local callers only".to_owned();
        return ControlError(StatusCode::FORBIDDEN, detail).into_response();
    }
    next.run(request).await
}

/// Returns whether `Host` names the sandbox and `Origin`, if any, is the same origin.
fn is_same_origin(headers: &HeaderMap, base_url: &str) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_sandbox = |url: &Url| {
        is_loopback(url) || Url::parse(base_url).is_ok_and(|own| own.origin() == url.origin())
    };
    let Some(host) = text(header::HOST) else {
        return text(header::ORIGIN).is_none();
    };
    let host_is_sandbox = [format!("http://{host}"), format!("https://{host}")]
        .iter()
        .any(|url| Url::parse(url).is_ok_and(|url| is_sandbox(&url)));
    let same_origin =
        |origin: &str| origin == format!("http://{host}") || origin == format!("https://{host}");
    host_is_sandbox && text(header::ORIGIN).is_none_or(same_origin)
}
