//! What TikTok tells an app by itself: events whose content is JSON in a text, signed with the
//! client secret.

use evergrant_model::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde_json::json;
use sha2::Sha256;

use super::account::Account;
use super::facts::PROFILE;
use crate::notifications::Message;
use crate::notifications::{Notice, REMOVAL, Webhook, WebhookSignature};

/// How old a message is that somebody sends again.
const OLD_S: i64 = 3600;

/// In the order in which the platform writes the fields.
#[derive(Serialize)]
struct Payload<'a> {
    client_key: &'a str,
    event: &'a str,
    create_time: i64,
    user_openid: &'a str,
    /// JSON once more, to be read a second time.
    content: String,
}

/// The message for the first app.
pub(super) fn notice(webhook: &Webhook, account: &Account, now: Timestamp) -> Option<Notice> {
    let client = PROFILE.clients.first()?;
    let signed_at = if webhook.signature == WebhookSignature::Old {
        now.plus_seconds(-OLD_S)
    } else {
        now
    };
    let happened_at = signed_at.plus_seconds(-i64::from(webhook.delay_seconds));
    let content = if webhook.event == REMOVAL {
        json!({ "reason": webhook.reason })
    } else {
        json!({ "share_id": format!("sim.{}", webhook.person) })
    };
    let payload = Payload {
        client_key: client.id,
        event: &webhook.event,
        create_time: happened_at.unix_ms() / 1000,
        user_openid: account.open_id(client.id),
        content: content.to_string(),
    };
    let body = serde_json::to_string(&payload).ok()?;
    let key = if webhook.signature == WebhookSignature::Wrong {
        "somebody-elses-secret"
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
    Some(Notice {
        message,
        client: client.id,
    })
}

fn signature(key: &str, time_s: i64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(format!("{time_s}.{body}").as_bytes());
    Some(format!(
        "t={time_s},s={}",
        const_hex::encode(mac.finalize().into_bytes())
    ))
}
