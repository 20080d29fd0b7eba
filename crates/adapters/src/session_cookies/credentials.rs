//! The public types of session credentials.

use evergrant_model::{AccessToken, AccountInfo};

use crate::AdapterError;

/// A field of the session credentials form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialField {
    /// The key in the submitted values.
    pub name: &'static str,
    /// The label that users see.
    pub label: &'static str,
    /// Whether the value must be masked during input and never displayed again.
    pub secret: bool,
    /// Whether a value is required. A `pasted` text can provide the values of all other fields.
    pub required: bool,
    /// Help text that says where to find the value.
    pub help: &'static str,
}

/// Valid session credentials, ready to be stored.
#[derive(Debug, Clone)]
pub struct AcceptedCredentials {
    /// The serialized session, stored as an access token without an expiry.
    pub session: AccessToken,
    /// The account that owns the session.
    pub account: AccountInfo,
    /// Whether the provider confirmed the session.
    pub verified: bool,
}

/// The result of a session check.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionCheck {
    /// The session is valid for this account.
    Alive(Box<AccountInfo>),
    /// The session has ended; its owner must paste a new one.
    Ended,
    /// The operator configured no check.
    Unverified,
}

/// Why session credentials were rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// These fields are missing or invalid; their owner can correct them.
    #[error("some session credentials are missing or invalid")]
    Fields(Vec<CredentialFault>),
    /// The provider could not confirm the session.
    #[error(transparent)]
    Provider(#[from] AdapterError),
}

/// A problem with one field, described for its owner. It never contains the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFault {
    /// The name of the field.
    pub field: &'static str,
    /// The description, a full sentence.
    pub message: String,
}

impl CredentialFault {
    pub(crate) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
        }
    }
}
