//! The one error of the service layer: a stable code, a sentence for the end user, and for the log
//! the source.

use evergrant_adapters::{AdapterError, Cause, ErrorClass};
use evergrant_encryption::CipherError;
use evergrant_model::ErrorCode;
use evergrant_store::StoreError;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A field of a request that is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The field, as a path such as `accounts[0].provider`.
    pub field: String,
    /// What would be acceptable.
    pub message: String,
}

/// Why a call did not do what was asked.
#[derive(Debug)]
pub struct ServiceError {
    code: ErrorCode,
    detail: String,
    fields: Vec<FieldFault>,
    retry_after_seconds: Option<i64>,
    source: Option<Source>,
}

impl ServiceError {
    /// An error with this code; `detail` is a sentence fit for an end user.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after_seconds: None,
            source: None,
        }
    }

    /// One field that is not acceptable.
    #[must_use]
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let fault = FieldFault {
            field: field.to_owned(),
            message: message.into(),
        };
        Self::fields(vec![fault])
    }

    /// Fields that are not acceptable.
    #[must_use]
    pub fn fields(fields: Vec<FieldFault>) -> Self {
        let mut error = Self::new(
            ErrorCode::ValidationError,
            "Some fields are not acceptable.",
        );
        error.fields = fields;
        error
    }

    /// The same, not to be tried again before this many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: Option<i64>) -> Self {
        self.retry_after_seconds = seconds;
        self
    }

    fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// A sentence fit for an end user.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields that are not acceptable.
    #[must_use]
    pub fn field_faults(&self) -> &[FieldFault] {
        &self.fields
    }

    /// How long to wait before the same call has a chance.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<i64> {
        self.retry_after_seconds
    }

    /// A failure of Evergrant itself that the caller cannot resolve.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            ErrorCode::InternalError,
            "Something went wrong on our side.",
        )
    }

    pub(crate) fn shutting_down() -> Self {
        let detail = "The service is about to restart. Nothing is lost; please try again.";
        Self::new(ErrorCode::Overloaded, detail).retry_after(Some(1))
    }

    pub(crate) fn account_not_found() -> Self {
        Self::new(
            ErrorCode::AccountNotFound,
            "No such account is connected for this user.",
        )
    }

    pub(crate) fn user_not_found() -> Self {
        Self::new(ErrorCode::UserNotFound, "There is no such user.")
    }

    pub(crate) fn flow_not_found() -> Self {
        Self::new(
            ErrorCode::FlowNotFound,
            "There is no such flow for this user.",
        )
    }

    pub(crate) fn overloaded() -> Self {
        let detail = "Too much is going on at this moment. Nothing is lost; please try again.";
        Self::new(ErrorCode::Overloaded, detail).retry_after(Some(1))
    }

    pub(crate) fn database_unavailable() -> Self {
        let detail = "The database is not answering. Nothing is lost; please try again.";
        Self::new(ErrorCode::DatabaseError, detail).retry_after(Some(1))
    }

    pub(crate) fn invalid_state() -> Self {
        Self::new(
            ErrorCode::InvalidState,
            "This sign-in is not known, has been used already or has expired. Please begin it again.",
        )
    }

    pub(crate) fn reconnect_required(provider: &str) -> Self {
        Self::new(
            ErrorCode::ReconnectRequired,
            format!(
                "{provider} no longer accepts this connection. Please connect the account again."
            ),
        )
    }
}

impl std::fmt::Display for ServiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for ServiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            // The only rows that ours refer to are users'.
            StoreError::Missing => Self::user_not_found(),
            error @ StoreError::Busy => Self::overloaded().caused_by(error),
            error @ StoreError::Inconsistent(_) => Self::internal().caused_by(error),
            error => Self::database_unavailable().caused_by(error),
        }
    }
}

impl From<CipherError> for ServiceError {
    fn from(error: CipherError) -> Self {
        Self::new(
            error.code(),
            "A stored secret could not be read or written.",
        )
        .caused_by(error)
    }
}

/// The code that stands for a failed call to a platform, where nothing more particular is known.
pub(crate) fn code_of(error: &AdapterError) -> ErrorCode {
    match (error.class(), error.cause()) {
        (ErrorClass::RateLimited, _) => ErrorCode::RateLimitError,
        (_, Cause::Timeout) => ErrorCode::TimeoutError,
        (_, Cause::Network) => ErrorCode::NetworkError,
        _ => ErrorCode::ProviderUnavailable,
    }
}

/// What an end user is told of it.
pub(crate) fn sentence_for(code: ErrorCode, provider: &str) -> String {
    match code {
        ErrorCode::RateLimitError => {
            format!("{provider} asks us to slow down. Nothing is lost; please try again later.")
        }
        ErrorCode::TimeoutError => {
            format!("{provider} did not answer in time. Nothing is lost; please try again.")
        }
        ErrorCode::NetworkError => {
            format!("{provider} could not be reached. Nothing is lost; please try again.")
        }
        ErrorCode::TokenRefreshError => {
            format!("{provider} refused the renewal. Nothing is lost; the operator has been told.")
        }
        ErrorCode::DecryptionError => {
            "The stored token cannot be read with any known key.".to_owned()
        }
        _ => {
            format!("{provider} is not available at the moment. Nothing is lost; please try again.")
        }
    }
}
