//! Reads a platform's refusal: what class of failure is it?
//!
//! It goes by codes and statuses, never by message text, and in doubt it never declares a grant
//! dead. The order is: the platform's own rules, then the codes of the standards, then the status.

use evergrant_model::Timestamp;
use evergrant_outbound::Response;
use http::HeaderMap;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::Value;

use super::context::{Context, dead_token, trouble, words};
use super::graph;
use crate::definition::{CallKind, ErrorCodes, ErrorRule};
use crate::{AdapterError, ErrorClass};

/// The longest wait that we believe: 30 days.
const LONGEST_WAIT_SECONDS: i64 = 30 * 86_400;

/// The code of an answer that reports an error; `None` where it reports none.
///
/// Some refusals have their code at the top, beside an `error_type` or, where the status is not one
/// of success, alone.
pub(crate) fn refusal_code(reply: &Response, body: &Value) -> Option<String> {
    if body.get("error").is_some() {
        return error_code(body);
    }
    let told = body.get("error_type").is_some() || !reply.is_success();
    body.get("code").filter(|_| told).and_then(plain)
}

/// A code is a text or a whole number.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The code in `error`; `Some("")` for an error that names none.
///
/// `error` may be a text, a number or an object with a `code`. `TikTok` sends the object with the
/// code `ok` on success.
fn error_code(body: &Value) -> Option<String> {
    match body.get("error")? {
        Value::Null | Value::Bool(false) => None,
        Value::Object(error) if error.is_empty() => None,
        Value::Object(error) => {
            let named = error.get("code").and_then(plain).unwrap_or_default();
            (!matches!(named.as_str(), "ok" | "0")).then_some(named)
        }
        other => plain(other).map_or(Some(String::new()), |named| {
            (!matches!(named.as_str(), "" | "0")).then_some(named)
        }),
    }
}

/// The failure that `reply` reports, whose body names `code`.
pub(crate) fn classify(
    context: Context<'_>,
    reply: &Response,
    body: Option<&Value>,
    code: Option<&str>,
) -> AdapterError {
    let status = told_status(reply, code);
    let code = told_code(reply, code);
    let graph = || {
        body.filter(|_| context.codes == ErrorCodes::Graph)
            .and_then(|body| graph::read(context, reply, body))
    };
    let refusal = by_rule(context, status, code.as_deref())
        .or_else(graph)
        .or_else(|| code.as_deref().and_then(|code| by_code(context, code)))
        .unwrap_or_else(|| by_status(context, status, reply));
    finish(refusal, context, reply, status, code.as_deref())
}

fn finish(
    refusal: AdapterError,
    context: Context<'_>,
    reply: &Response,
    status: u16,
    code: Option<&str>,
) -> AdapterError {
    let wait = wait_seconds(&reply.headers, status, context.now);
    let unprocessed = status == 429 || (status == 503 && reply.headers.contains_key(RETRY_AFTER));
    let wait = wait.or(refusal.retry_after_seconds());
    let told = refusal
        .with_status(reply.status)
        .with_provider_code(code)
        .with_retry_after(wait);
    if unprocessed {
        told.surely_unprocessed()
    } else {
        told
    }
}

/// Some platforms report a status in the body of a 200: `{"error": 401}`.
fn told_status(reply: &Response, code: Option<&str>) -> u16 {
    let told = code
        .and_then(|code| code.parse().ok())
        .filter(|told| (400..600).contains(told));
    told.filter(|_| reply.is_success()).unwrap_or(reply.status)
}

/// The body's code, else the one in the header (RFC 6750 §3). A code that only repeats the status
/// says nothing.
fn told_code(reply: &Response, code: Option<&str>) -> Option<String> {
    let in_body = code.filter(|code| !code.is_empty());
    let telling = in_body.filter(|code| code.parse() != Ok(reply.status));
    telling
        .map(str::to_owned)
        .or_else(|| challenge_code(&reply.headers))
        .or_else(|| in_body.map(str::to_owned))
}

/// The `error` of the `WWW-Authenticate` header.
fn challenge_code(headers: &HeaderMap) -> Option<String> {
    let (_, rest) = challenge(headers).split_once("error=\"")?;
    rest.split_once('"').map(|(code, _)| code.to_owned())
}

fn challenge(headers: &HeaderMap) -> &str {
    headers
        .get(WWW_AUTHENTICATE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// A rule without a code does not apply where the answer blames our registration: users' grants
/// must not die of that.
fn by_rule(context: Context<'_>, status: u16, code: Option<&str>) -> Option<AdapterError> {
    let ours = code.is_some_and(blames_registration);
    let applies = |rule: &&ErrorRule| {
        rule.on.is_none_or(|call| call == context.call)
            && rule.status.is_none_or(|wanted| wanted == status)
            && rule
                .code
                .as_deref()
                .map_or(!ours, |wanted| Some(wanted) == code)
    };
    let rule = context.rules.iter().find(applies)?;
    let refusal = AdapterError::new(rule.class, words(rule.class)).with_reason(rule.reason);
    Some(refusal.needing_confirmation(rule.confirm))
}

fn blames_registration(code: &str) -> bool {
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

/// The codes of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, `OpenID` Connect Core §3.1.2.6, and the
/// common ones for haste.
fn by_code(context: Context<'_>, code: &str) -> Option<AdapterError> {
    let class = match code {
        "invalid_grant" | "interaction_required" | "login_required" | "consent_required" => {
            ErrorClass::NeedsReauth
        }
        code if blames_registration(code) => ErrorClass::ConfigError,
        "invalid_request" => ErrorClass::BadRequest,
        "invalid_token" => dead_token(context.call),
        "insufficient_scope" => ErrorClass::ScopeMissing,
        "rate_limit_exceeded" | "too_many_requests" | "slow_down" => ErrorClass::RateLimited,
        "server_error" | "temporarily_unavailable" | "internal_error" => trouble(context),
        _ => return None,
    };
    // No standard has this code for a refusal of a grant, so it is not believed at once.
    let doubtful = code == "invalid_token" && class == ErrorClass::NeedsReauth;
    Some(AdapterError::new(class, words(class)).needing_confirmation(doubtful))
}

fn by_status(context: Context<'_>, status: u16, reply: &Response) -> AdapterError {
    let class = match status {
        429 => ErrorClass::RateLimited,
        503 if reply.headers.contains_key(RETRY_AFTER) => ErrorClass::Transient,
        408 | 425 | 500.. => trouble(context),
        401 => unauthorized(context.call, &reply.headers),
        300..=399 | 403 => ErrorClass::Blocked,
        404 | 405 | 410 | 415 => ErrorClass::ConfigError,
        _ => ErrorClass::BadRequest,
    };
    AdapterError::new(class, words(class))
}

/// At the token endpoint, and where Basic is asked for, 401 is about the client; elsewhere it is
/// about the token.
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

/// `Retry-After` in seconds or as a date, else the reset time that many platforms send with a 429:
/// seconds to come, or the second of the epoch.
fn wait_seconds(headers: &HeaderMap, status: u16, now: Timestamp) -> Option<i64> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let stated = text(RETRY_AFTER.as_str())
        .and_then(|value| whole_seconds(value).or_else(|| seconds_to(value, now)));
    let reset = || {
        text("x-ratelimit-reset")
            .filter(|_| status == 429)
            .and_then(whole_seconds)
            .map(|at| {
                if at > 1_000_000_000 {
                    Timestamp::from_unix_seconds(at).seconds_since(now)
                } else {
                    at
                }
            })
    };
    stated
        .or_else(reset)
        .map(|seconds| seconds.clamp(0, LONGEST_WAIT_SECONDS))
}

/// Whole or with a fraction, which is rounded up.
fn whole_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let more = i64::from(fraction.bytes().any(|b| b != b'0'));
    Some(whole.parse().unwrap_or(i64::MAX).saturating_add(more))
}

fn seconds_to(date: &str, now: Timestamp) -> Option<i64> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?;
    Some(Timestamp::from_unix_ms(at.as_millisecond()).seconds_since(now))
}

#[cfg(test)]
mod tests;
