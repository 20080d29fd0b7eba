//! What Meta sends to an app: that a person removed it, that they want their data deleted, that
//! something happened.

use serde_json::json;

use super::signature;
use crate::notifications::Message;
use crate::notifications::{CallbackKind, CallbackOrder, SignatureKind};
use crate::platform::Stage;

/// Whom a callback is about, and who signs it.
pub(crate) struct Subject<'a> {
    pub(crate) secret: &'a str,
    /// The id that deauthorize and deletion callbacks name the person by.
    pub(crate) app_scoped_id: &'a str,
    /// The professional account that webhooks name; `None` where there is none.
    pub(crate) account_id: Option<&'a str>,
}

/// The callback that `order` wants. `None`: there is nothing that it could be about.
pub(crate) fn signed(
    stage: &Stage,
    order: &CallbackOrder,
    subject: &Subject<'_>,
) -> Option<Message> {
    let now_s = stage.shared.now().unix_ms() / 1000;
    let secret = if order.signature == SignatureKind::Right {
        subject.secret
    } else {
        "another secret"
    };
    if order.kind == CallbackKind::Webhook {
        return Some(webhook(secret, subject.account_id?, now_s));
    }
    let payload =
        json!({ "algorithm": "HMAC-SHA256", "issued_at": now_s, "user_id": subject.app_scoped_id });
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

/// A comment came in.
fn webhook(secret: &str, account_id: &str, now_s: i64) -> Message {
    let change = json!({ "field": "comments", "value": { "id": "18000000000000001" } });
    let entry = json!({ "id": account_id, "time": now_s, "changes": [change] });
    let body = json!({ "object": "instagram", "entry": [entry] }).to_string();
    let signature = Some(("X-Hub-Signature-256", signature::of_body(secret, &body)));
    Message {
        content_type: "application/json",
        signature,
        body,
    }
}
