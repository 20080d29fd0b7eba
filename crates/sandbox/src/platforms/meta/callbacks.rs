//! Meta's requests to an app: deauthorization callbacks, data deletion requests and webhooks.

use serde_json::json;

use super::signature;
use crate::notifications::Message;
use crate::notifications::{CallbackKind, CallbackRequest, SignatureKind};
use crate::platform::PlatformContext;

/// The subject of a callback and the secret that signs it.
pub(crate) struct Subject<'a> {
    pub(crate) secret: &'a str,
    /// The person's app-scoped id, used in deauthorization and deletion callbacks.
    pub(crate) app_scoped_id: &'a str,
    /// The professional account named in webhooks. `None` if the person has none.
    pub(crate) account_id: Option<&'a str>,
}

/// Builds the requested callback. Returns `None` for a webhook about a person without an account.
pub(crate) fn signed_callback(
    context: &PlatformContext,
    request: &CallbackRequest,
    subject: &Subject<'_>,
) -> Option<Message> {
    let now_seconds = context.shared.now().unix_ms() / 1000;
    let secret = if request.signature == SignatureKind::Right {
        subject.secret
    } else {
        "another secret"
    };
    if request.kind == CallbackKind::Webhook {
        return Some(webhook(secret, subject.account_id?, now_seconds));
    }
    let payload = json!({ "algorithm": "HMAC-SHA256", "issued_at": now_seconds, "user_id": subject.app_scoped_id });
    let signed = signature::signed_request(secret, &payload);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("signed_request", &signed)
        .finish();
    Some(Message {
        content_type: "application/x-www-form-urlencoded",
        signature: None,
        body,
    })
}

/// Builds a webhook that reports a new comment.
fn webhook(secret: &str, account_id: &str, now_seconds: i64) -> Message {
    let change = json!({ "field": "comments", "value": { "id": "18000000000000001" } });
    let entry = json!({ "id": account_id, "time": now_seconds, "changes": [change] });
    let body = json!({ "object": "instagram", "entry": [entry] }).to_string();
    let signature = Some((
        "X-Hub-Signature-256",
        signature::hub_signature(secret, &body),
    ));
    Message {
        content_type: "application/json",
        signature,
        body,
    }
}
