//! The error of a failed call to a provider. Its class determines how the caller reacts.
//!
//! An [`AdapterError`] holds a class, a few numbers, the provider's own short code and an excerpt
//! of its message, never a body, a URL, a header or a token. It is safe to log.

use evergrant_model::{SignedDuration, StatusReason, safe_code, string_enum};

string_enum! {
    /// The class of a failure, which determines how the caller reacts.
    pub enum ErrorClass: Deserialize {
        /// A temporary failure: the call was not processed, or can be retried safely.
        Transient = "transient",
        /// The call was sent and its outcome is unknown.
        Unknown = "unknown",
        /// Too many calls; see [`AdapterError::retry_after`].
        RateLimited = "rate_limited",
        /// The access token has expired; a refresh helps.
        TokenExpired = "token_expired",
        /// The grant has ended; the user must reconnect.
        NeedsReauth = "needs_reauth",
        /// The user must first act at the provider, such as confirming their identity.
        NeedsUserAction = "needs_user_action",
        /// The grant is valid and lacks a scope.
        ScopeMissing = "scope_missing",
        /// The client registration or the definition is wrong. The operator must correct it; the
        /// user's grant is not affected.
        ConfigError = "config_error",
        /// The provider rejects the request as malformed.
        BadRequest = "bad_request",
        /// A gateway in front of the provider rejects the call, such as a bot filter.
        Blocked = "blocked",
    }
}

/// Where a failure occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The time limit expired.
    Timeout,
    /// The connection failed or broke.
    Network,
    /// The response reports the failure, or the call could not be made at all.
    Response,
}

/// A failed call to a provider. `Debug` and `Display` are safe to log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterError {
    class: ErrorClass,
    cause: Cause,
    message: &'static str,
    http_status: Option<u16>,
    provider_code: Option<String>,
    provider_message: Option<String>,
    retry_after: Option<SignedDuration>,
    reason: Option<StatusReason>,
    known_unprocessed: bool,
    needs_confirmation: bool,
    origin: Origin,
}

/// Who reports a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The provider's API, or the connection to it.
    Api,
    /// A web page, which a gateway in front of the API sends.
    WebPage,
    /// Evergrant itself.
    Internal,
}

impl AdapterError {
    /// Creates an error of this class. `message` is lower case, without a final stop and without
    /// data from outside.
    pub(crate) fn new(class: ErrorClass, message: &'static str) -> Self {
        let reason = match class {
            ErrorClass::NeedsReauth => Some(StatusReason::RefreshTokenInvalid),
            ErrorClass::NeedsUserAction => Some(StatusReason::UserActionAtProvider),
            ErrorClass::ScopeMissing => Some(StatusReason::ScopeMissing),
            _ => None,
        };
        Self {
            class,
            cause: Cause::Response,
            message,
            http_status: None,
            provider_code: None,
            provider_message: None,
            retry_after: None,
            reason,
            known_unprocessed: false,
            needs_confirmation: false,
            origin: Origin::Api,
        }
    }

    /// Creates an error that occurred before anything was sent.
    pub(crate) fn unsent(class: ErrorClass, message: &'static str) -> Self {
        Self::new(class, message).known_unprocessed()
    }

    /// Creates the error of a success response that cannot be interpreted.
    pub(crate) fn unreadable(message: &'static str, status: u16) -> Self {
        Self::new(ErrorClass::Unknown, message).with_status(status)
    }

    /// Creates the error of a call that was abandoned at its time limit.
    #[must_use]
    pub fn timed_out() -> Self {
        Self::new(ErrorClass::Unknown, "the provider did not respond in time")
            .caused_by(Cause::Timeout)
    }

    /// Creates the error of a call that was not sent because an earlier attempt is in doubt:
    /// repeating it could invalidate the grant.
    #[must_use]
    pub fn previous_attempt_in_doubt() -> Self {
        Self::new(
            ErrorClass::Unknown,
            "nothing was sent: the outcome of an earlier attempt is unknown",
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

    /// Sets the provider's code if it is safe to log and store ([`safe_code`]). `secrets` are those
    /// of the request.
    pub(crate) fn with_provider_code(mut self, code: Option<&str>, secrets: &[&str]) -> Self {
        let safe = code.and_then(|code| safe_code(code, secrets));
        self.provider_code = safe.map(str::to_owned);
        self
    }

    /// Sets the excerpt of the provider's message, made by [`evergrant_model::log_excerpt`].
    pub(crate) fn with_provider_message(mut self, excerpt: Option<String>) -> Self {
        self.provider_message = excerpt;
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<SignedDuration>) -> Self {
        self.retry_after = wait;
        self
    }

    pub(crate) fn with_reason(mut self, reason: Option<StatusReason>) -> Self {
        self.reason = reason.or(self.reason);
        self
    }

    pub(crate) fn known_unprocessed(mut self) -> Self {
        self.known_unprocessed = true;
        self
    }

    /// Clears [`Self::known_unprocessed`], for a later call of an operation whose first call took
    /// effect: the operation must not be retried.
    pub(crate) fn possibly_processed(mut self) -> Self {
        self.known_unprocessed = false;
        self
    }

    /// Returns whether the provider reports that the token is invalid, as opposed to a failure of
    /// the call.
    pub(crate) fn reports_invalid_token(&self) -> bool {
        matches!(
            self.class,
            ErrorClass::NeedsReauth | ErrorClass::TokenExpired
        )
    }

    pub(crate) fn internal(mut self) -> Self {
        self.origin = Origin::Internal;
        self
    }

    /// Returns whether this response is one that a provider sends if it does not accept the client
    /// registration. Some providers send it for a single grant, too.
    #[must_use]
    pub fn may_concern_registration(&self) -> bool {
        self.rejects_client() || self.http_status == Some(401)
    }

    /// Returns whether the code of this response states that the provider does not accept the
    /// client (RFC 6749 §5.2).
    #[must_use]
    pub fn rejects_client(&self) -> bool {
        let code = self.provider_code();
        matches!(code, Some("invalid_client" | "unauthorized_client"))
    }

    /// Records whether the response is a web page.
    pub(crate) fn in_web_page(mut self, is_web_page: bool) -> Self {
        if is_web_page {
            self.origin = Origin::WebPage;
        }
        self
    }

    pub(crate) fn needing_confirmation(mut self, needs_confirmation: bool) -> Self {
        self.needs_confirmation = needs_confirmation;
        self
    }

    /// Returns whether the provider's API refused the request without saying that the grant has
    /// ended. The grant, the request or the client registration may be the cause; only the answers
    /// to other grants can tell. A web page comes from a gateway in front of the API.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let is_refused = match self.class {
            ErrorClass::ConfigError | ErrorClass::BadRequest | ErrorClass::ScopeMissing => {
                self.http_status.is_some()
            }
            ErrorClass::Blocked => self.http_status == Some(403),
            _ => false,
        };
        is_refused && !self.is_web_page()
    }

    /// Returns whether the response is a web page, which no API sends.
    #[must_use]
    pub fn is_web_page(&self) -> bool {
        self.origin == Origin::WebPage
    }

    /// Returns the class, which determines how the caller reacts.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Returns where the failure occurred.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Returns whether the provider is known not to have processed the call, so that any call may
    /// be retried: nothing was sent, or the response was 429, or 503 with `Retry-After`.
    #[must_use]
    pub fn is_known_unprocessed(&self) -> bool {
        self.known_unprocessed
    }

    /// Returns the wait that the provider stated, less than one day.
    #[must_use]
    pub fn retry_after(&self) -> Option<SignedDuration> {
        self.retry_after
    }

    /// Returns the HTTP status; `None` if no response arrived.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    /// Returns the provider's own code, such as `invalid_grant`: at most 64 letters, digits, `_`,
    /// `.` and `-`.
    #[must_use]
    pub fn provider_code(&self) -> Option<&str> {
        self.provider_code.as_deref()
    }

    /// Returns an excerpt of the provider's message, for the log: at most 200 characters, without
    /// control characters and without anything that is or looks like a token.
    #[must_use]
    pub fn provider_message(&self) -> Option<&str> {
        self.provider_message.as_deref()
    }

    /// Returns the status reason of the connection; `None` for classes that do not change its
    /// status.
    #[must_use]
    pub fn reason(&self) -> Option<StatusReason> {
        self.reason
    }

    /// Returns whether the failure is a bug in Evergrant, such as a panic in an adapter.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.origin == Origin::Internal
    }

    /// Returns whether a second attempt must confirm this rejection before the grant counts as
    /// ended: it could have another cause.
    #[must_use]
    pub fn needs_confirmation(&self) -> bool {
        self.needs_confirmation
    }
}

impl std::fmt::Display for AdapterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message)?;
        match (self.http_status, &self.provider_code) {
            (Some(status), Some(code)) => write!(f, " (status {status}, {code})")?,
            (Some(status), None) => write!(f, " (status {status})")?,
            (None, Some(code)) => write!(f, " ({code})")?,
            (None, None) => {}
        }
        match &self.provider_message {
            Some(message) => write!(f, "; the provider says: {message}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AdapterError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn display(code: &str) -> String {
        AdapterError::new(ErrorClass::BadRequest, "rejected")
            .with_status(400)
            .with_provider_code(Some(code), &[])
            .to_string()
    }

    #[test]
    fn display_shows_provider_code_only_if_safe() {
        assert_eq!(
            display("invalid_grant"),
            "rejected (status 400, invalid_grant)"
        );
        for unsafe_code in [
            "",
            "a b",
            "a\r\nb",
            "<b>",
            "token=abc",
            "é",
            &"a".repeat(65),
        ] {
            assert_eq!(
                display(unsafe_code),
                "rejected (status 400)",
                "{unsafe_code:?}"
            );
        }
    }

    #[test]
    fn only_classes_that_change_connection_status_have_reason() {
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
