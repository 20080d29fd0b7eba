//! What a refresh results in, as all of its waiters receive it.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ErrorClass};
use evergrant_model::{ConnectionStatus, ErrorCode};
use evergrant_resilience::renewal::attempt::Verdict;
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
        Self { code, retry_after_seconds: None }
    }

    pub(crate) fn of(error: &ServiceError) -> Self {
        Self { code: error.code(), retry_after_seconds: error.retry_after_seconds() }
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
            ErrorCode::DatabaseError => ServiceError::database_unavailable().retry_after(self.retry_after_seconds),
            code => ServiceError::new(code, sentence_for(code, provider)).retry_after(self.retry_after_seconds),
        }
    }
}

/// What a failed call to a platform means for a refresh.
pub(crate) fn verdict_of(error: &AdapterError) -> Verdict {
    match error.class() {
        ErrorClass::NeedsReauth => Verdict::Terminal,
        ErrorClass::NeedsUserAction => Verdict::UserAction,
        ErrorClass::RateLimited => Verdict::RateLimited,
        ErrorClass::ConfigError | ErrorClass::BadRequest | ErrorClass::ScopeMissing => Verdict::Config,
        ErrorClass::Transient => Verdict::Transient,
        ErrorClass::Blocked => Verdict::Blocked,
        ErrorClass::Unknown | ErrorClass::TokenExpired if error.is_surely_unprocessed() => Verdict::Transient,
        ErrorClass::Unknown | ErrorClass::TokenExpired => Verdict::Unknown,
    }
}

/// How the last attempt failed, as the row stores it in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastFailure {
    /// The attempt's own verdict.
    Verdict(Verdict),
    /// The platform rejected the grant while it rejected too many: it is tried once more.
    Suspect,
    /// Nothing was sent, because no key decrypts the stored tokens.
    Unreadable,
}

impl LastFailure {
    const WORDS: [(Self, &'static str); 9] = [
        (Self::Verdict(Verdict::Transient), "transient"),
        (Self::Verdict(Verdict::Unknown), "unknown"),
        (Self::Verdict(Verdict::Blocked), "blocked"),
        (Self::Verdict(Verdict::RateLimited), "rate_limited"),
        (Self::Verdict(Verdict::Terminal), "terminal"),
        (Self::Verdict(Verdict::UserAction), "user_action"),
        (Self::Verdict(Verdict::Config), "config"),
        (Self::Suspect, "suspect"),
        (Self::Unreadable, "unreadable"),
    ];

    /// The failure that the row stores; `None` if the last attempt succeeded or there was none.
    pub(crate) fn of(held: &Connection) -> Option<Self> {
        let word = held.last_outcome.as_deref()?;
        let known = Self::WORDS.iter().find(|(_, known)| *known == word);
        Some(known.map_or(Self::Verdict(Verdict::Transient), |(failure, _)| *failure))
    }

    pub(crate) fn as_str(self) -> &'static str {
        let known = Self::WORDS.iter().find(|(failure, _)| *failure == self);
        known.map_or("transient", |(_, word)| word)
    }

    /// The code for a caller that arrives during the pause after this failure.
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::Verdict(Verdict::RateLimited) => ErrorCode::RateLimitError,
            Self::Verdict(Verdict::Terminal) => ErrorCode::ReconnectRequired,
            Self::Verdict(Verdict::UserAction | Verdict::Config) => ErrorCode::TokenRefreshError,
            Self::Unreadable => ErrorCode::DecryptionError,
            Self::Verdict(Verdict::Transient | Verdict::Unknown | Verdict::Blocked) | Self::Suspect => {
                ErrorCode::ProviderUnavailable
            }
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
