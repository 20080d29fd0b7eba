//! Positions of the switches that any platform can have.

use serde::{Deserialize, Serialize};

/// Whether a refresh rotates the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshMode {
    /// Never rotated. Alias: `same`.
    #[serde(alias = "same")]
    Keep,
    /// Rotated at each refresh; the old token is invalid at once.
    RotateStrict,
    /// Rotated at each refresh; the old token stays valid for another 60 seconds.
    RotateGrace,
}

/// Whether the response to a refresh contains an unchanged refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshReply {
    /// The token is repeated.
    Repeat,
    /// The token is omitted. A rotated token is always sent.
    Omit,
}

/// Whether a refresh extends the lifetime of the refresh token, if it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshExpiry {
    /// The lifetime counts from the consent; `refresh_expires_in` shrinks with each refresh.
    FromFirstIssue,
    /// The lifetime restarts at each refresh.
    Rolling,
}

/// The kind of app that a platform takes the caller for, if PKCE depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientKind {
    /// A desktop app if its redirect URI is on loopback, otherwise a web app.
    ByRedirect,
    /// A web app: PKCE is neither required nor checked.
    Web,
    /// A desktop app: PKCE is required.
    Desktop,
}

/// Body of the error for an invalid refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadRefreshBody {
    /// `{"message":"Bad Request","error":400}`
    Message,
    /// `{"error":400}`
    Bare,
    /// `{"error":"invalid_request"}`
    Oauth,
}

/// HTTP status of a successful revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum RevokeStatus {
    /// Status 200, with an empty body.
    Ok,
    /// Status 204, without a body.
    NoContent,
}

impl TryFrom<u16> for RevokeStatus {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        match status {
            200 => Ok(Self::Ok),
            204 => Ok(Self::NoContent),
            _ => Err("revokeStatus must be 200 or 204"),
        }
    }
}

impl From<RevokeStatus> for u16 {
    fn from(status: RevokeStatus) -> Self {
        match status {
            RevokeStatus::Ok => 200,
            RevokeStatus::NoContent => 204,
        }
    }
}
