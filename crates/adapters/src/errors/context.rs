//! What all steps of the classification share.

use evergrant_model::{SignedDuration, Timestamp};

use crate::ErrorClass;
use crate::definition::{CallKind, ErrorCodes, ErrorRule};

/// The wait from which a statement is not believed: the longest quotas are daily.
pub(super) const MAX_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// The call and the provider's settings that affect the classification of a response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) call: CallKind,
    pub(crate) rules: &'a [ErrorRule],
    pub(crate) codes: ErrorCodes,
    /// Whether the call can be sent twice without harm.
    pub(crate) repeatable: bool,
    /// Whether the response has an access token.
    pub(crate) has_access_token: bool,
    /// The secrets of the request, which the provider may repeat in its message.
    pub(crate) secrets: &'a [&'a str],
    pub(crate) now: Timestamp,
}

/// Returns the class of a response that reports an invalid token. A refresh replaces an invalid
/// access token; an invalid grant needs the user.
pub(super) fn invalid_token_class(call: CallKind) -> ErrorClass {
    if call == CallKind::Profile {
        ErrorClass::TokenExpired
    } else {
        ErrorClass::NeedsReauth
    }
}

/// Returns the class of a failure on the provider's side. If repeating the call could do harm, the
/// outcome counts as unknown.
pub(super) fn server_failure(context: Context<'_>) -> ErrorClass {
    if context.repeatable {
        ErrorClass::Transient
    } else {
        ErrorClass::Unknown
    }
}

/// Returns the error message for a class.
pub(super) fn message(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Transient => "the provider reports a temporary failure",
        ErrorClass::Unknown => "the provider failed and may have processed the call",
        ErrorClass::RateLimited => "the provider's rate limit is reached",
        ErrorClass::TokenExpired => "the provider no longer accepts the access token",
        ErrorClass::NeedsReauth => "the provider no longer accepts the grant",
        ErrorClass::NeedsUserAction => "the user must act at the provider first",
        ErrorClass::ScopeMissing => "the grant lacks a scope",
        ErrorClass::ConfigError => "the provider refuses the request",
        ErrorClass::BadRequest => "the provider rejects the request as invalid",
        ErrorClass::Blocked => "the provider blocks the call",
    }
}
