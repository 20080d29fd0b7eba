//! Switches of Meta's platforms: where the documentation and the field disagree, or where years
//! differ.

use serde::{Deserialize, Serialize};

/// What a successful `DELETE …/permissions` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevokeReply {
    /// `{"success":true}`
    Object,
    /// A bare `true`, as older versions said.
    True,
}

/// Whether Instagram Login's answers stand in a list called `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrapping {
    /// At the top, as production clients read them.
    Flat,
    /// In `data`, as the documentation shows them.
    Data,
}

/// How Instagram Login writes `user_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserIdForm {
    /// As text.
    String,
    /// As a number, too great for a float.
    Number,
}

/// How Instagram Login writes `permissions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PermissionsForm {
    /// As one text, divided by commas.
    Text,
    /// As a list.
    Array,
}

/// The error that a throttled call is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum ThrottleCode {
    /// 4: the app.
    App,
    /// 17: the person.
    User,
    /// 32: the Page.
    Page,
    /// 613: a limit of the endpoint's own.
    Custom,
    /// 80002: the Instagram account.
    Instagram,
}

impl TryFrom<u32> for ThrottleCode {
    type Error = &'static str;

    fn try_from(code: u32) -> Result<Self, Self::Error> {
        match code {
            4 => Ok(Self::App),
            17 => Ok(Self::User),
            32 => Ok(Self::Page),
            613 => Ok(Self::Custom),
            80_002 => Ok(Self::Instagram),
            _ => Err("throttleCode is 4, 17, 32, 613 or 80002"),
        }
    }
}

impl From<ThrottleCode> for u32 {
    fn from(code: ThrottleCode) -> Self {
        match code {
            ThrottleCode::App => 4,
            ThrottleCode::User => 17,
            ThrottleCode::Page => 32,
            ThrottleCode::Custom => 613,
            ThrottleCode::Instagram => 80_002,
        }
    }
}

/// How the switches of one of Meta's platforms stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches that are on or off, each on its own"
)]
pub(crate) struct MetaSettings {
    pub(crate) expires_in_reply: bool,
    pub(crate) same_token: bool,
    pub(crate) require_proof: bool,
    pub(crate) urlencoded: bool,
    pub(crate) revoke_reply: RevokeReply,
    pub(crate) wrapping: Wrapping,
    pub(crate) user_id: UserIdForm,
    pub(crate) permissions: PermissionsForm,
    pub(crate) throttle_code: ThrottleCode,
}

impl MetaSettings {
    pub(crate) const USUAL: Self = Self {
        expires_in_reply: true,
        same_token: false,
        require_proof: false,
        urlencoded: true,
        revoke_reply: RevokeReply::Object,
        wrapping: Wrapping::Flat,
        user_id: UserIdForm::Number,
        permissions: PermissionsForm::Array,
        throttle_code: ThrottleCode::Instagram,
    };
}
