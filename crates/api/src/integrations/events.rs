//! `GET /api/integrations/events`

use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use evergrant_model::Timestamp;
use evergrant_service::{ServiceError, UserEvent, UserEvents};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::{ForUser, Watch};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;
use crate::views::IntegrationView;

pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Proxies close what is silent for longer, and nobody could tell a dead stream from a quiet one.
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(15);
/// How soon a browser comes back to a stream that was cut off.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);
/// nginx holds back what it does not know to be a stream.
const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);
const NEVER_STORED: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// What `ready` and `reset` say.
#[derive(Serialize, ToSchema)]
#[schema(as = VersionEvent)]
pub(crate) struct VersionSeen {
    /// The user's version: what comes later is told.
    version: i64,
}

/// What `connected`, `refreshed`, `expiring`, `expired`, `error` and `disconnected` say.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntegrationEvent)]
pub(crate) struct AccountEvent {
    /// The user's version after it; the same as the event's `id`.
    version: i64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// At which platform.
    provider: String,
    /// The account's id there.
    account_id: String,
    /// The account as it stands now; absent where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<IntegrationView>,
}

/// What `flow` says.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlowEvent {
    /// The user's version after it; the same as the event's `id`.
    version: i64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Which flow.
    flow_id: String,
    /// As `GET /api/integrations/flows/{id}` says it: `choose`, `pending`, `connected` or `error`.
    status: String,
    /// Why it came to nothing; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// The user's connections as they change, as server-sent events.
///
/// `ready` comes first, then `connected`, `refreshed`, `expiring`, `expired`, `error`,
/// `disconnected` and `flow`, each once and in the order of their `id`, which is the user's
/// version. With `Last-Event-ID` what was missed comes first; `reset` instead of it where that is
/// too long ago: then read the list again. The stream ends with the credential that it was opened
/// with, and when the program does.
#[utoipa::path(get, path = "/api/integrations/events", operation_id = "streamEvents", tag = "Integrations",
    params(("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen"),
        ("Evergrant-User" = Option<String>, Header, description = "With an API key: whose events")),
    responses(
        (status = 200, description = "The stream; each event's data is one of these as JSON", content((VersionSeen = "text/event-stream"))),
        (status = 404, description = "`USER_NOT_FOUND`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`OVERLOADED`: too many streams of this user; `DATABASE_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn events(
    State(state): State<ApiState>,
    caller: ForUser<Watch>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let seen = last_seen(&headers)?;
    let events = state
        .service
        .events()
        .open(&caller.call, caller.user, caller.caller, seen)
        .await?;
    let stream = Sse::new(stream::unfold(events, next))
        .keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE_EVERY));
    Ok(([NEVER_STORED, UNBUFFERED], stream).into_response())
}

/// The version that a returning stream has seen last.
fn last_seen(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let mut sent = headers.get_all(LAST_EVENT_ID).iter();
    let Some(value) = sent.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let seen = text
        .parse()
        .ok()
        .filter(|_| sent.next().is_none() && text.bytes().all(|b| b.is_ascii_digit()));
    let fault = || {
        ServiceError::field(
            "Last-Event-ID",
            "must be the id of an event, a whole number",
        )
        .into()
    };
    seen.map(Some).ok_or_else(fault)
}

async fn next(mut events: UserEvents) -> Option<(Result<Event, axum::Error>, UserEvents)> {
    let event = events.next().await?;
    Some((written(event), events))
}

fn written(event: UserEvent) -> Result<Event, axum::Error> {
    match event {
        UserEvent::Ready { version } => Ok(numbered(version, "ready")
            .retry(COME_BACK_AFTER)
            .json_data(VersionSeen { version })?),
        UserEvent::Reset { version } => {
            numbered(version, "reset").json_data(VersionSeen { version })
        }
        UserEvent::Flow {
            version,
            at,
            flow,
            status,
            code,
        } => numbered(version, "flow").json_data(FlowEvent {
            version,
            at,
            flow_id: flow,
            status,
            code,
        }),
        UserEvent::Account {
            version,
            kind,
            at,
            provider,
            account,
            integration,
        } => {
            let integration = integration.map(|one| IntegrationView::from(*one));
            let event = AccountEvent {
                version,
                at,
                provider,
                account_id: account,
                integration,
            };
            numbered(version, kind.as_str()).json_data(event)
        }
    }
}

fn numbered(version: i64, name: &str) -> Event {
    Event::default().id(version.to_string()).event(name)
}
