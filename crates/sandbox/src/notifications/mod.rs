//! What a platform sends to apps unasked: callbacks and webhooks, and how they are delivered.

mod callback;
mod delivery;
mod webhook;

pub use callback::{CallbackKind, CallbackOrder, SignatureKind};
pub use delivery::CallbackAnswer;
pub(crate) use delivery::{Delivery, Message};
pub(crate) use webhook::{Notice, REMOVAL};
pub use webhook::{Webhook, WebhookSignature};
