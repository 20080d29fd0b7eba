//! Switches of Meta's platforms: behavior that changed over the years or contradicts the
//! documentation.

use serde::{Deserialize, Serialize};

/// Body of a successful `DELETE …/permissions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevokeReply {
    /// `{"success":true}`
    Object,
    /// `true`, as in older API versions.
    True,
}

/// Whether Instagram Login wraps its responses in a list named `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrapping {
    /// At the top level, as production clients parse them.
    Flat,
    /// In `data`, as documented.
    Data,
}

/// JSON type of `user_id` in Instagram Login's responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserIdForm {
    /// A string.
    String,
    /// A number that exceeds the exact range of a 64-bit float.
    Number,
}

/// JSON type of `permissions` in Instagram Login's responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PermissionsForm {
    /// A string, separated by commas.
    Text,
    /// An array of strings.
    Array,
}

/// Error code of a rate-limited call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum ThrottleCode {
    /// 4: limit of the app.
    App,
    /// 17: limit of the user.
    User,
    /// 32: limit of the Page.
    Page,
    /// 613: limit of the endpoint.
    Custom,
    /// 80002: limit of the Instagram account.
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
            _ => Err("throttleCode must be 4, 17, 32, 613 or 80002"),
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

/// The positions of the switches of one of Meta's platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent on/off switches")]
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
    pub(crate) const DEFAULT: Self = Self {
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
