//! The error numbers of Meta's Graph API, which both Instagram logins speak.
//!
//! Source: Meta's pages "Handle Errors" and "Rate Limits", and the codes that recorded exchanges
//! show. A code means one thing at the token endpoint and another elsewhere, and some live only in
//! the subcode.

use ErrorClass as C;
use evergrant_model::StatusReason;
use evergrant_outbound::Response;
use http::HeaderMap;
use serde_json::Value;

use super::context::{Context, dead_token, trouble, words};
use crate::definition::CallKind;
use crate::{AdapterError, ErrorClass};

const USAGE: &str = "x-business-use-case-usage";

/// The failure that a Graph error reports; `None` for a body or a number that is not Graph's.
pub(super) fn read(context: Context<'_>, reply: &Response, body: &Value) -> Option<AdapterError> {
    let error = body.get("error")?;
    let number = |key: &str| error.get(key).and_then(Value::as_i64);
    let (code, subcode) = (number("code")?, number("error_subcode"));
    let passing = error.get("is_transient") == Some(&Value::Bool(true));
    let class = match code {
        4 | 17 | 32 | 341 | 613 | 80_000..=80_014 => C::RateLimited,
        102 | 190 => return Some(ended(context.call, subcode)),
        _ if passing => trouble(context),
        // At the token endpoint this number is how a wrong secret is told.
        1 if reply.status < 500
            && matches!(context.call, CallKind::Exchange | CallKind::Refresh) =>
        {
            C::ConfigError
        }
        1 | 2 => trouble(context),
        3 | 10 | 200..=299 => C::ScopeMissing,
        100 => bad_parameter(context.call, subcode),
        101 | 191 => C::ConfigError,
        368 => C::NeedsUserAction,
        _ => return None,
    };
    let wait = regain_seconds(&reply.headers).filter(|_| class == C::RateLimited);
    Some(AdapterError::new(class, words(class)).with_retry_after(wait))
}

/// What ended the token: most often its age, which a renewal cures unless it was the renewal that
/// was refused.
fn ended(call: CallKind, subcode: Option<i64>) -> AdapterError {
    let (class, reason) = match subcode {
        Some(458) => (C::NeedsReauth, Some(StatusReason::RevokedByUser)),
        Some(459 | 464) => (C::NeedsUserAction, None),
        Some(460 | 492) => (C::NeedsReauth, None),
        Some(463) if call != CallKind::Profile => {
            (C::NeedsReauth, Some(StatusReason::SessionEnded))
        }
        _ => (dead_token(call), None),
    };
    AdapterError::new(class, words(class)).with_reason(reason)
}

/// A code that was used or has expired, a callback that is not the consent page's, or really a bad
/// parameter.
fn bad_parameter(call: CallKind, subcode: Option<i64>) -> ErrorClass {
    match subcode {
        Some(36007 | 36009) if call == CallKind::Exchange => C::NeedsReauth,
        Some(36008) => C::ConfigError,
        _ => C::BadRequest,
    }
}

/// The longest wait that the usage header states, in minutes. It may repeat a key, so it is read as
/// a stream of texts.
fn regain_seconds(headers: &HeaderMap) -> Option<i64> {
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
        .filter(|minutes| *minutes > 0)
        .map(|minutes| minutes.min(30 * 24 * 60) * 60)
}
