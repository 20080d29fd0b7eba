//! The forms that OnlyFans's answers take: JSON, errors with a code of zero, and the page of the
//! filter in front.

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

/// What somebody sees who is not signed in: 200, and hardly anything in it.
pub(super) fn guest() -> Response {
    json(
        StatusCode::OK,
        &json!({ "isAuth": false, "view": "g", "csrf": "", "hasSystemNotifications": false }),
    )
}

/// For callers that are no browser.
pub(super) fn blocked() -> Response {
    (StatusCode::FORBIDDEN, Html(BLOCK_PAGE)).into_response()
}

/// 429, with the time to come back unless that is switched off.
pub(super) fn too_many(retry_after_s: i64, settings: Settings) -> Response {
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, "Too many calls.");
    if settings.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, retry_after_s.into());
    }
    response
}
