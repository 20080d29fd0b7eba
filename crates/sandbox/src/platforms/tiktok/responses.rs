//! TikTok's response formats: flat OAuth errors, and an envelope for everything else.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Why a data endpoint rejects a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataError {
    /// The token is missing, unknown, revoked or expired.
    AccessTokenInvalid,
    /// The person did not grant a scope that the endpoint or a field needs.
    ScopeNotAuthorized,
    /// A parameter is missing or invalid. The text is the error message.
    InvalidParams(&'static str),
    RateLimitExceeded,
}

impl IntoResponse for DataError {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::AccessTokenInvalid => (
                401,
                "access_token_invalid",
                "The access token is invalid or expired.",
            ),
            Self::ScopeNotAuthorized => (
                401,
                "scope_not_authorized",
                "The user did not grant the scope that this request needs.",
            ),
            Self::InvalidParams(which) => (400, "invalid_params", which),
            Self::RateLimitExceeded => (
                429,
                "rate_limit_exceeded",
                "Too many requests in the last minute.",
            ),
        };
        envelope(status, &json!({}), code, message)
    }
}

/// Returns a successful response: `data` with the error code `ok`.
pub(super) fn success(data: &Value) -> Response {
    envelope(200, data, "ok", "")
}

fn envelope(status: u16, data: &Value, code: &str, message: &str) -> Response {
    let error = json!({ "code": code, "message": message, "log_id": log_id(code) });
    json(
        StatusCode::from_u16(status).unwrap_or_default(),
        &json!({ "data": data, "error": error }),
    )
}

/// Returns an error of the OAuth endpoints.
pub(super) fn flat_error(status: u16, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description, "log_id": log_id(error) });
    json(StatusCode::from_u16(status).unwrap_or_default(), &body)
}

pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let labels = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, labels, body.to_string()).into_response()
}

/// Returns the gateway's 404, which is not JSON.
pub(super) fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        "Not found. The path of every endpoint ends with a slash.\n",
    )
        .into_response()
}

/// Returns the log id for support requests. The sandbox keeps no log, so the id repeats the error
/// code.
fn log_id(what: &str) -> String {
    format!("SIM-{}", what.to_ascii_uppercase().replace('_', "-"))
}
