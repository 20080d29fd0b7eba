#![doc = include_str!("../README.md")]

mod callbacks;
mod control;
mod counters;
mod cut;
mod delivery;
mod engine;
mod faults;
mod grants;
mod misbehaviour;
mod options;
mod pages;
mod people;
mod picture;
mod platforms;
mod sandbox;
mod sessions;
mod settings;
mod shared;
mod state_file;
mod webhooks;
mod windows;

pub use callbacks::{CallbackKind, CallbackOrder, SignatureKind};
pub use counters::CallCounts;
pub use delivery::CallbackAnswer;
pub use engine::AuthorizationFault;
pub use faults::{Fault, FaultKind};
pub use options::{SandboxError, SandboxOptions};
pub use sandbox::{Sandbox, acme_definition, dev_settings};
pub use sessions::Session;
pub use settings::{
    ClientKind, DeadRefreshBody, PermissionsForm, RefreshExpiry, RefreshMode, RefreshReply, RevokeReply, RevokeStatus,
    Switch, ThrottleCode, UserIdForm, Wrapping,
};
pub use webhooks::{Webhook, WebhookSignature};
