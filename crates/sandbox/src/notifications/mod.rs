//! Callbacks and webhooks of a platform, and their delivery.

mod callback;
mod delivery;
mod webhook;

pub use callback::{CallbackKind, CallbackRequest, SignatureKind};
pub use delivery::CallbackResponse;
pub(crate) use delivery::{Delivery, Message};
pub(crate) use webhook::{AUTHORIZATION_REMOVED, OutgoingWebhook};
pub use webhook::{Webhook, WebhookSignature};
