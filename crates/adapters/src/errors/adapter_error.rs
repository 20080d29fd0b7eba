//! Why a call to a platform failed, told so that the caller knows what to do next and nothing
//! leaks.
//!
//! An [`AdapterError`] holds a class, a few numbers and at most the platform's own short code:
//! never a body, an address, a header or a token. It may be logged as it stands.

use evergrant_model::{StatusReason, string_enum};

string_enum! {
    /// What the caller should make of a failure.
    pub enum ErrorClass: Deserialize {
        /// Trouble that passes: the call was not processed, or may safely be sent again.
        Transient = "transient",
        /// The call was sent; its result is unknown.
        Unknown = "unknown",
        /// Too many calls; see [`AdapterError::retry_after_seconds`].
        RateLimited = "rate_limited",
        /// The access token has ended; a refresh will help.
        TokenExpired = "token_expired",
        /// The grant has ended; only the user can bring it back.
        NeedsReauth = "needs_reauth",
        /// The user must do something at the platform first.
        NeedsUserAction = "needs_user_action",
        /// The grant lives and lacks a scope.
        ScopeMissing = "scope_missing",
        /// Our registration or definition is wrong: a matter for the operator, never for the user.
        ConfigError = "config_error",
        /// The platform calls our request malformed.
        BadRequest = "bad_request",
        /// Something in front of the platform turns us away.
        Blocked = "blocked",
    }
}

/// Where a failure shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No answer in time.
    Timeout,
    /// No connection, or one that broke.
    Network,
    /// The answer itself, or a call that could not be made at all.
    Answer,
}

/// A failed call to a platform. `Debug` and `Display` are fit for a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterError {
    class: ErrorClass,
    cause: Cause,
    what: &'static str,
    http_status: Option<u16>,
    provider_code: Option<String>,
    retry_after_seconds: Option<i64>,
    reason: Option<StatusReason>,
    surely_unprocessed: bool,
    needs_confirmation: bool,
    of_ours: bool,
}

impl AdapterError {
    /// A failure of this class; `what` is lower case, without a final stop and without anything
    /// from outside.
    pub(crate) fn new(class: ErrorClass, what: &'static str) -> Self {
        let reason = match class {
            ErrorClass::NeedsReauth => Some(StatusReason::RefreshTokenInvalid),
            ErrorClass::NeedsUserAction => Some(StatusReason::UserActionAtProvider),
            ErrorClass::ScopeMissing => Some(StatusReason::ScopeMissing),
            _ => None,
        };
        Self {
            class,
            cause: Cause::Answer,
            what,
            http_status: None,
            provider_code: None,
            retry_after_seconds: None,
            reason,
            surely_unprocessed: false,
            needs_confirmation: false,
            of_ours: false,
        }
    }

    /// A failure before anything left.
    pub(crate) fn unsent(class: ErrorClass, what: &'static str) -> Self {
        Self::new(class, what).surely_unprocessed()
    }

    /// A success that does not say what was done.
    pub(crate) fn unread(what: &'static str, status: u16) -> Self {
        Self::new(ErrorClass::Unknown, what).with_status(status)
    }

    /// A call that was given up because its time was over.
    #[must_use]
    pub fn timed_out() -> Self {
        Self::new(ErrorClass::Unknown, "the platform did not answer in time")
            .caused_by(Cause::Timeout)
    }

    /// A call that was not made, because an earlier one may have taken effect and this one could do
    /// harm.
    #[must_use]
    pub fn held_back() -> Self {
        Self::new(
            ErrorClass::Unknown,
            "an earlier call may have taken effect, so nothing was sent",
        )
    }

    pub(crate) fn caused_by(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.http_status = Some(status);
        self
    }

    /// Keeps the platform's code if it is tame enough to be shown.
    pub(crate) fn with_provider_code(mut self, code: Option<&str>) -> Self {
        let tame = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let shown = code.filter(|code| (1..=64).contains(&code.len()) && code.bytes().all(tame));
        self.provider_code = shown.map(str::to_owned);
        self
    }

    pub(crate) fn with_retry_after(mut self, seconds: Option<i64>) -> Self {
        self.retry_after_seconds = seconds;
        self
    }

    pub(crate) fn with_reason(mut self, reason: Option<StatusReason>) -> Self {
        self.reason = reason.or(self.reason);
        self
    }

    pub(crate) fn surely_unprocessed(mut self) -> Self {
        self.surely_unprocessed = true;
        self
    }

    /// For a later call of an operation whose first one has taken effect: the whole may not be sent
    /// again.
    pub(crate) fn after_effects(mut self) -> Self {
        self.surely_unprocessed = false;
        self
    }

    /// Whether the platform says that a token is none, as opposed to any trouble with the call.
    pub(crate) fn says_gone(&self) -> bool {
        matches!(
            self.class,
            ErrorClass::NeedsReauth | ErrorClass::TokenExpired
        )
    }

    pub(crate) fn of_ours(mut self) -> Self {
        self.of_ours = true;
        self
    }

    /// Whether the platform says in so many words that it does not know us, as opposed to not
    /// liking a request.
    pub(crate) fn blames_registration(&self) -> bool {
        let told = matches!(
            self.provider_code(),
            Some("invalid_client" | "unauthorized_client")
        );
        told || self.http_status == Some(401)
    }

    pub(crate) fn needing_confirmation(mut self, needs_confirmation: bool) -> Self {
        self.needs_confirmation = needs_confirmation;
        self
    }

    /// What to make of it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Where it showed itself.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether the platform surely did not act on the call, so that any call may be sent again: no
    /// connection came about, or the answer was 429, or 503 with `Retry-After`.
    #[must_use]
    pub fn is_surely_unprocessed(&self) -> bool {
        self.surely_unprocessed
    }

    /// How long the platform asks us to wait, from 0 to 30 days.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<i64> {
        self.retry_after_seconds
    }

    /// The status of the answer, if there was one.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    /// The platform's own code, such as `invalid_grant`: up to 64 letters, digits, hyphens, points
    /// and underscores.
    #[must_use]
    pub fn provider_code(&self) -> Option<&str> {
        self.provider_code.as_deref()
    }

    /// What the connection's state should say, for the classes that touch it.
    #[must_use]
    pub fn reason(&self) -> Option<StatusReason> {
        self.reason
    }

    /// Whether the failure is a fault in this program rather than in anything that the platform
    /// said.
    #[must_use]
    pub fn is_of_ours(&self) -> bool {
        self.of_ours
    }

    /// Whether this rejection could have another cause, so that it should be asked for once more
    /// before the grant is declared dead.
    #[must_use]
    pub fn needs_confirmation(&self) -> bool {
        self.needs_confirmation
    }
}

impl std::fmt::Display for AdapterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.what)?;
        match (self.http_status, &self.provider_code) {
            (Some(status), Some(code)) => write!(f, " (status {status}, {code})"),
            (Some(status), None) => write!(f, " (status {status})"),
            (None, Some(code)) => write!(f, " ({code})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for AdapterError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str) -> String {
        AdapterError::new(ErrorClass::BadRequest, "refused")
            .with_status(400)
            .with_provider_code(Some(code))
            .to_string()
    }

    #[test]
    fn shows_a_tame_code_and_no_other() {
        assert_eq!(
            shown("invalid_grant"),
            "refused (status 400, invalid_grant)"
        );
        for wild in [
            "",
            "a b",
            "a\r\nb",
            "<b>",
            "token=abc",
            "é",
            &"a".repeat(65),
        ] {
            assert_eq!(shown(wild), "refused (status 400)", "{wild:?}");
        }
    }

    #[test]
    fn only_classes_that_touch_the_connection_have_a_reason() {
        use ErrorClass as C;
        let reason = |class| AdapterError::new(class, "x").reason();
        assert_eq!(
            reason(C::NeedsReauth),
            Some(StatusReason::RefreshTokenInvalid)
        );
        assert_eq!(
            reason(C::NeedsUserAction),
            Some(StatusReason::UserActionAtProvider)
        );
        assert_eq!(reason(C::ScopeMissing), Some(StatusReason::ScopeMissing));
        for class in [
            C::Transient,
            C::Unknown,
            C::RateLimited,
            C::TokenExpired,
            C::ConfigError,
            C::BadRequest,
            C::Blocked,
        ] {
            assert_eq!(reason(class), None, "{class:?}");
        }
    }
}
