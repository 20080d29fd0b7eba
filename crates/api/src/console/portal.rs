//! `GET /portal/{code}`: sign-in to the console by a one-time link.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use evergrant_model::Call;
use evergrant_service::Presence;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::ConsoleCookie;
use crate::body::PathOf;
use crate::caller::AnonymousCall;
use crate::pages;
use crate::problem::ApiError;
use crate::state::ApiState;

/// The console page that a portal link opens.
const FIRST_PAGE: &str = "/integrations";

/// Open the console as a user
///
/// The `url` of a session that was created with `portal`. The link works once, within five minutes
/// of its creation. It starts a console session of the user and ends the session that the browser
/// had before.
#[utoipa::path(get, path = "/portal/{code}", operation_id = "openPortal", tag = "Console",
    params(("code" = String, Path,
        description = "The code of the link, already part of `url` in the response of \
            `POST /api/sessions`")),
    responses(
        (status = 204,
            description = "The request is a prefetch (`Sec-Purpose: prefetch`); the link stays \
                valid"),
        (status = 303,
            description = "Redirect to the console's first page, with the session cookie",
            headers(("Location" = String, description = "Path of the console's first page"))),
        (status = 410,
            description = "The link is unknown, already used or expired",
            content_type = "text/html"),
        (status = 503, description = "`DATABASE_ERROR`", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn open(
    State(state): State<ApiState>,
    PathOf(code): PathOf<String>,
    AnonymousCall(call): AnonymousCall,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if method == Method::HEAD || is_prefetch(&headers) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let response = sign_in(&state, &call, &code, &headers).await;
    response.unwrap_or_else(|ApiError(error)| {
        pages::portal_failed(&state.site, &error, &call.correlation_id)
    })
}

/// Returns whether the browser prefetches the link. A prefetch must not use up a one-time link.
fn is_prefetch(headers: &HeaderMap) -> bool {
    let purpose = headers
        .get("sec-purpose")
        .or_else(|| headers.get("purpose"));
    purpose
        .and_then(|purpose| purpose.to_str().ok())
        .is_some_and(|purpose| purpose.contains("prefetch"))
}

async fn sign_in(
    state: &ApiState,
    call: &Call,
    code: &str,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let console = state.service.console();
    let Some(started) = console.open_link(call, code).await? else {
        return Ok(pages::portal_expired(&state.site));
    };
    let cookie = ConsoleCookie::new(&state.service);
    if let Some(previous) = cookie.read(headers)
        && let Some(signed_in) = console.signed_in(previous, Presence::Passive).await?
        && let Some(session) = signed_in.caller.session()
    {
        state.service.sessions().end(call, session).await?;
    }
    let location = HeaderValue::from_str(&state.public_url().path_of(FIRST_PAGE))
        .unwrap_or_else(|_| unreachable!("the path of a public URL is ASCII"));
    let headers = [
        (header::LOCATION, location),
        (header::SET_COOKIE, cookie.set(&started.secret)),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
