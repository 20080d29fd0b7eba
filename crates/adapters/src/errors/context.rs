//! What the readers of refusals share.

use evergrant_model::Timestamp;

use crate::ErrorClass;
use crate::definition::{CallKind, ErrorCodes, ErrorRule};

/// What a call and its platform add to the reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) call: CallKind,
    pub(crate) rules: &'a [ErrorRule],
    pub(crate) codes: ErrorCodes,
    /// Whether the call may be sent twice without harm.
    pub(crate) repeatable: bool,
    pub(crate) now: Timestamp,
}

/// A token that the platform does not know: a refresh cures a dead access token and nothing cures a
/// dead grant.
pub(super) fn dead_token(call: CallKind) -> ErrorClass {
    if call == CallKind::Profile {
        ErrorClass::TokenExpired
    } else {
        ErrorClass::NeedsReauth
    }
}

/// A failure of the platform. If a repeated call could do harm, the result of the first one counts
/// as unknown.
pub(super) fn trouble(context: Context<'_>) -> ErrorClass {
    if context.repeatable {
        ErrorClass::Transient
    } else {
        ErrorClass::Unknown
    }
}

/// The words for a class.
pub(super) fn words(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Transient => "the platform is in trouble",
        ErrorClass::Unknown => "the platform failed and may have acted on the call",
        ErrorClass::RateLimited => "the platform asks for fewer calls",
        ErrorClass::TokenExpired => "the platform no longer accepts the access token",
        ErrorClass::NeedsReauth => "the platform no longer accepts the grant",
        ErrorClass::NeedsUserAction => "the user must act at the platform first",
        ErrorClass::ScopeMissing => "the grant lacks a scope",
        ErrorClass::ConfigError => "the platform does not accept our registration",
        ErrorClass::BadRequest => "the platform does not accept the request",
        ErrorClass::Blocked => "the platform turns us away",
    }
}
