//! The forms that TikTok's answers take: flat errors of OAuth, and the envelope around everything
//! else.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Why a data endpoint refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The token is missing, wrong, withdrawn or has ended.
    AccessTokenInvalid,
    /// The person did not grant the scope that the endpoint, or one of the fields, needs.
    ScopeNotAuthorized,
    /// The parameters do not read; the text says which.
    InvalidParams(&'static str),
    RateLimitExceeded,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::AccessTokenInvalid => (
                401,
                "access_token_invalid",
                "The access token is wrong or has ended.",
            ),
            Self::ScopeNotAuthorized => (
                401,
                "scope_not_authorized",
                "The person did not grant the scope for this.",
            ),
            Self::InvalidParams(which) => (400, "invalid_params", which),
            Self::RateLimitExceeded => (
                429,
                "rate_limit_exceeded",
                "Too many calls in the last minute.",
            ),
        };
        enveloped(status, &json!({}), code, message)
    }
}

/// What was asked for, with an `error` that says that there is none.
pub(super) fn found(data: &Value) -> Response {
    enveloped(200, data, "ok", "")
}

fn enveloped(status: u16, data: &Value, code: &str, message: &str) -> Response {
    let error = json!({ "code": code, "message": message, "log_id": log_id(code) });
    json(
        StatusCode::from_u16(status).unwrap_or_default(),
        &json!({ "data": data, "error": error }),
    )
}

/// An error of the OAuth endpoints.
pub(super) fn flat_error(status: u16, error: &str, why: &str) -> Response {
    let body = json!({ "error": error, "error_description": why, "log_id": log_id(error) });
    json(StatusCode::from_u16(status).unwrap_or_default(), &body)
}

pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let labels = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, labels, body.to_string()).into_response()
}

/// The gateway's answer for an address that leads nowhere: no JSON.
pub(super) fn nothing_there() -> Response {
    (
        StatusCode::NOT_FOUND,
        "There is nothing at this path. Every endpoint ends with a slash.\n",
    )
        .into_response()
}

/// What a support desk would ask for. It says in short what happened, because nobody keeps a log
/// here.
fn log_id(what: &str) -> String {
    format!("SIM-{}", what.to_ascii_uppercase().replace('_', "-"))
}
