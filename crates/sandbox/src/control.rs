//! The control API: what [`Sandbox`] offers in the same process, over HTTP and in JSON, for tests
//! in any language.
//!
//! It is for this machine alone: callers from elsewhere, other sites in a browser here, and names
//! that merely resolve to this machine are all refused.

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
use crate::{CallbackOrder, Fault, Sandbox, SandboxError, Switch};

pub(crate) fn routes(sandbox: Sandbox) -> Router {
    let guard = from_fn_with_state(sandbox.clone(), from_this_machine_only);
    Router::new()
        .route("/calls", get(calls))
        .route("/people", get(people))
        .route("/switches", get(switches).post(switch))
        .route("/reset", post(reset))
        .route("/clock", get(clock).post(move_clock))
        .route("/faults", post(fault))
        .route("/release", post(release))
        .route("/revoke-user", post(revoke_user))
        .route("/approve", post(approve))
        .route("/tokens", post(tokens))
        .route("/session", post(session))
        .route("/webhooks", post(webhook))
        .route("/invalidate", post(invalidate))
        .route("/callbacks", post(callback))
        .fallback(|| async {
            Refused(
                StatusCode::NOT_FOUND,
                "there is no such control; GET / lists them all".into(),
            )
        })
        .method_not_allowed_fallback(|| async {
            Refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "this control takes another method; GET / lists them all".into(),
            )
        })
        .layer(guard)
        .with_state(sandbox)
}

type Reply = Result<Json<Value>, Refused>;

/// Why a control was not carried out, in words for whoever wrote the call.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<SandboxError> for Refused {
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

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Self(
            StatusCode::BAD_REQUEST,
            format!("the body does not read: {error}"),
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
        let pairs = platforms.filter_map(|platform| {
            let card = platform.cards().iter().find(|card| card.person == handle)?;
            let account =
                json!({ "id": card.account_id, "username": card.username, "about": card.about });
            Some((platform.profile().slug.to_owned(), account))
        });
        Value::Object(pairs.collect())
    };
    let people = shared.people().iter();
    let people = people.map(
        |someone| json!({ "person": someone.handle, "name": someone.name, "accounts": accounts(&someone.handle) }),
    );
    Json(json!({ "people": people.collect::<Vec<_>>() }))
}

async fn switches(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.shared().world().settings))
}

async fn switch(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
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

async fn reset(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
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

async fn move_clock(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Body {
        advance_seconds: i64,
    }
    let Body { advance_seconds } = read(&body)?;
    sandbox.advance_seconds(advance_seconds);
    Ok(clock(State(sandbox)).await)
}

async fn fault(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
    sandbox.force_next(read::<Fault>(&body)?)?;
    Ok(Json(json!({})))
}

async fn release(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.release();
    Json(json!({}))
}

/// Whose grants, and where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grantor {
    platform: String,
    person: String,
}

async fn revoke_user(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
    let Grantor { platform, person } = read(&body)?;
    let ended = sandbox.revoke_user(&platform, &person)?;
    Ok(Json(json!({ "grantsEnded": ended })))
}

async fn tokens(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
    let Grantor { platform, person } = read(&body)?;
    let (access, refresh) = sandbox.tokens(&platform, &person)?;
    Ok(Json(
        json!({ "accessToken": access, "refreshToken": refresh }),
    ))
}

async fn invalidate(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
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
    let hit = sandbox.invalidate(&platform, &person, subcode)?;
    Ok(Json(json!({ "grantsHit": hit })))
}

async fn callback(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
    let answers = sandbox
        .send_callback(&read::<CallbackOrder>(&body)?)
        .await?;
    Ok(Json(json!({ "answers": answers })))
}

async fn approve(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
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
            return Err(Refused(
                StatusCode::BAD_REQUEST,
                "missing field `person`, or \"deny\": true".into(),
            ));
        }
        Some(person) => {
            let [scopes, assets] = [&scopes, &assets].map(|list| {
                list.as_ref()
                    .map(|some| some.iter().map(String::as_str).collect::<Vec<_>>())
            });
            sandbox.approve_sharing(&auth_url, &person, scopes.as_deref(), assets.as_deref())
        }
    };
    Ok(Json(json!({ "location": location? })))
}

async fn session(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
    let Grantor { platform, person } = read(&body)?;
    Ok(Json(json!(sandbox.session(&platform, &person)?)))
}

async fn webhook(State(sandbox): State<Sandbox>, body: Bytes) -> Reply {
    let statuses = sandbox.send_webhook(read(&body)?).await?;
    Ok(Json(json!({ "statuses": statuses })))
}

fn read<B: DeserializeOwned>(body: &[u8]) -> Result<B, Refused> {
    Ok(serde_json::from_slice(body)?)
}

/// Three ways in that a control of this machine must not have: another machine, a name that an
/// attacker pointed at this one (DNS rebinding), and a page of another site that is open in a
/// browser here.
async fn from_this_machine_only(
    State(sandbox): State<Sandbox>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_near = peer.is_none_or(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    if !is_near || !is_for_us(request.headers(), sandbox.shared().base_url()) {
        let why = "the controls are for programs on this machine alone".to_owned();
        return Refused(StatusCode::FORBIDDEN, why).into_response();
    }
    next.run(request).await
}

fn is_for_us(headers: &HeaderMap, base_url: &str) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_ours = |url: &Url| {
        is_loopback(url) || Url::parse(base_url).is_ok_and(|own| own.origin() == url.origin())
    };
    let Some(host) = text(header::HOST) else {
        return text(header::ORIGIN).is_none();
    };
    let host_is_ours = [format!("http://{host}"), format!("https://{host}")]
        .iter()
        .any(|url| Url::parse(url).is_ok_and(|url| is_ours(&url)));
    let same_origin =
        |origin: &str| origin == format!("http://{host}") || origin == format!("https://{host}");
    host_is_ours && text(header::ORIGIN).is_none_or(same_origin)
}
