//! Reddit's response formats: JSON, errors with a numeric `error`, block pages and rate limit
//! headers.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use crate::faults::BLOCK_PAGE;
use crate::settings::Settings;
use crate::world::Window;

/// Returns a JSON response with Reddit's headers.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let labels = [
        (header::CONTENT_TYPE, "application/json; charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, labels, body.to_string()).into_response()
}

/// Returns the generic error: the status as reason phrase and as number.
pub(super) fn plain_error(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or_default();
    json(
        status,
        &json!({ "message": reason, "error": status.as_u16() }),
    )
}

/// Returns the error of a data endpoint. `error` is `invalid_token` or `insufficient_scope` (RFC
/// 6750 §3.1).
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

/// Responds with 429, and with `Retry-After` unless the settings omit it.
pub(super) fn too_many(retry_after_seconds: i64, settings: Settings) -> Response {
    let mut response = plain_error(StatusCode::TOO_MANY_REQUESTS);
    if settings.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
    }
    response
}

/// Adds the three rate limit headers.
///
/// `remaining` is a string because the two hosts format it differently.
pub(super) fn set_rate_limit_headers(response: &mut Response, window: Window, remaining: &str) {
    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static("x-ratelimit-used"),
        HeaderValue::from(window.used),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-reset"),
        HeaderValue::from(window.reset_seconds),
    );
    let remaining = HeaderValue::try_from(remaining).ok();
    headers.extend(
        remaining.map(|remaining| (HeaderName::from_static("x-ratelimit-remaining"), remaining)),
    );
}

/// Prefixes of the default `User-Agent` of HTTP libraries, in lower case.
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

/// Returns the block page for a request without a descriptive `User-Agent`.
///
/// The status is 429 if the header is missing or a library's default, and 403 if it claims to be a
/// browser.
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

/// HTML-escapes every string, as Reddit does without `raw_json=1`.
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
