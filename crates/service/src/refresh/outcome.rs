//! The result of a refresh, shared by all of its waiters.

use std::error::Error;
use std::sync::Arc;

use evergrant_adapters::{AdapterError, ErrorClass};
use evergrant_model::{ConnectionStatus, ErrorCode, SignedDuration, string_enum};
use evergrant_resilience::refresh::attempt::Verdict;
use evergrant_store::Connection;

use crate::ServiceError;
use crate::error::{Source, sentence_for};

/// The result that every waiter of one refresh receives.
pub(crate) type RefreshOutcome = Result<Arc<Connection>, RefreshFailure>;

/// Why a refresh failed. Each waiter turns its copy into a [`ServiceError`].
#[derive(Debug, Clone)]
pub(crate) struct RefreshFailure {
    code: ErrorCode,
    /// How the refresh failed; `None` if no attempt failed.
    last: Option<LastFailure>,
    retry_after: Option<SignedDuration>,
    /// The cause, for the log.
    source: Option<Source>,
}

impl RefreshFailure {
    /// Creates a failure without a retry time.
    pub(crate) fn new(code: ErrorCode) -> Self {
        Self {
            code,
            last: None,
            retry_after: None,
            source: None,
        }
    }

    /// Creates the failure of callers after an attempt that failed like this.
    pub(crate) fn after(last: LastFailure) -> Self {
        Self {
            last: Some(last),
            ..Self::new(last.code())
        }
        .caused_by(format!("the last attempt failed: {}", last.as_str()))
    }

    /// Creates a failure with the code, retry time and cause of `error`.
    pub(crate) fn of(error: &ServiceError) -> Self {
        Self {
            retry_after: error.retry_after(),
            source: error.shared_source(),
            ..Self::new(error.code())
        }
    }

    /// Returns an `INTERNAL_ERROR`.
    pub(crate) fn internal() -> Self {
        Self::new(ErrorCode::InternalError)
    }

    /// Sets the cause, which is logged.
    pub(crate) fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(cause.into().into());
        self
    }

    /// Returns the stable code.
    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    /// Sets how long the caller should wait before it retries, at least a second; does nothing for
    /// `None`.
    pub(crate) fn with_retry_after(mut self, wait: Option<SignedDuration>) -> Self {
        let at_least_a_second = |wait: SignedDuration| wait.max(SignedDuration::from_secs(1));
        self.retry_after = wait.map(at_least_a_second).or(self.retry_after);
        self
    }

    /// Returns the error for one waiter. `provider_name` is the platform's display name.
    pub(crate) fn into_error(self, provider_name: &str) -> ServiceError {
        let error = match self.code {
            ErrorCode::ReconnectRequired => ServiceError::reconnect_required(provider_name),
            ErrorCode::AccountNotFound => ServiceError::account_not_found(),
            ErrorCode::Overloaded => ServiceError::overloaded(),
            ErrorCode::InternalError => ServiceError::internal(),
            ErrorCode::DatabaseError => {
                ServiceError::database_unavailable().with_retry_after(self.retry_after)
            }
            code => {
                let sentence = self.last.and_then(|last| last.sentence(provider_name));
                let detail = sentence.unwrap_or_else(|| sentence_for(code, provider_name));
                ServiceError::new(code, detail).with_retry_after(self.retry_after)
            }
        };
        error.with_source(self.source)
    }
}

/// Maps the class of a failed provider call to the verdict of the refresh state machine.
pub(crate) fn verdict_of(error: &AdapterError) -> Verdict {
    match error.class() {
        ErrorClass::NeedsReauth => Verdict::Terminal,
        ErrorClass::NeedsUserAction => Verdict::UserAction,
        ErrorClass::RateLimited => Verdict::RateLimited,
        // A gateway in front of the platform sent it.
        ErrorClass::ConfigError | ErrorClass::BadRequest if error.is_web_page() => Verdict::Blocked,
        ErrorClass::ConfigError | ErrorClass::BadRequest | ErrorClass::ScopeMissing => {
            Verdict::Config
        }
        ErrorClass::Transient => Verdict::Transient,
        ErrorClass::Blocked => Verdict::Blocked,
        ErrorClass::Unknown | ErrorClass::TokenExpired if error.is_known_unprocessed() => {
            Verdict::Transient
        }
        ErrorClass::Unknown | ErrorClass::TokenExpired => Verdict::Unknown,
    }
}

string_enum! {
    /// How the last refresh or session check of a connection failed. The values are stored.
    pub(crate) enum LastFailure {
        /// A temporary failure.
        Transient = "transient",
        /// A request was sent, and its result is unknown.
        Unknown = "unknown",
        /// A system in front of the platform rejected the request.
        Blocked = "blocked",
        /// The platform rate limited the request.
        RateLimited = "rate_limited",
        /// The grant or the session has ended.
        Terminal = "terminal",
        /// The owner of the account must act at the platform.
        UserAction = "user_action",
        /// The platform refused the request without saying that the grant has ended.
        Refused = "refused",
        /// The platform refused this grant and others alike: the client registration is at fault.
        Registration = "registration",
        /// No request was sent, because the definition of the platform is at fault.
        Config = "config",
        /// The platform rejected the grant during a mass rejection. It is tried once more.
        Suspect = "suspect",
        /// No request was sent, because no configured key decrypts the stored tokens.
        Unreadable = "unreadable",
        /// The platform rejected the session once. A second rejection is needed to end it.
        RejectedOnce = "rejected_once",
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
    /// Returns the stored failure of a connection; `None` if the last attempt succeeded or there
    /// was none. A value written by a newer version counts as a temporary failure.
    pub(crate) fn of(connection: &Connection) -> Option<Self> {
        let stored = connection.last_outcome.as_deref()?;
        Some(Self::parse(stored).unwrap_or(Self::Transient))
    }

    /// Returns the error code for a caller during the pause after this failure.
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::RateLimited => ErrorCode::RateLimitError,
            Self::Terminal => ErrorCode::ReconnectRequired,
            Self::UserAction | Self::Refused | Self::Registration | Self::Config => {
                ErrorCode::TokenRefreshError
            }
            Self::Unreadable => ErrorCode::DecryptionError,
            Self::Transient
            | Self::Unknown
            | Self::Blocked
            | Self::Suspect
            | Self::RejectedOnce => ErrorCode::ProviderUnavailable,
        }
    }
}

impl LastFailure {
    /// Returns what a user can do about this failure; `None` if the sentence for its code says it.
    /// `name` is the platform's display name.
    fn sentence(self, name: &str) -> Option<String> {
        match self {
            Self::Refused => Some(format!(
                "{name} refused to refresh the token. The connection is kept and tried again. If \
                 this persists, reconnect the account."
            )),
            Self::UserAction => Some(user_action(name)),
            Self::Registration | Self::Config => Some(format!(
                "{name} cannot be called with the current settings. The connection is kept. \
                 Please contact the administrator."
            )),
            _ => None,
        }
    }
}

/// Returns the sentence for a connection whose owner must act at the platform first.
pub(crate) fn user_action(name: &str) -> String {
    format!(
        "{name} requires an action by the account's owner. Sign in at {name} and follow its \
         instructions, then try again."
    )
}

/// Returns a connection whose newer tokens make the refresh unnecessary.
///
/// # Errors
///
/// `RECONNECT_REQUIRED` if its grant has ended meanwhile.
pub(crate) fn newer(newest: Connection) -> RefreshOutcome {
    if newest.status == ConnectionStatus::Expired {
        return Err(RefreshFailure::new(ErrorCode::ReconnectRequired));
    }
    Ok(Arc::new(newest))
}
