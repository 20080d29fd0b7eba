//! `GET /portal/{code}`: the way into the console for an app's user.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use evergrant_model::Call;
use evergrant_service::Presence;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::ConsoleCookie;
use crate::body::PathOf;
use crate::caller::Visitor;
use crate::pages;
use crate::problem::ApiError;
use crate::state::ApiState;

/// Where a portal link leads.
const FIRST_PAGE: HeaderValue = HeaderValue::from_static("/integrations");

/// Opens the console as a user, once, within five minutes: the `url` of a session that was begun
/// with `portal`.
///
/// Whoever was signed in there before is signed out.
#[utoipa::path(get, path = "/portal/{code}", operation_id = "openPortal", tag = "Console",
    params(("code" = String, Path, description = "From `POST /api/sessions`; it stands in `url` already")),
    responses(
        (status = 204, description = "Nobody has followed the link yet (`Sec-Purpose: prefetch`): it is not spent"),
        (status = 303, description = "To the console's first page, with its cookie"),
        (status = 410, description = "The link is unknown, has been used or has expired", content_type = "text/html"),
        (status = 503, description = "`DATABASE_ERROR`", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn open(
    State(state): State<ApiState>,
    PathOf(code): PathOf<String>,
    Visitor(call): Visitor,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if method == Method::HEAD || is_ahead_of_time(&headers) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let opened = opened(&state, &call, &code, &headers).await;
    opened.unwrap_or_else(|ApiError(error)| pages::portal_failed(&error, &call.correlation_id))
}

/// Whether a browser asks before anybody has followed the link: a link that works once is not spent
/// on that.
fn is_ahead_of_time(headers: &HeaderMap) -> bool {
    let purpose = headers
        .get("sec-purpose")
        .or_else(|| headers.get("purpose"));
    purpose
        .and_then(|purpose| purpose.to_str().ok())
        .is_some_and(|purpose| purpose.contains("prefetch"))
}

async fn opened(
    state: &ApiState,
    call: &Call,
    code: &str,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let console = state.service.console();
    let Some(started) = console.open_link(call, code).await? else {
        return Ok(pages::portal_closed());
    };
    let cookie = ConsoleCookie::of(&state.service);
    if let Some(before) = cookie.read(headers)
        && let Some(signed_in) = console.signed_in(before, Presence::Passive).await?
        && let Some(session) = signed_in.caller.session()
    {
        state.service.sessions().end(call, session).await?;
    }
    let headers = [
        (header::LOCATION, FIRST_PAGE),
        (header::SET_COOKIE, cookie.given(&started.secret)),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
