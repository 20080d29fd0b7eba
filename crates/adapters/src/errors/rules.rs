//! Matches the error rules of a provider's definition.

use evergrant_outbound::Response;
use serde_json::Value;

use super::context::{Context, message};
use crate::definition::ErrorRule;
use crate::oauth2::json::Document;
use crate::{AdapterError, ErrorClass};

/// A response, as the rules see it.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) response: &'a Response,
    /// The status, or the one that the body of a 200 reports.
    pub(super) status: u16,
    pub(super) document: Option<&'a Document>,
    pub(super) code: Option<&'a str>,
    /// Whether the response is a success by every common criterion.
    pub(super) is_success: bool,
}

/// Classifies by the first rule that matches.
pub(super) fn classify(context: Context<'_>, answer: Answer<'_>) -> Option<AdapterError> {
    let rule = context
        .rules
        .iter()
        .find(|rule| rule.on.is_none_or(|call| call == context.call) && applies(rule, answer))?;
    let error = AdapterError::new(rule.class, message(rule.class)).with_reason(rule.reason);
    Some(error.needing_confirmation(rule.confirm))
}

/// Returns whether every condition of a rule holds.
fn applies(rule: &ErrorRule, answer: Answer<'_>) -> bool {
    let has_status = rule.status.is_none_or(|status| status == answer.status);
    has_status && may_judge(rule, answer) && has_code(rule, answer) && has_text(rule, answer)
}

/// Returns whether a rule is specific enough for the response.
///
/// - A rule without code and text does not apply to a rejected client registration, which must not
///   end users' grants.
/// - A rule that ends grants applies to a failure of the server only if it names the status.
/// - A success is only an error for a rule that names the place of a code, or the status.
fn may_judge(rule: &ErrorRule, answer: Answer<'_>) -> bool {
    let is_specific = rule.code.is_some() || rule.text.is_some();
    let concerns_registration = answer.code.is_some_and(is_registration_error);
    let is_doubtful = rule.class == ErrorClass::NeedsReauth
        && rule.status.is_none()
        && (500..600).contains(&answer.status);
    let contradicts_success = answer.is_success && rule.code_at.is_none() && rule.status.is_none();
    (is_specific || !concerns_registration) && !is_doubtful && !contradicts_success
}

fn has_code(rule: &ErrorRule, answer: Answer<'_>) -> bool {
    let Some(expected) = rule.code.as_deref() else {
        return true;
    };
    let Some(pointer) = &rule.code_at else {
        return answer.code == Some(expected);
    };
    let document = answer
        .document
        .filter(|document| !document.is_ambiguous(pointer));
    match document.and_then(|document| document.value().pointer(pointer)) {
        Some(Value::String(code)) => code == expected,
        Some(Value::Number(code)) => code.to_string() == expected,
        Some(Value::Bool(code)) => code.to_string() == expected,
        _ => false,
    }
}

/// Returns whether the response contains the rule's text. A web page comes from a system in front
/// of the provider, so its text proves nothing.
fn has_text(rule: &ErrorRule, answer: Answer<'_>) -> bool {
    let Some(expected) = rule.text.as_deref().map(str::to_lowercase) else {
        return true;
    };
    match answer.document {
        Some(document) => contains(document.value(), &expected),
        None if answer.response.is_html() => false,
        None => String::from_utf8_lossy(&answer.response.body)
            .to_lowercase()
            .contains(&expected),
    }
}

fn contains(value: &Value, expected: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(expected),
        Value::Array(items) => items.iter().any(|item| contains(item, expected)),
        Value::Object(members) => members.values().any(|member| contains(member, expected)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns whether a code is about the client registration or the definition, not about a user's
/// grant.
pub(super) fn is_registration_error(code: &str) -> bool {
    matches!(
        code,
        "invalid_client"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "unsupported_response_type"
            | "invalid_scope"
            | "redirect_uri_mismatch"
    )
}
