//! Classifies error responses of providers.
//!
//! An ambiguous response never ends a grant. The order is: the provider's own rules, then codes and
//! messages which name the grant or token and its state, then the codes of the standards, then the
//! status.

use evergrant_model::{SignedDuration, Timestamp};
use evergrant_outbound::{Response, stated_wait};
use http::HeaderMap;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::Value;

use super::context::{Context, MAX_WAIT, invalid_token_class, message, server_failure};
use super::dead_grant::Evidence;
use super::report::Report;
use super::rules::{self, Answer, is_registration_error};
use super::{graph, success};
use crate::definition::{CallKind, ErrorCodes};
use crate::oauth2::json::Document;
use crate::{AdapterError, ErrorClass};

/// Returns the error code of a response, `Some("")` for an error without a code; `None` if the body
/// reports no error.
///
/// Some error responses have a top-level `code`, beside an `error_type` or, if the status is not
/// 2xx, alone.
fn error_code(response: &Response, document: &Document) -> Option<String> {
    let body = document.value();
    if body.get("error").is_some() {
        let is_ambiguous = document.is_ambiguous("/error/code");
        return code_in_error(body).map(|code| if is_ambiguous { String::new() } else { code });
    }
    let is_error = body.get("error_type").is_some() || !response.is_success();
    let code = body
        .get("code")
        .filter(|_| is_error && !document.is_ambiguous("/code"));
    code.and_then(plain)
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

/// Returns the failure that a response reports; `None` if it reports none. The body is checked as
/// well as the status: a 200 may report an error.
pub(crate) fn failure(
    context: Context<'_>,
    response: &Response,
    document: Option<&Document>,
) -> Option<AdapterError> {
    let code = document.and_then(|document| error_code(response, document));
    let denial = success::denial(context, response, document).filter(|_| code.is_none());
    let is_success = response.is_success() && code.is_none() && denial.is_none();
    let status = reported_status(response, code.as_deref());
    let code = reported_code(response, code.as_deref());
    let answer = Answer {
        response,
        status,
        document,
        code: code.as_deref(),
        is_success,
    };
    let report = Report::of(response, document, code.as_deref());
    let error = rules::classify(context, answer)
        .or_else(|| (!is_success).then(|| classify(context, answer, &report, denial)))?;
    let error = with_response_facts(error, context, response, status, code.as_deref());
    Some(error.with_provider_message(report.excerpt(context.secrets)))
}

/// Classifies a failure without a rule of its own.
fn classify(
    context: Context<'_>,
    answer: Answer<'_>,
    report: &Report,
    denial: Option<AdapterError>,
) -> AdapterError {
    let Answer { code, status, .. } = answer;
    let graph = || {
        answer
            .document
            .filter(|_| context.codes == ErrorCodes::Graph)
            .and_then(|document| graph::classify(context, answer.response, document.value()))
    };
    graph()
        .or_else(|| registration(report))
        .or_else(|| dead_grant(context, status, report, report.evidence_in_codes()))
        .or_else(|| code.and_then(|code| by_code(context, code)))
        .or_else(|| rate_limit(report))
        .or_else(|| dead_grant(context, status, report, report.evidence_in_messages()))
        .or_else(|| bad_request(code))
        .or(denial)
        .unwrap_or_else(|| by_status(context, status, answer.response))
}

/// Classifies an answer that concerns the client registration or the definition. Atlassian rejects
/// an invalid refresh token with `unauthorized_client`, and only the message says so.
fn registration(report: &Report) -> Option<AdapterError> {
    let mut codes = report.codes.iter();
    let names_token = report.evidence_in_messages().is_some();
    let class = ErrorClass::ConfigError;
    codes
        .any(|code| {
            let is_excused = code == "unauthorized_client" && names_token;
            is_registration_error(code) && !is_excused
        })
        .then(|| AdapterError::new(class, message(class)))
}

/// Classifies an answer which says that the token or grant is no longer valid. A server that fails
/// or is overloaded cannot know.
fn dead_grant(
    context: Context<'_>,
    status: u16,
    report: &Report,
    evidence: Option<Evidence>,
) -> Option<AdapterError> {
    let evidence = evidence.filter(|_| !matches!(status, 408 | 425 | 429 | 500..))?;
    let class = if report.codes.iter().any(|code| code == "invalid_grant") {
        ErrorClass::NeedsReauth
    } else {
        invalid_token_class(context.call)
    };
    let needs_confirmation = class == ErrorClass::NeedsReauth && evidence == Evidence::Indirect;
    Some(AdapterError::new(class, message(class)).needing_confirmation(needs_confirmation))
}

/// Classifies an answer which says in any member or message that a rate limit is reached.
fn rate_limit(report: &Report) -> Option<AdapterError> {
    let class = ErrorClass::RateLimited;
    report
        .names_rate_limit()
        .then(|| AdapterError::new(class, message(class)))
}

/// Classifies a request that the provider calls malformed, without naming the token.
fn bad_request(code: Option<&str>) -> Option<AdapterError> {
    let class = ErrorClass::BadRequest;
    (code == Some("invalid_request")).then(|| AdapterError::new(class, message(class)))
}

/// Adds status, code and wait to a classified error.
fn with_response_facts(
    error: AdapterError,
    context: Context<'_>,
    response: &Response,
    status: u16,
    code: Option<&str>,
) -> AdapterError {
    let wait = header_wait(&response.headers, status, context.now);
    let is_unprocessed =
        status == 429 || (status == 503 && response.headers.contains_key(RETRY_AFTER));
    let wait = wait.or(error.retry_after());
    let error = error
        .with_status(response.status)
        .with_provider_code(code, context.secrets)
        .with_retry_after(wait)
        .in_web_page(response.is_html());
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

/// Classifies by the codes of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, `OpenID` Connect Core
/// §3.1.2.6, and common codes of failures.
fn by_code(context: Context<'_>, code: &str) -> Option<AdapterError> {
    let class = match code {
        // A refresh sends no code: Zoho means the refresh token.
        "invalid_code" if context.call == CallKind::Refresh => {
            let error =
                AdapterError::new(ErrorClass::NeedsReauth, message(ErrorClass::NeedsReauth));
            return Some(error.needing_confirmation(true));
        }
        "interaction_required" | "login_required" | "consent_required" => ErrorClass::NeedsReauth,
        "insufficient_scope" => ErrorClass::ScopeMissing,
        "slow_down" => ErrorClass::RateLimited,
        "fatal_error"
        | "internal_error"
        | "internal_server_error"
        | "request_timeout"
        | "server_error"
        | "service_unavailable"
        | "temporarily_unavailable" => server_failure(context),
        _ => return None,
    };
    Some(AdapterError::new(class, message(class)))
}

/// Classifies by the HTTP status alone.
fn by_status(context: Context<'_>, status: u16, response: &Response) -> AdapterError {
    let class = match status {
        429 => ErrorClass::RateLimited,
        503 if response.headers.contains_key(RETRY_AFTER) => ErrorClass::Transient,
        // 409 and 423: another request holds the grant.
        408 | 409 | 423 | 425 | 500.. => server_failure(context),
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

/// Returns the stated wait if it is less than one day: `Retry-After` as a number or a date, or else
/// the `x-ratelimit-reset` that many providers send with a 429.
fn header_wait(headers: &HeaderMap, status: u16, now: Timestamp) -> Option<SignedDuration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let number = |text: &str| whole_seconds(text).map(|number| stated_wait(number, now));
    let stated =
        text(RETRY_AFTER.as_str()).and_then(|value| number(value).or_else(|| until(value, now)));
    let reset = || {
        text("x-ratelimit-reset")
            .filter(|_| status == 429)
            .and_then(number)
    };
    stated.or_else(reset).filter(|wait| *wait < MAX_WAIT)
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

/// Returns the time from `now` until an HTTP date, at most one day.
fn until(date: &str, now: Timestamp) -> Option<SignedDuration> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?;
    let wait = Timestamp::from_unix_ms(at.as_millisecond()).since(now);
    Some(wait.clamp(SignedDuration::ZERO, MAX_WAIT))
}

#[cfg(test)]
mod tests;
