//! A switch of a platform, as the control API and tests name it.

use serde::{Deserialize, Deserializer};

use super::meta::{PermissionsForm, RevokeReply, ThrottleCode, UserIdForm, Wrapping};
use super::values::{
    ClientKind, DeadRefreshBody, RefreshExpiry, RefreshMode, RefreshReply, RevokeStatus,
};

/// A switch and its new position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "switch", content = "value", rename_all = "camelCase")]
pub enum Switch {
    /// Whether a refresh rotates the refresh token.
    RefreshToken(RefreshMode),
    /// Whether the response to a refresh repeats an unchanged refresh token.
    RefreshReply(RefreshReply),
    /// Whether a refresh extends the lifetime of the refresh token.
    RefreshExpiry(RefreshExpiry),
    /// The kind of app that the platform takes the caller for.
    ClientKind(ClientKind),
    /// Whether the OAuth endpoints return errors with status 200.
    OauthErrorsAs200(#[serde(deserialize_with = "on_or_off")] bool),
    /// Lifetime of an access token or a session in seconds.
    ExpiresIn(u32),
    /// HTTP status of a successful revocation.
    RevokeStatus(RevokeStatus),
    /// Whether a 429 has the header `Retry-After`.
    RetryAfter(#[serde(deserialize_with = "on_or_off")] bool),
    /// Body of a failed refresh.
    DeadRefreshBody(DeadRefreshBody),
    /// Number of calls to the data endpoints per window.
    Quota(u32),
    /// Number of calls to the token endpoint per window.
    TokenQuota(u32),
    /// Instagram: whether a long-lived token comes with `expires_in`. Without it, the token does
    /// not expire.
    ExpiresInReply(#[serde(deserialize_with = "on_or_off")] bool),
    /// Instagram: whether a refresh returns the same token.
    SameToken(#[serde(deserialize_with = "on_or_off")] bool),
    /// Instagram: whether every call requires an `appsecret_proof`.
    RequireProof(#[serde(deserialize_with = "on_or_off")] bool),
    /// Instagram: whether the code exchange accepts a URL-encoded form.
    Urlencoded(#[serde(deserialize_with = "on_or_off")] bool),
    /// Instagram: body of a successful revocation.
    RevokeReply(RevokeReply),
    /// Instagram: whether responses are wrapped in `data`.
    Wrapping(Wrapping),
    /// Instagram: JSON type of user ids.
    UserId(UserIdForm),
    /// Instagram: JSON type of permissions.
    Permissions(PermissionsForm),
    /// Instagram: error code of a rate-limited call.
    ThrottleCode(ThrottleCode),
}

fn on_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Bool(on) => Ok(on),
        serde_json::Value::String(word) if word == "on" => Ok(true),
        serde_json::Value::String(word) if word == "off" => Ok(false),
        _ => Err(serde::de::Error::custom(
            "the value must be true, false, \"on\" or \"off\"",
        )),
    }
}
