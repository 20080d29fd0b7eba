//! Responses of the Graph API.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

/// Returns a JSON response with the Graph API's headers.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let labels = [
        (header::CONTENT_TYPE, "application/json; charset=UTF-8"),
        (header::CACHE_CONTROL, "private, no-cache"),
    ];
    (status, labels, body.to_string()).into_response()
}
