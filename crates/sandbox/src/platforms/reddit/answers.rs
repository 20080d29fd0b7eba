//! The forms that Reddit's answers take: JSON, errors with a number for a name, block pages, and
//! the limit's headers.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use crate::faults::BLOCK_PAGE;
use crate::settings::Settings;
use crate::world::Window;

/// JSON as Reddit labels it.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let labels = [
        (header::CONTENT_TYPE, "application/json; charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, labels, body.to_string()).into_response()
}

/// The general error: the status once in words, once as a number.
pub(super) fn plain_error(status: StatusCode) -> Response {
    let words = status.canonical_reason().unwrap_or_default();
    json(
        status,
        &json!({ "message": words, "error": status.as_u16() }),
    )
}

/// 401 or 403 of a data endpoint: `error` is `invalid_token` or `insufficient_scope` (RFC 6750
/// §3.1).
pub(super) fn bearer_error(status: StatusCode, error: &str) -> Response {
    let mut response = plain_error(status);
    let challenge = HeaderValue::try_from(format!("Bearer realm=\"reddit\", error=\"{error}\""));
    response.headers_mut().extend(
        challenge
            .ok()
            .map(|challenge| (header::WWW_AUTHENTICATE, challenge)),
    );
    response
}

/// 429, with the time to come back unless that is switched off.
pub(super) fn too_many(retry_after_s: i64, settings: Settings) -> Response {
    let mut response = plain_error(StatusCode::TOO_MANY_REQUESTS);
    if settings.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    }
    response
}

/// Puts the three headers of the limit on an answer. `remaining` is a text because the two hosts
/// write it differently.
pub(super) fn state_limit(response: &mut Response, window: Window, remaining: &str) {
    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static("x-ratelimit-used"),
        HeaderValue::from(window.used),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-reset"),
        HeaderValue::from(window.reset_s),
    );
    let remaining = HeaderValue::try_from(remaining).ok();
    headers.extend(
        remaining.map(|remaining| (HeaderName::from_static("x-ratelimit-remaining"), remaining)),
    );
}

/// What HTTP libraries call themselves when nobody told them a better name.
const LIBRARIES: [&str; 16] = [
    "python",
    "curl/",
    "wget/",
    "go-http-client",
    "node",
    "undici",
    "axios/",
    "java/",
    "okhttp/",
    "ruby",
    "reqwest",
    "hyper/",
    "libwww",
    "perl",
    "php",
    "postman",
];

/// The page for a caller that does not say who it is: 429 without a name or with a library's own,
/// 403 for a program that pretends to be a browser.
pub(super) fn block_page(headers: &HeaderMap) -> Option<Response> {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let agent = agent.trim().to_ascii_lowercase();
    let status = if agent.starts_with("mozilla/") || agent.starts_with("opera/") {
        StatusCode::FORBIDDEN
    } else if agent.is_empty() || LIBRARIES.iter().any(|library| agent.starts_with(library)) {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        return None;
    };
    Some((status, Html(BLOCK_PAGE)).into_response())
}

/// Escapes every text for HTML, as Reddit does unless asked for raw JSON.
pub(super) fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(['&', '<', '>']) => {
            *text = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
        }
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(fields) => fields.values_mut().for_each(escape),
        _ => {}
    }
}
