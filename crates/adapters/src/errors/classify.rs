//! Classifies error responses of providers.
//!
//! Codes and statuses decide, never message texts. An ambiguous response never ends a grant. The
//! order is: the provider's own rules, then the codes of the standards, then the status.

use evergrant_model::{SignedDuration, Timestamp};
use evergrant_outbound::Response;
use http::HeaderMap;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::Value;

use super::context::{Context, invalid_token_class, message, server_failure};
use super::graph;
use crate::definition::{CallKind, ErrorCodes, ErrorRule};
use crate::{AdapterError, ErrorClass};

/// Longest stated wait that is accepted: 30 days.
const MAX_WAIT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Returns the error code of a response, `Some("")` for an error without a code; `None` if the body
/// reports no error.
///
/// Some error responses have a top-level `code`, beside an `error_type` or, if the status is not
/// 2xx, alone.
pub(crate) fn error_code(response: &Response, body: &Value) -> Option<String> {
    if body.get("error").is_some() {
        return code_in_error(body);
    }
    let is_error = body.get("error_type").is_some() || !response.is_success();
    body.get("code").filter(|_| is_error).and_then(plain)
}

/// Returns a code that is a string or a number.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the code in the member `error`; `Some("")` for an error without a code.
///
/// `error` may be a string, a number or an object with a `code`. `TikTok` sends the object with the
/// code `ok` on success.
fn code_in_error(body: &Value) -> Option<String> {
    match body.get("error")? {
        Value::Null | Value::Bool(false) => None,
        Value::Object(error) if error.is_empty() => None,
        Value::Object(error) => {
            let code = error.get("code").and_then(plain).unwrap_or_default();
            (!matches!(code.as_str(), "ok" | "0")).then_some(code)
        }
        other => plain(other).map_or(Some(String::new()), |code| {
            (!matches!(code.as_str(), "" | "0")).then_some(code)
        }),
    }
}

/// Classifies the failure that `response` reports; `code` is the [`error_code`] of its body.
pub(crate) fn classify(
    context: Context<'_>,
    response: &Response,
    body: Option<&Value>,
    code: Option<&str>,
) -> AdapterError {
    let status = reported_status(response, code);
    let code = reported_code(response, code);
    let graph = || {
        body.filter(|_| context.codes == ErrorCodes::Graph)
            .and_then(|body| graph::classify(context, response, body))
    };
    let error = by_rule(context, status, code.as_deref())
        .or_else(graph)
        .or_else(|| code.as_deref().and_then(|code| by_code(context, code)))
        .unwrap_or_else(|| by_status(context, status, response));
    with_response_facts(error, context, response, status, code.as_deref())
}

/// Adds status, code and wait to a classified error.
fn with_response_facts(
    error: AdapterError,
    context: Context<'_>,
    response: &Response,
    status: u16,
    code: Option<&str>,
) -> AdapterError {
    let wait = stated_wait(&response.headers, status, context.now);
    let is_unprocessed =
        status == 429 || (status == 503 && response.headers.contains_key(RETRY_AFTER));
    let wait = wait.or(error.retry_after());
    let error = error
        .with_status(response.status)
        .with_provider_code(code)
        .with_retry_after(wait);
    if is_unprocessed {
        error.known_unprocessed()
    } else {
        error
    }
}

/// Returns the status of a response. Some providers report it in the body of a 200: `{"error":
/// 401}`.
fn reported_status(response: &Response, code: Option<&str>) -> u16 {
    let in_body = code
        .and_then(|code| code.parse().ok())
        .filter(|status| (400..600).contains(status));
    in_body
        .filter(|_| response.is_success())
        .unwrap_or(response.status)
}

/// Returns the code in the body, or else in the `WWW-Authenticate` header (RFC 6750 §3). A code in
/// the body that only repeats the status comes last.
fn reported_code(response: &Response, code: Option<&str>) -> Option<String> {
    let in_body = code.filter(|code| !code.is_empty());
    let distinct = in_body.filter(|code| code.parse() != Ok(response.status));
    distinct
        .map(str::to_owned)
        .or_else(|| challenge_code(&response.headers))
        .or_else(|| in_body.map(str::to_owned))
}

/// Returns the `error` of the `WWW-Authenticate` header.
fn challenge_code(headers: &HeaderMap) -> Option<String> {
    let (_, rest) = challenge(headers).split_once("error=\"")?;
    rest.split_once('"').map(|(code, _)| code.to_owned())
}

/// Returns the `WWW-Authenticate` header; empty if there is none.
fn challenge(headers: &HeaderMap) -> &str {
    headers
        .get(WWW_AUTHENTICATE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Classifies by the provider's rules. A rule without a code does not apply to a rejected client
/// registration, which must not end users' grants.
fn by_rule(context: Context<'_>, status: u16, code: Option<&str>) -> Option<AdapterError> {
    let is_about_registration = code.is_some_and(is_registration_error);
    let applies = |rule: &&ErrorRule| {
        rule.on.is_none_or(|call| call == context.call)
            && rule.status.is_none_or(|expected| expected == status)
            && rule
                .code
                .as_deref()
                .map_or(!is_about_registration, |expected| Some(expected) == code)
    };
    let rule = context.rules.iter().find(applies)?;
    let error = AdapterError::new(rule.class, message(rule.class)).with_reason(rule.reason);
    Some(error.needing_confirmation(rule.confirm))
}

/// Returns whether a code is about the client registration or the definition, not about a user's
/// grant.
fn is_registration_error(code: &str) -> bool {
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

/// Classifies by the codes of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, `OpenID` Connect Core
/// §3.1.2.6, and common rate-limit codes.
fn by_code(context: Context<'_>, code: &str) -> Option<AdapterError> {
    let class = match code {
        "invalid_grant" | "interaction_required" | "login_required" | "consent_required" => {
            ErrorClass::NeedsReauth
        }
        code if is_registration_error(code) => ErrorClass::ConfigError,
        "invalid_request" => ErrorClass::BadRequest,
        "invalid_token" => invalid_token_class(context.call),
        "insufficient_scope" => ErrorClass::ScopeMissing,
        "rate_limit_exceeded" | "too_many_requests" | "slow_down" => ErrorClass::RateLimited,
        "server_error" | "temporarily_unavailable" | "internal_error" => server_failure(context),
        _ => return None,
    };
    // No standard uses this code for a rejected grant, so a second attempt must confirm it.
    let needs_confirmation = code == "invalid_token" && class == ErrorClass::NeedsReauth;
    Some(AdapterError::new(class, message(class)).needing_confirmation(needs_confirmation))
}

/// Classifies by the HTTP status alone.
fn by_status(context: Context<'_>, status: u16, response: &Response) -> AdapterError {
    let class = match status {
        429 => ErrorClass::RateLimited,
        503 if response.headers.contains_key(RETRY_AFTER) => ErrorClass::Transient,
        408 | 425 | 500.. => server_failure(context),
        401 => unauthorized(context.call, &response.headers),
        300..=399 | 403 => ErrorClass::Blocked,
        404 | 405 | 410 | 415 => ErrorClass::ConfigError,
        _ => ErrorClass::BadRequest,
    };
    AdapterError::new(class, message(class))
}

/// Classifies a 401: at the token endpoint and with a Basic challenge it is about the client,
/// otherwise about the token.
fn unauthorized(call: CallKind, headers: &HeaderMap) -> ErrorClass {
    let basic = challenge(headers)
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"));
    if call == CallKind::Profile && !basic {
        ErrorClass::TokenExpired
    } else {
        ErrorClass::ConfigError
    }
}

/// Returns the stated wait: `Retry-After` as a number or a date, or else the
/// `x-ratelimit-reset` that many providers send with a 429, as a duration or a Unix time in
/// seconds.
fn stated_wait(headers: &HeaderMap, status: u16, now: Timestamp) -> Option<SignedDuration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let stated = text(RETRY_AFTER.as_str()).and_then(|value| {
        let wait = whole_seconds(value).map(SignedDuration::from_secs);
        wait.or_else(|| time_until(value, now))
    });
    let reset = || {
        text("x-ratelimit-reset")
            .filter(|_| status == 429)
            .and_then(whole_seconds)
            .map(|at| {
                if at > 1_000_000_000 {
                    Timestamp::from_unix_seconds(at).since(now)
                } else {
                    SignedDuration::from_secs(at)
                }
            })
    };
    stated
        .or_else(reset)
        .map(|wait| wait.clamp(SignedDuration::ZERO, MAX_WAIT))
}

/// Parses a non-negative number of seconds. A fraction is rounded up.
fn whole_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let extra = i64::from(fraction.bytes().any(|b| b != b'0'));
    Some(whole.parse().unwrap_or(i64::MAX).saturating_add(extra))
}

/// Returns the time from `now` until an HTTP date.
fn time_until(date: &str, now: Timestamp) -> Option<SignedDuration> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?;
    Some(Timestamp::from_unix_ms(at.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests;
