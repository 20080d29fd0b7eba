//! The words that a definition chooses among.

use serde::Deserialize;

/// How we prove to the platform which client we are (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientAuth {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the form.
    Post,
    /// Not at all: a public client names itself in the form.
    None,
}

/// How the token endpoint takes its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenRequest {
    /// Posted as a form.
    #[default]
    Form,
    /// Posted as `multipart/form-data`.
    Multipart,
    /// Got with a query.
    Query,
}

/// Where an access token stands in a call that uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AccessTokenIn {
    /// In the `Authorization` header (RFC 6750 §2.1).
    #[default]
    Header,
    /// In the query (RFC 6750 §2.3).
    Query,
}

/// Whose error codes the platform speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ErrorCodes {
    /// Those of the OAuth standards.
    #[default]
    OAuth,
    /// The numbers of Meta's Graph API.
    Graph,
}

/// A half of our registration that is sent along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientPart {
    Id,
    Secret,
}

/// Which of a grant's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenKind {
    Refresh,
    Access,
}

/// Which of our four kinds of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CallKind {
    Exchange,
    Refresh,
    Profile,
    Revoke,
}

/// What a fact must be to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FactKind {
    Text,
    Integer,
    Number,
    Boolean,
}
