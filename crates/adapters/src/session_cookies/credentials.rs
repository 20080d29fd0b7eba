//! What an account's owner gives by hand, where a platform has no consent page.

use evergrant_model::{AccessToken, AccountInfo};

use crate::AdapterError;

/// A field of the form that the owner fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialField {
    /// Its key in the values.
    pub name: &'static str,
    /// What the owner calls it.
    pub label: &'static str,
    /// Whether it must be hidden as it is typed, and never shown again.
    pub secret: bool,
    /// Whether it is needed; one `pasted` text may stand for all others.
    pub required: bool,
    /// Where the owner finds it.
    pub help: &'static str,
}

/// Credentials that are worth storing.
#[derive(Debug, Clone)]
pub struct AcceptedCredentials {
    /// What is stored: a canonical text of the fields, to be treated as an access token without an
    /// end.
    pub session: AccessToken,
    /// Whose session it is.
    pub account: AccountInfo,
    /// Whether the platform has confirmed it.
    pub verified: bool,
}

/// What became of a stored session.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionCheck {
    /// It works, for this account.
    Alive(Box<AccountInfo>),
    /// It has ended; the owner must give a new one.
    Ended,
    /// The operator has set up no check.
    Unverified,
}

/// Why credentials were not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The owner can mend these fields.
    #[error("some fields are not acceptable")]
    Fields(Vec<CredentialFault>),
    /// The platform could not be asked.
    #[error(transparent)]
    Provider(#[from] AdapterError),
}

/// What is wrong with one field, in words for its owner. Never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFault {
    /// The field's name.
    pub field: &'static str,
    /// A sentence.
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
