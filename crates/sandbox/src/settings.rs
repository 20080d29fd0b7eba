//! The switches of a platform: what real platforms did differently over the years, or leave undocumented.

use serde::{Deserialize, Deserializer, Serialize};

/// What a refresh does to the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshMode {
    /// It stays the same for ever.
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

/// One switch and the position to put it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "switch", content = "value", rename_all = "camelCase")]
pub enum Switch {
    /// What a refresh does to the refresh token.
    RefreshToken(RefreshMode),
    /// Whether a refresh repeats the refresh token that stays in force.
    RefreshReply(RefreshReply),
    /// Life of an access token in seconds.
    ExpiresIn(u32),
    /// Status of a successful revocation.
    RevokeStatus(RevokeStatus),
    /// Whether a 429 says when to come back.
    RetryAfter(#[serde(deserialize_with = "on_or_off")] bool),
    /// What a refused refresh says.
    DeadRefreshBody(DeadRefreshBody),
    /// Calls to the data endpoints in one window.
    Quota(u32),
    /// Calls to the token endpoint in one window.
    TokenQuota(u32),
}

fn on_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Bool(on) => Ok(on),
        serde_json::Value::String(word) if word == "on" => Ok(true),
        serde_json::Value::String(word) if word == "off" => Ok(false),
        _ => Err(serde::de::Error::custom("retryAfter is true, false, \"on\" or \"off\"")),
    }
}

/// How the switches of one platform stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) refresh_token: RefreshMode,
    pub(crate) refresh_reply: RefreshReply,
    pub(crate) expires_in: u32,
    pub(crate) revoke_status: RevokeStatus,
    pub(crate) retry_after: bool,
    pub(crate) dead_refresh_body: DeadRefreshBody,
    pub(crate) quota: u32,
    pub(crate) token_quota: u32,
}

impl Settings {
    pub(crate) fn put(&mut self, switch: Switch) {
        match switch {
            Switch::RefreshToken(mode) => self.refresh_token = mode,
            Switch::RefreshReply(reply) => self.refresh_reply = reply,
            Switch::ExpiresIn(seconds) => self.expires_in = seconds,
            Switch::RevokeStatus(status) => self.revoke_status = status,
            Switch::RetryAfter(on) => self.retry_after = on,
            Switch::DeadRefreshBody(body) => self.dead_refresh_body = body,
            Switch::Quota(calls) => self.quota = calls,
            Switch::TokenQuota(calls) => self.token_quota = calls,
        }
    }
}
