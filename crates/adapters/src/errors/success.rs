//! Successful responses that deny the success in their body.

use evergrant_outbound::Response;
use serde_json::Value;

use super::context::Context;
use crate::definition::CallKind;
use crate::oauth2::json::Document;
use crate::{AdapterError, ErrorClass};

/// Members that say whether a revocation succeeded.
const OUTCOMES: &[&str] = &[
    "revoked",
    "success",
    "ok",
    "result",
    "deleted",
    "is_revoked",
];
/// Values of `status` that report a failure.
const FAILED_STATUSES: &[&str] = &["error", "fail", "failed", "failure"];

/// Deepest nesting in which an outcome is searched.
const MAX_DEPTH: usize = 3;

/// Returns the error of a response with a 2xx status that does not contain what was requested: a
/// token response without access token, or a revocation that did not take place. `None` for all
/// other responses.
pub(super) fn denial(
    context: Context<'_>,
    response: &Response,
    document: Option<&Document>,
) -> Option<AdapterError> {
    let error = |class, message| AdapterError::new(class, message).with_status(response.status);
    match context.call {
        _ if !response.is_success() => None,
        CallKind::Exchange | CallKind::Refresh if document.is_none() => Some(error(
            ErrorClass::Unknown,
            "the token response is not a JSON object",
        )),
        CallKind::Exchange | CallKind::Refresh if !context.has_access_token => Some(error(
            ErrorClass::Unknown,
            "the token response has no access token",
        )),
        CallKind::Revoke if is_denied(response, document) => Some(error(
            ErrorClass::BadRequest,
            "the provider reports that the token was not revoked",
        )),
        CallKind::Revoke if document.is_none() && response.is_html() => Some(error(
            ErrorClass::Unknown,
            "the revocation response is an HTML page",
        )),
        _ => None,
    }
}

fn is_denied(response: &Response, document: Option<&Document>) -> bool {
    let Some(document) = document else {
        return response.body.trim_ascii().eq_ignore_ascii_case(b"false");
    };
    denies(document.value(), MAX_DEPTH)
}

/// Returns whether an object denies the revocation. One that says nothing about it may contain an
/// object that does.
fn denies(value: &Value, depth: usize) -> bool {
    let Some(members) = value.as_object().filter(|_| depth > 0) else {
        return false;
    };
    let status = members.get("status").and_then(Value::as_str);
    let has_failed = status
        .is_some_and(|status| FAILED_STATUSES.contains(&status.to_ascii_lowercase().as_str()));
    let mut outcomes = OUTCOMES.iter().filter_map(|name| members.get(*name));
    if has_failed || outcomes.clone().any(is_false) {
        return true;
    }
    let is_confirmed = outcomes.any(|outcome| outcome == &Value::Bool(true));
    !is_confirmed && members.values().any(|member| denies(member, depth - 1))
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => matches!(text.to_ascii_lowercase().as_str(), "false" | "0" | "no"),
        _ => false,
    }
}
