//! What a refresh results in, as all of its waiters receive it.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ErrorClass};
use evergrant_model::{ConnectionStatus, ErrorCode, string_enum};
use evergrant_resilience::refresh::attempt::Verdict;
use evergrant_store::Connection;

use crate::ServiceError;
use crate::error::sentence_for;

/// The result that every waiter of one refresh receives.
pub(crate) type RefreshOutcome = Result<Arc<Connection>, RefreshFailure>;

/// A failed refresh, in a form that can be given to many waiters.
#[derive(Debug, Clone)]
pub(crate) struct RefreshFailure {
    code: ErrorCode,
    retry_after_seconds: Option<i64>,
}

impl RefreshFailure {
    pub(crate) fn new(code: ErrorCode) -> Self {
        Self {
            code,
            retry_after_seconds: None,
        }
    }

    pub(crate) fn of(error: &ServiceError) -> Self {
        Self {
            code: error.code(),
            retry_after_seconds: error.retry_after_seconds(),
        }
    }

    pub(crate) fn internal() -> Self {
        Self::new(ErrorCode::InternalError)
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    pub(crate) fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after_seconds = Some(seconds.max(1));
        self
    }

    /// Adds the time to wait, if there is one.
    pub(crate) fn maybe_retry_after(self, seconds: Option<i64>) -> Self {
        match seconds {
            Some(seconds) => self.retry_after(seconds),
            None => self,
        }
    }

    pub(crate) fn into_error(self, provider: &str) -> ServiceError {
        match self.code {
            ErrorCode::ReconnectRequired => ServiceError::reconnect_required(provider),
            ErrorCode::AccountNotFound => ServiceError::account_not_found(),
            ErrorCode::Overloaded => ServiceError::overloaded(),
            ErrorCode::DatabaseError => {
                ServiceError::database_unavailable().retry_after(self.retry_after_seconds)
            }
            code => ServiceError::new(code, sentence_for(code, provider))
                .retry_after(self.retry_after_seconds),
        }
    }
}

/// What a failed call to a platform means for a refresh.
pub(crate) fn verdict_of(error: &AdapterError) -> Verdict {
    match error.class() {
        ErrorClass::NeedsReauth => Verdict::Terminal,
        ErrorClass::NeedsUserAction => Verdict::UserAction,
        ErrorClass::RateLimited => Verdict::RateLimited,
        ErrorClass::ConfigError | ErrorClass::BadRequest | ErrorClass::ScopeMissing => {
            Verdict::Config
        }
        ErrorClass::Transient => Verdict::Transient,
        ErrorClass::Blocked => Verdict::Blocked,
        ErrorClass::Unknown | ErrorClass::TokenExpired if error.is_surely_unprocessed() => {
            Verdict::Transient
        }
        ErrorClass::Unknown | ErrorClass::TokenExpired => Verdict::Unknown,
    }
}

string_enum! {
    /// How the last attempt to refresh a token, or to check a session, failed.
    pub(crate) enum LastFailure {
        /// A temporary failure.
        Transient = "transient",
        /// The request was sent, and its result is unknown.
        Unknown = "unknown",
        /// A system in front of the platform rejected the request.
        Blocked = "blocked",
        /// The platform asked for a pause.
        RateLimited = "rate_limited",
        /// The grant or the session has ended.
        Terminal = "terminal",
        /// The account's owner must act at the platform.
        UserAction = "user_action",
        /// The platform rejected the client registration.
        Config = "config",
        /// The platform rejected the grant during a mass rejection: it is tried once more.
        Suspect = "suspect",
        /// Nothing was sent, because no key decrypts the stored tokens.
        Unreadable = "unreadable",
        /// The platform rejected the session once, which is not conclusive.
        RejectedOnce = "refused",
    }
}

impl From<Verdict> for LastFailure {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Transient => Self::Transient,
            Verdict::Unknown => Self::Unknown,
            Verdict::Blocked => Self::Blocked,
            Verdict::RateLimited => Self::RateLimited,
            Verdict::Terminal => Self::Terminal,
            Verdict::UserAction => Self::UserAction,
            Verdict::Config => Self::Config,
        }
    }
}

impl LastFailure {
    /// The failure that the row stores; `None` if the last attempt succeeded or there was none. The
    /// word of a newer version counts as a temporary failure.
    pub(crate) fn of(held: &Connection) -> Option<Self> {
        let word = held.last_outcome.as_deref()?;
        Some(Self::parse(word).unwrap_or(Self::Transient))
    }

    /// The code for a caller that arrives during the pause after this failure.
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::RateLimited => ErrorCode::RateLimitError,
            Self::Terminal => ErrorCode::ReconnectRequired,
            Self::UserAction | Self::Config => ErrorCode::TokenRefreshError,
            Self::Unreadable => ErrorCode::DecryptionError,
            Self::Transient
            | Self::Unknown
            | Self::Blocked
            | Self::Suspect
            | Self::RejectedOnce => ErrorCode::ProviderUnavailable,
        }
    }
}

/// A connection with newer tokens than those that were to be refreshed, unless its grant has ended
/// too.
pub(crate) fn newer(newest: Connection) -> RefreshOutcome {
    if newest.status == ConnectionStatus::Expired {
        return Err(RefreshFailure::new(ErrorCode::ReconnectRequired));
    }
    Ok(Arc::new(newest))
}
