//! The switches of a platform: behavior that real platforms changed over the years or do not
//! document.

mod meta;
mod switch;
mod values;

use serde::Serialize;

pub(crate) use meta::MetaSettings;
pub use meta::{PermissionsForm, RevokeReply, ThrottleCode, UserIdForm, Wrapping};
pub use switch::Switch;
pub use values::{
    ClientKind, DeadRefreshBody, RefreshExpiry, RefreshMode, RefreshReply, RevokeStatus,
};

/// The positions of a platform's switches.
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
    /// Switches of Meta's platforms. `None` at other platforms.
    #[serde(flatten)]
    pub(crate) meta: Option<MetaSettings>,
}

impl Settings {
    /// Sets a switch. Returns `false` if the platform does not have it.
    pub(crate) fn apply(&mut self, switch: Switch) -> bool {
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
            other => return self.meta.as_mut().is_some_and(|meta| meta.apply(other)),
        }
        true
    }
}

impl MetaSettings {
    /// Sets a switch. Returns `false` if it is not one of Meta's.
    fn apply(&mut self, switch: Switch) -> bool {
        match switch {
            Switch::ExpiresInReply(on) => self.expires_in_reply = on,
            Switch::SameToken(on) => self.same_token = on,
            Switch::RequireProof(on) => self.require_proof = on,
            Switch::Urlencoded(on) => self.urlencoded = on,
            Switch::RevokeReply(reply) => self.revoke_reply = reply,
            Switch::Wrapping(wrapping) => self.wrapping = wrapping,
            Switch::UserId(form) => self.user_id = form,
            Switch::Permissions(form) => self.permissions = form,
            Switch::ThrottleCode(code) => self.throttle_code = code,
            _ => return false,
        }
        true
    }
}
