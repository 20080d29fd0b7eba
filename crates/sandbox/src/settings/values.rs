//! The positions of the switches that any platform can have.

use serde::{Deserialize, Serialize};

/// What a refresh does to the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshMode {
    /// It stays the same for ever; `same` is another word for it.
    #[serde(alias = "same")]
    Keep,
    /// Each refresh gives a new one, and the old one is dead at once.
    RotateStrict,
    /// Each refresh gives a new one, and the old one works for another minute.
    RotateGrace,
}

/// Whether the answer to a refresh names the refresh token that stays in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshReply {
    /// It is repeated.
    Repeat,
    /// It is left out. A rotated token is always sent.
    Omit,
}

/// What a refresh does to the end of the refresh token, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshExpiry {
    /// It stays where the consent put it: `refresh_expires_in` shrinks.
    FromFirstIssue,
    /// Each refresh puts it off.
    Rolling,
}

/// Which kind of app a platform takes the caller for, where that decides about PKCE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientKind {
    /// One on a desktop if its redirect address is on loopback, else one on the web.
    ByRedirect,
    /// One on the web: PKCE is neither asked for nor looked at.
    Web,
    /// One on a desktop: PKCE is demanded.
    Desktop,
}

/// The body that comes with the refusal of a dead refresh token.
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

/// The status of a successful revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum RevokeStatus {
    /// 200 with an empty body.
    Ok,
    /// 204.
    NoContent,
}

impl TryFrom<u16> for RevokeStatus {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        match status {
            200 => Ok(Self::Ok),
            204 => Ok(Self::NoContent),
            _ => Err("revokeStatus is 200 or 204"),
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
