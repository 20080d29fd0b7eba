//! Callbacks: what a platform sends to an app unasked, right or wrong, once or repeatedly, on
//! request of a test.

use serde::Deserialize;

/// What the callback tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallbackKind {
    /// The person removed the app.
    Deauthorize,
    /// The person wants their data deleted.
    Deletion,
    /// Something happened at the account.
    Webhook,
}

/// Whether the signature is the platform's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureKind {
    /// It is.
    #[default]
    Right,
    /// It was made with another key.
    Wrong,
}

/// A callback to send.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackOrder {
    /// The platform that sends it.
    pub platform: String,
    /// What it tells.
    pub kind: CallbackKind,
    /// Whom it is about.
    pub person: String,
    /// Where to: an address on this machine, over plain HTTP.
    pub url: String,
    /// Whether it is signed as it should be.
    #[serde(default)]
    pub signature: SignatureKind,
    /// How often the same is sent.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}
