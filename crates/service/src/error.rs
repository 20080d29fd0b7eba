//! The error type of the service layer: a stable code, a message for the end user, and the source
//! for the log.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, Cause, ErrorClass};
use evergrant_encryption::CipherError;
use evergrant_model::{ErrorCode, SignedDuration};
use evergrant_store::StoreError;
use serde::{Deserialize, Serialize};

/// The wait stated to a caller after a failure that usually ends within a second.
pub(crate) const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(1);

/// The cause of an error, shared by all callers that receive it.
pub(crate) type Source = Arc<dyn std::error::Error + Send + Sync>;

/// An invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The field, as a path such as `accounts[0].provider`.
    pub field: String,
    /// What is wrong with it or what is expected, such as `must be 1 to 100 characters`.
    pub message: String,
}

/// An account with which a person signed in, as the person knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedInAccount {
    /// The account's id at the platform.
    pub id: String,
    /// The handle; `None` if the platform has none.
    pub username: Option<String>,
    /// The name shown to people; `None` if the platform has none.
    pub display_name: Option<String>,
}

/// Why an operation failed. Copies share the cause.
#[derive(Debug, Clone)]
pub struct ServiceError {
    code: ErrorCode,
    detail: String,
    fields: Vec<FieldFault>,
    accounts: Vec<SignedInAccount>,
    retry_after: Option<SignedDuration>,
    source: Option<Source>,
}

impl ServiceError {
    /// Creates an error. `detail` is a full sentence that may be shown to an end user.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            accounts: Vec::new(),
            retry_after: None,
            source: None,
        }
    }

    /// Returns a `VALIDATION_ERROR` for one field.
    #[must_use]
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let fault = FieldFault {
            field: field.to_owned(),
            message: message.into(),
        };
        Self::fields(vec![fault])
    }

    /// Returns a `VALIDATION_ERROR` for several fields.
    #[must_use]
    pub fn fields(fields: Vec<FieldFault>) -> Self {
        let mut error = Self::new(
            ErrorCode::ValidationError,
            "Some fields of the request are invalid.",
        );
        error.fields = fields;
        error
    }

    /// Sets how long the caller should wait before it retries.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<SignedDuration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Sets the accounts with which the person signed in.
    pub(crate) fn with_accounts(mut self, accounts: Vec<SignedInAccount>) -> Self {
        self.accounts = accounts;
        self
    }

    /// Sets the cause, which is logged and never shown to a caller.
    pub(crate) fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// Sets the cause to one that another error has too; does nothing for `None`.
    pub(crate) fn with_source(mut self, source: Option<Source>) -> Self {
        self.source = source.or(self.source);
        self
    }

    /// Removes the cause, of an error that has been logged.
    pub(crate) fn without_source(mut self) -> Self {
        self.source = None;
        self
    }

    /// Returns the cause.
    pub(crate) fn shared_source(&self) -> Option<Source> {
        self.source.clone()
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the message for the end user.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the invalid fields; empty unless the code is `VALIDATION_ERROR`.
    #[must_use]
    pub fn field_faults(&self) -> &[FieldFault] {
        &self.fields
    }

    /// Returns the accounts with which the person signed in; empty unless the code is
    /// `ACCOUNT_MISMATCH`.
    #[must_use]
    pub fn accounts(&self) -> &[SignedInAccount] {
        &self.accounts
    }

    /// Returns how long the caller should wait before it retries; `None` if unknown.
    #[must_use]
    pub fn retry_after(&self) -> Option<SignedDuration> {
        self.retry_after
    }

    /// Returns an `INTERNAL_ERROR`: a fault of Evergrant that the caller cannot resolve.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            ErrorCode::InternalError,
            "An internal error occurred. Please try again later.",
        )
    }

    pub(crate) fn shutting_down() -> Self {
        let detail = "The service is restarting. Please try again in a moment.";
        Self::new(ErrorCode::Overloaded, detail)
            .with_retry_after(Some(RETRY_AFTER))
            .caused_by("this process is shutting down")
    }

    /// Returns an `ACCOUNT_NOT_FOUND` error: the account is not connected for this user.
    #[must_use]
    pub fn account_not_found() -> Self {
        Self::new(
            ErrorCode::AccountNotFound,
            "No such account is connected for this user.",
        )
    }

    pub(crate) fn user_not_found() -> Self {
        Self::new(ErrorCode::UserNotFound, "User not found.")
    }

    /// Returns a `FLOW_NOT_FOUND` error: the user has no such flow.
    #[must_use]
    pub fn flow_not_found() -> Self {
        Self::new(
            ErrorCode::FlowNotFound,
            "No such sign-in was found for this user.",
        )
    }

    pub(crate) fn overloaded() -> Self {
        let detail = "The service is busy. Please try again in a moment.";
        Self::new(ErrorCode::Overloaded, detail).with_retry_after(Some(RETRY_AFTER))
    }

    pub(crate) fn database_unavailable() -> Self {
        let detail = "The database is unavailable. Please try again in a moment.";
        Self::new(ErrorCode::DatabaseError, detail).with_retry_after(Some(RETRY_AFTER))
    }

    /// Returns an `INVALID_STATE` error: the state or receipt is unknown, used, expired or wrong.
    #[must_use]
    pub fn invalid_state() -> Self {
        Self::new(
            ErrorCode::InvalidState,
            "This sign-in link is invalid, expired or already used. Please start again.",
        )
    }

    pub(crate) fn reconnect_required(provider_name: &str) -> Self {
        Self::new(
            ErrorCode::ReconnectRequired,
            format!(
                "{provider_name} no longer accepts this connection. Please reconnect the account."
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
            // Of the rows that a write of the service references, only a user can be missing.
            StoreError::Missing => Self::user_not_found(),
            error @ StoreError::Busy => Self::overloaded().caused_by(error),
            error if error.is_outage() || error.is_refused_write() || error.is_unknown_commit() => {
                Self::database_unavailable().caused_by(error)
            }
            // The database responds: a repetition of the same statement fails in the same way.
            error => Self::internal().caused_by(error),
        }
    }
}

impl From<CipherError> for ServiceError {
    fn from(error: CipherError) -> Self {
        let detail = "A stored secret could not be encrypted or decrypted. Please contact the \
                      administrator.";
        Self::new(error.code(), detail).caused_by(error)
    }
}

/// Returns the code for a failed call to a platform when no more specific one applies.
pub(crate) fn code_of(error: &AdapterError) -> ErrorCode {
    match (error.class(), error.cause()) {
        (ErrorClass::RateLimited, _) => ErrorCode::RateLimitError,
        (_, Cause::Timeout) => ErrorCode::TimeoutError,
        (_, Cause::Network) => ErrorCode::NetworkError,
        _ => ErrorCode::ProviderUnavailable,
    }
}

/// Returns the message for the end user about a failed call to the platform `provider_name`.
pub(crate) fn sentence_for(code: ErrorCode, provider_name: &str) -> String {
    match code {
        ErrorCode::RateLimitError => {
            format!("{provider_name} is receiving too many requests. Please try again later.")
        }
        ErrorCode::TimeoutError => {
            format!("{provider_name} did not respond in time. Please try again.")
        }
        ErrorCode::NetworkError => {
            format!("{provider_name} could not be reached. Please try again.")
        }
        ErrorCode::TokenRefreshError => {
            format!(
                "The {provider_name} token could not be refreshed. The connection is kept. Please \
                 try again later."
            )
        }
        ErrorCode::DecryptionError => {
            "The stored token cannot be decrypted. Please contact the administrator.".to_owned()
        }
        _ => {
            format!("{provider_name} is temporarily unavailable. Please try again.")
        }
    }
}
