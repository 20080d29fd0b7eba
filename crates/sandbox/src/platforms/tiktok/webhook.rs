//! TikTok's webhooks: events whose content is a JSON string, signed with the client secret.

use evergrant_model::{SignedDuration, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde_json::json;
use sha2::Sha256;

use super::account::Account;
use super::profile::PROFILE;
use crate::notifications::Message;
use crate::notifications::{AUTHORIZATION_REMOVED, OutgoingWebhook, Webhook, WebhookSignature};

/// Age of a replayed message: one hour.
const REPLAY_AGE_SECONDS: i64 = 3600;

/// The webhook body, with the fields in TikTok's order.
#[derive(Serialize)]
struct Payload<'a> {
    client_key: &'a str,
    event: &'a str,
    create_time: i64,
    user_openid: &'a str,
    /// The event's content: a JSON document encoded as a string.
    content: String,
}

/// Builds the signed webhook for the first client.
pub(super) fn build(
    webhook: &Webhook,
    account: &Account,
    now: Timestamp,
) -> Option<OutgoingWebhook> {
    let client = PROFILE.clients.first()?;
    let signed_at = if webhook.signature == WebhookSignature::Old {
        now - SignedDuration::from_secs(REPLAY_AGE_SECONDS)
    } else {
        now
    };
    let body = body(client.id, webhook, account, signed_at)?;
    let key = if webhook.signature == WebhookSignature::Wrong {
        "secret-of-another-app"
    } else {
        client.secret
    };
    let signature = (
        "TikTok-Signature",
        signature(key, signed_at.unix_ms() / 1000, &body)?,
    );
    let message = Message {
        content_type: "application/json",
        signature: Some(signature),
        body,
    };
    Some(OutgoingWebhook {
        message,
        client: client.id,
    })
}

fn body(
    client_key: &str,
    webhook: &Webhook,
    account: &Account,
    signed_at: Timestamp,
) -> Option<String> {
    let happened_at = signed_at - SignedDuration::from_secs(i64::from(webhook.delay_seconds));
    let content = if webhook.event == AUTHORIZATION_REMOVED {
        json!({ "reason": webhook.reason })
    } else {
        json!({ "share_id": format!("sim.{}", webhook.person) })
    };
    let payload = Payload {
        client_key,
        event: &webhook.event,
        create_time: happened_at.unix_ms() / 1000,
        user_openid: account.open_id(client_key),
        content: content.to_string(),
    };
    serde_json::to_string(&payload).ok()
}

/// Returns the value of the `TikTok-Signature` header. It covers the time and the body.
fn signature(key: &str, time_seconds: i64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(format!("{time_seconds}.{body}").as_bytes());
    Some(format!(
        "t={time_seconds},s={}",
        const_hex::encode(mac.finalize().into_bytes())
    ))
}
