//! Webhooks: events that a platform reports to an app, sent on request of the control API, to
//! loopback addresses only.

use serde::Deserialize;

use super::delivery::Message;

/// The event that reports a revoked grant.
pub(crate) const AUTHORIZATION_REMOVED: &str = "authorization.removed";

/// How a webhook is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WebhookSignature {
    /// Signed with the app's key, now.
    #[default]
    Right,
    /// Signed with another key, as a forged webhook.
    Wrong,
    /// Signed with the app's key an hour ago, as a replayed webhook.
    Old,
}

/// A webhook to send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// The platform, such as `tiktok`.
    pub platform: String,
    /// The person that the event is about.
    pub person: String,
    /// URL of the receiver: plain HTTP, on loopback.
    pub url: String,
    /// Name of the event. Default: `authorization.removed`.
    #[serde(default = "default_event")]
    pub event: String,
    /// Reason of a removal, in TikTok's numbering. Default: 1, removed by the person.
    #[serde(default = "removed_by_person")]
    pub reason: u8,
    /// The signature. Default: `right`.
    #[serde(default)]
    pub signature: WebhookSignature,
    /// Number of deliveries of the same message, 1 to 100. Default: 1.
    #[serde(default = "once")]
    pub times: u32,
    /// Age of the event in seconds, to simulate a late delivery. The webhook is sent at once and
    /// signed with the current time. Default: 0.
    #[serde(default)]
    pub delay_seconds: u32,
}

fn default_event() -> String {
    AUTHORIZATION_REMOVED.to_owned()
}

fn removed_by_person() -> u8 {
    1
}

fn once() -> u32 {
    1
}

impl Webhook {
    /// Creates a validly signed webhook that reports that `person` removed the app at `platform`.
    #[must_use]
    pub fn new(platform: &str, person: &str, url: &str) -> Self {
        Self {
            platform: platform.to_owned(),
            person: person.to_owned(),
            url: url.to_owned(),
            event: default_event(),
            reason: removed_by_person(),
            signature: WebhookSignature::Right,
            times: once(),
            delay_seconds: 0,
        }
    }

    /// Returns whether this webhook revokes the person's grants: a removal that is neither forged,
    /// replayed nor late. The grants are revoked before it is sent.
    pub(crate) fn revokes_grants(&self) -> bool {
        self.event == AUTHORIZATION_REMOVED
            && self.signature == WebhookSignature::Right
            && self.delay_seconds == 0
    }
}

/// A webhook that is ready to send.
pub(crate) struct OutgoingWebhook {
    pub(crate) message: Message,
    /// Id of the app that receives it.
    pub(crate) client: &'static str,
}
