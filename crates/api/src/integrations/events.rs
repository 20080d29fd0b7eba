//! `GET /api/integrations/events`

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use evergrant_model::{EventKind, Timestamp};
use evergrant_service::{ServiceError, UserEvent, UserEvents};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use utoipa::openapi::{ObjectBuilder, OneOf, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::caller::{ForUser, PassiveRead};
use crate::problem::ApiError;
use crate::state::ApiState;
use crate::views::IntegrationView;

pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The interval of keep-alive comments. Proxies close idle connections, and without a comment a
/// client cannot distinguish a dead stream from an idle one.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// The delay before a browser reconnects to an interrupted stream (`retry` of SSE).
const RECONNECT_DELAY: Duration = Duration::from_secs(1);
/// Turns off response buffering in nginx.
const NO_BUFFERING: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);
const NO_STORE: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// The data of `ready` and `reset` events.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionEvent {
    /// The user's version. Later events have higher versions.
    version: i64,
}

/// The data of `connected`, `refreshed`, `expiring`, `expired`, `error` and `disconnected` events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationEvent {
    /// The user's version after the event. Equals the event's `id`.
    version: i64,
    /// When the event happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Provider name, such as `reddit`.
    provider: String,
    /// The account's id at the platform.
    account_id: String,
    /// The account as it is now. Absent if it is no longer connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<IntegrationView>,
}

/// The data of `flow` events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlowEvent {
    /// The user's version after the event. Equals the event's `id`.
    version: i64,
    /// When the event happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Id of the flow.
    flow_id: String,
    /// The flow's status: `choose`, `pending`, `connected` or `error`, as in
    /// `GET /api/integrations/flows/{flowId}`.
    status: String,
    /// Error code of a flow that failed. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// One event of the stream.
pub(crate) struct StreamEvent;

impl ToSchema for StreamEvent {}

impl PartialSchema for StreamEvent {
    fn schema() -> RefOr<Schema> {
        let is_of_account =
            |kind: &&EventKind| !matches!(kind, EventKind::Flow | EventKind::CredentialEnded);
        let account = EventKind::ALL.iter().filter(is_of_account);
        let account: Vec<_> = account.map(|kind| kind.as_str()).collect();
        let mut kinds = OneOf::new();
        kinds.description = Some("One event of the stream.".to_owned());
        kinds.items = vec![
            event_schema("VersionMessage", &["ready", "reset"], "VersionEvent"),
            event_schema("IntegrationMessage", &account, "IntegrationEvent"),
            event_schema("FlowMessage", &["flow"], "FlowEvent"),
        ];
        Schema::OneOf(kinds).into()
    }
}

/// Returns the schema of the events with these names, whose data has the schema `data`.
fn event_schema(title: &str, names: &[&str], data: &str) -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    ObjectBuilder::new()
        .title(Some(title))
        .property(
            "id",
            text()
                .pattern(Some("^[0-9]{1,18}$"))
                .description(Some("The user's version after the event.")),
        )
        .property(
            "event",
            text()
                .enum_values(Some(names.iter().copied()))
                .description(Some("Kind of the event.")),
        )
        .property(
            "data",
            text()
                .content_media_type("application/json")
                .content_schema(Some(Ref::from_schema_name(data)))
                .description(Some("The event, as JSON.")),
        )
        .required("id")
        .required("event")
        .required("data")
        .build()
        .into()
}

/// Stream changes of the user's accounts
///
/// A stream of server-sent events. The first event is `ready`; `connected`, `refreshed`,
/// `expiring`, `expired`, `error`, `disconnected` and `flow` follow, each once and in the order of
/// their `id`, which is the user's version. A request with `Last-Event-ID` first receives the
/// events since that id, or `reset` if they are no longer available; then read the list again. The
/// stream ends when the credential that opened it ends, or when the server shuts down.
#[utoipa::path(get, path = "/api/integrations/events", operation_id = "streamEvents",
    tag = "Integrations",
    params(("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,18}$",
            description = "The `id` of the last event received. Default: start with the current \
                version"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:read"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200,
            description = "The stream. The schema describes one event. Its data is a JSON object: \
                `VersionEvent`, `IntegrationEvent` or `FlowEvent`",
            content((StreamEvent = "text/event-stream"))),
        (status = 404, description = "`USER_NOT_FOUND`"),
        (status = 422,
            description = "`VALIDATION_ERROR`: `Last-Event-ID` is not the id of an event"),
        (status = 503,
            description = "`OVERLOADED`: the user has too many open streams; `DATABASE_ERROR`"),
    ))]
pub(crate) async fn events(
    State(state): State<ApiState>,
    caller: ForUser<PassiveRead>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let last_version = last_event_id(&headers)?;
    let events = state
        .service
        .events()
        .open(&caller.call, caller.user, caller.caller, last_version)
        .await?;
    let stream = Sse::new(stream::unfold(events, next))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL));
    Ok(([NO_STORE, NO_BUFFERING], stream).into_response())
}

/// Returns the version in `Last-Event-ID`; `None` for a new stream.
///
/// # Errors
///
/// `VALIDATION_ERROR` if the header is repeated or not a whole number.
fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let mut sent = headers.get_all(LAST_EVENT_ID).iter();
    let Some(value) = sent.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let version = text
        .parse()
        .ok()
        .filter(|_| sent.next().is_none() && is_event_id(text));
    let error = || {
        ServiceError::field(
            "Last-Event-ID",
            "must be the id of an event, a whole number",
        )
        .into()
    };
    version.map(Some).ok_or_else(error)
}

/// Returns whether the text is a version, which has at most 18 digits.
fn is_event_id(text: &str) -> bool {
    (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

async fn next(mut events: UserEvents) -> Option<(Result<Event, axum::Error>, UserEvents)> {
    let event = events.next().await?;
    Some((to_sse(event), events))
}

fn to_sse(event: UserEvent) -> Result<Event, axum::Error> {
    match event {
        UserEvent::Ready { version } => Ok(numbered(version, "ready")
            .retry(RECONNECT_DELAY)
            .json_data(VersionEvent { version })?),
        UserEvent::Reset { version } => {
            numbered(version, "reset").json_data(VersionEvent { version })
        }
        UserEvent::Flow {
            version,
            at,
            flow: flow_id,
            status,
            code,
        } => numbered(version, "flow").json_data(FlowEvent {
            version,
            at,
            flow_id,
            status,
            code,
        }),
        UserEvent::Account {
            version,
            kind,
            at,
            provider,
            account: account_id,
            integration,
        } => numbered(version, kind.as_str()).json_data(IntegrationEvent {
            version,
            at,
            provider,
            account_id,
            integration: integration.map(|one| IntegrationView::from(Arc::unwrap_or_clone(one))),
        }),
    }
}

fn numbered(version: i64, name: &str) -> Event {
    Event::default().id(version.to_string()).event(name)
}
