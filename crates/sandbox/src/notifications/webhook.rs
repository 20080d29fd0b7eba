//! Webhooks: what a platform tells an app by itself, sent when a control says so, and to this
//! machine alone.

use serde::Deserialize;

use super::delivery::Message;

/// The event that ends a person's grants.
pub(crate) const REMOVAL: &str = "authorization.removed";

/// How a webhook is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WebhookSignature {
    /// As the platform signs.
    #[default]
    Right,
    /// With another key: somebody else sent it.
    Wrong,
    /// As the platform signs, an hour ago: somebody sends it again.
    Old,
}

/// A webhook to send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// The platform, such as `tiktok`.
    pub platform: String,
    /// Whom it is about.
    pub person: String,
    /// Where it goes: an address on loopback.
    pub url: String,
    /// What happened; `authorization.removed` unless given.
    #[serde(default = "removal")]
    pub event: String,
    /// Why, as the platform numbers the reasons of a removal.
    #[serde(default = "by_the_person")]
    pub reason: u8,
    /// How it is signed.
    #[serde(default)]
    pub signature: WebhookSignature,
    /// How often the same message is sent.
    #[serde(default = "once")]
    pub times: u32,
    /// How long ago it happened, for a delivery that comes late. Nothing waits; the message is
    /// signed now.
    #[serde(default)]
    pub delay_seconds: u32,
}

fn removal() -> String {
    REMOVAL.to_owned()
}

fn by_the_person() -> u8 {
    1
}

fn once() -> u32 {
    1
}

impl Webhook {
    /// The news that `person` removed the app at `platform`, once and signed as it should be.
    #[must_use]
    pub fn new(platform: &str, person: &str, url: &str) -> Self {
        Self {
            platform: platform.to_owned(),
            person: person.to_owned(),
            url: url.to_owned(),
            event: removal(),
            reason: by_the_person(),
            signature: WebhookSignature::Right,
            times: once(),
            delay_seconds: 0,
        }
    }

    /// Whether this is the platform's own and first news of a removal. By the time it arrives the
    /// tokens are dead.
    pub(crate) fn ends_grants(&self) -> bool {
        self.event == REMOVAL
            && self.signature == WebhookSignature::Right
            && self.delay_seconds == 0
    }
}

/// A webhook as it goes out.
pub(crate) struct Notice {
    pub(crate) message: Message,
    /// The app that it is for.
    pub(crate) client: &'static str,
}
