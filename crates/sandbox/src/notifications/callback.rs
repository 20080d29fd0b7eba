//! Callbacks: signed messages of Meta's platforms to an app, sent on request of a test, with a
//! valid or an invalid signature, once or repeatedly.

use serde::Deserialize;

/// The event that a callback reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallbackKind {
    /// The person removed the app.
    Deauthorize,
    /// The person requests the deletion of their data.
    Deletion,
    /// The account changed, such as by a new comment.
    Webhook,
}

/// Whether a callback is signed with the app's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureKind {
    /// Signed with the app's key.
    #[default]
    Right,
    /// Signed with another key.
    Wrong,
}

/// A callback to send.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackRequest {
    /// The sending platform, `instagram` or `instagram-login`.
    pub platform: String,
    /// The event to report.
    pub kind: CallbackKind,
    /// The person that the event is about.
    pub person: String,
    /// URL of the receiver: plain HTTP, on loopback.
    pub url: String,
    /// The signature. Default: `right`.
    #[serde(default)]
    pub signature: SignatureKind,
    /// Number of deliveries of the same callback, 1 to 100. Default: 1.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}
