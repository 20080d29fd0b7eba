//! The error numbers of Meta's Graph API, which both Instagram logins use.
//!
//! Source: Meta's pages "Handle Errors" and "Rate Limits", and codes in recorded responses. The
//! meaning of a number depends on the endpoint and on the subcode.

use ErrorClass as C;
use evergrant_model::{SignedDuration, StatusReason};
use evergrant_outbound::Response;
use http::HeaderMap;
use serde_json::Value;

use super::context::{Context, MAX_WAIT, invalid_token_class, message, server_failure};
use crate::definition::CallKind;
use crate::{AdapterError, ErrorClass};

/// Meta's header with the usage per business account.
const USAGE: &str = "x-business-use-case-usage";

/// Classifies a Graph error; `None` if the body is not a Graph error or the number is unknown.
pub(super) fn classify(
    context: Context<'_>,
    response: &Response,
    body: &Value,
) -> Option<AdapterError> {
    let error = body.get("error")?;
    let number = |key: &str| error.get(key).and_then(Value::as_i64);
    let (code, subcode) = (number("code")?, number("error_subcode"));
    let is_transient = error.get("is_transient") == Some(&Value::Bool(true));
    let class = match code {
        4 | 17 | 32 | 341 | 613 | 80_000..=80_014 => C::RateLimited,
        102 | 190 => return Some(invalid_token(context.call, subcode)),
        _ if is_transient => server_failure(context),
        // The token endpoint reports a wrong client secret with this number.
        1 if response.status < 500
            && matches!(context.call, CallKind::Exchange | CallKind::Refresh) =>
        {
            C::ConfigError
        }
        1 | 2 => server_failure(context),
        3 | 10 | 200..=299 => C::ScopeMissing,
        100 => bad_parameter(context.call, subcode),
        101 | 191 => C::ConfigError,
        368 => C::NeedsUserAction,
        _ => return None,
    };
    let wait = regain_time(&response.headers).filter(|_| class == C::RateLimited);
    Some(AdapterError::new(class, message(class)).with_retry_after(wait))
}

/// Classifies an invalid token by its subcode. Usually it has expired: a refresh helps, unless the
/// refresh itself was rejected.
fn invalid_token(call: CallKind, subcode: Option<i64>) -> AdapterError {
    let (class, reason) = match subcode {
        Some(458) => (C::NeedsReauth, Some(StatusReason::RevokedByUser)),
        Some(459 | 464) => (C::NeedsUserAction, None),
        Some(460 | 492) => (C::NeedsReauth, None),
        Some(463) if call != CallKind::Profile => {
            (C::NeedsReauth, Some(StatusReason::SessionEnded))
        }
        _ => (invalid_token_class(call), None),
    };
    AdapterError::new(class, message(class)).with_reason(reason)
}

/// Classifies number 100: a used or expired code, a callback URL that differs from the consent
/// page's, or an invalid parameter.
fn bad_parameter(call: CallKind, subcode: Option<i64>) -> ErrorClass {
    match subcode {
        Some(36007 | 36009) if call == CallKind::Exchange => C::NeedsReauth,
        Some(36008) => C::ConfigError,
        _ => C::BadRequest,
    }
}

/// Returns the longest wait in the usage header if it is less than one day. Meta states minutes.
/// The header may repeat a JSON key, so it is scanned as text.
fn regain_time(headers: &HeaderMap) -> Option<SignedDuration> {
    let usage = headers.get(USAGE)?.to_str().ok()?;
    let stated = usage
        .split("\"estimated_time_to_regain_access\"")
        .skip(1)
        .filter_map(|rest| {
            let digits = rest.trim_start_matches([':', ' ']);
            let end = digits
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(digits.len());
            digits.get(..end)?.parse::<i64>().ok()
        });
    stated
        .max()
        .map(|minutes| SignedDuration::from_mins(minutes.clamp(0, MAX_WAIT.as_mins())))
        .filter(|wait| wait.is_positive() && *wait < MAX_WAIT)
}
