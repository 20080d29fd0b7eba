//! One switch of a platform, as controls and tests name it.

use serde::{Deserialize, Deserializer};

use super::meta::{PermissionsForm, RevokeReply, ThrottleCode, UserIdForm, Wrapping};
use super::values::{
    ClientKind, DeadRefreshBody, RefreshExpiry, RefreshMode, RefreshReply, RevokeStatus,
};

/// One switch and the position to put it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "switch", content = "value", rename_all = "camelCase")]
pub enum Switch {
    /// What a refresh does to the refresh token.
    RefreshToken(RefreshMode),
    /// Whether a refresh repeats the refresh token that stays in force.
    RefreshReply(RefreshReply),
    /// What a refresh does to the end of the refresh token.
    RefreshExpiry(RefreshExpiry),
    /// Which kind of app the caller is taken for.
    ClientKind(ClientKind),
    /// Whether every error of the OAuth endpoints comes with status 200.
    OauthErrorsAs200(#[serde(deserialize_with = "on_or_off")] bool),
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
    /// Instagram: whether a long-lived token comes with `expires_in`. Without, it has no end.
    ExpiresInReply(#[serde(deserialize_with = "on_or_off")] bool),
    /// Instagram: whether a renewed token is the same text as before.
    SameToken(#[serde(deserialize_with = "on_or_off")] bool),
    /// Instagram: whether every call needs an `appsecret_proof`.
    RequireProof(#[serde(deserialize_with = "on_or_off")] bool),
    /// Instagram: whether the code exchange takes a URL-encoded form.
    Urlencoded(#[serde(deserialize_with = "on_or_off")] bool),
    /// Instagram: what a successful revocation says.
    RevokeReply(RevokeReply),
    /// Instagram: whether an answer stands in `data`.
    Wrapping(Wrapping),
    /// Instagram: how a user id is written.
    UserId(UserIdForm),
    /// Instagram: how permissions are written.
    Permissions(PermissionsForm),
    /// Instagram: the error past the quota.
    ThrottleCode(ThrottleCode),
}

fn on_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Bool(on) => Ok(on),
        serde_json::Value::String(word) if word == "on" => Ok(true),
        serde_json::Value::String(word) if word == "off" => Ok(false),
        _ => Err(serde::de::Error::custom(
            "the value is true, false, \"on\" or \"off\"",
        )),
    }
}
