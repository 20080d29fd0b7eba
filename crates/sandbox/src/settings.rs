//! The switches of a platform: what real platforms did differently over the years, or leave undocumented.

mod meta;

use serde::{Deserialize, Deserializer, Serialize};

pub(crate) use meta::MetaSettings;
pub use meta::{PermissionsForm, RevokeReply, ThrottleCode, UserIdForm, Wrapping};

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
        _ => Err(serde::de::Error::custom("the value is true, false, \"on\" or \"off\"")),
    }
}

/// How the switches of one platform stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) refresh_token: RefreshMode,
    pub(crate) refresh_reply: RefreshReply,
    pub(crate) refresh_expiry: RefreshExpiry,
    pub(crate) client_kind: ClientKind,
    #[serde(rename = "oauthErrorsAs200")]
    pub(crate) oauth_errors_as_200: bool,
    pub(crate) expires_in: u32,
    pub(crate) revoke_status: RevokeStatus,
    pub(crate) retry_after: bool,
    pub(crate) dead_refresh_body: DeadRefreshBody,
    pub(crate) quota: u32,
    pub(crate) token_quota: u32,
    /// Those of Meta's platforms; `None` elsewhere.
    #[serde(flatten)]
    pub(crate) meta: Option<MetaSettings>,
}

impl Settings {
    /// Puts a switch in its position; `false` where the platform has no such switch.
    pub(crate) fn put(&mut self, switch: Switch) -> bool {
        match switch {
            Switch::RefreshToken(mode) => self.refresh_token = mode,
            Switch::RefreshReply(reply) => self.refresh_reply = reply,
            Switch::RefreshExpiry(expiry) => self.refresh_expiry = expiry,
            Switch::ClientKind(kind) => self.client_kind = kind,
            Switch::OauthErrorsAs200(on) => self.oauth_errors_as_200 = on,
            Switch::ExpiresIn(seconds) => self.expires_in = seconds,
            Switch::RevokeStatus(status) => self.revoke_status = status,
            Switch::RetryAfter(on) => self.retry_after = on,
            Switch::DeadRefreshBody(body) => self.dead_refresh_body = body,
            Switch::Quota(calls) => self.quota = calls,
            Switch::TokenQuota(calls) => self.token_quota = calls,
            of_meta => return self.meta.as_mut().is_some_and(|meta| meta.put(of_meta)),
        }
        true
    }
}
