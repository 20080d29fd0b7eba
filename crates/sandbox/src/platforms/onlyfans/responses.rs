//! OnlyFans's response formats: JSON, errors with code 0, and the block page of its bot filter.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use crate::faults::BLOCK_PAGE;
use crate::settings::Settings;

pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let labels = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, labels, body.to_string()).into_response()
}

pub(super) fn error(status: StatusCode, message: &str) -> Response {
    json(
        status,
        &json!({ "error": { "code": 0, "message": message } }),
    )
}

/// Responds to a caller who is not signed in: status 200 with `isAuth` set to false.
pub(super) fn guest() -> Response {
    json(
        StatusCode::OK,
        &json!({ "isAuth": false, "view": "g", "csrf": "", "hasSystemNotifications": false }),
    )
}

/// Responds to a caller that is not a browser: 403 with the block page.
pub(super) fn blocked() -> Response {
    (StatusCode::FORBIDDEN, Html(BLOCK_PAGE)).into_response()
}

/// Responds with 429, and with `Retry-After` unless the settings omit it.
pub(super) fn too_many(retry_after_seconds: i64, settings: Settings) -> Response {
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, "Too many calls.");
    if settings.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, retry_after_seconds.into());
    }
    response
}
