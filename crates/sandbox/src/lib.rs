#![doc = include_str!("../README.md")]

mod actions;
mod control;
mod engine;
mod faults;
mod loopback;
mod notifications;
mod options;
mod pages;
mod picture;
mod platform;
mod platforms;
mod profile;
mod sandbox;
mod settings;
mod shared;
mod world;

pub use engine::AuthorizationRequestError;
pub use faults::{Fault, FaultKind};
pub use notifications::{
    CallbackKind, CallbackRequest, CallbackResponse, SignatureKind, Webhook, WebhookSignature,
};
pub use options::{SandboxError, SandboxOptions};
pub use sandbox::{Sandbox, acme_definition, dev_settings};
pub use settings::{
    ClientKind, DeadRefreshBody, PermissionsForm, RefreshExpiry, RefreshMode, RefreshReply,
    RevokeReply, RevokeStatus, Switch, ThrottleCode, UserIdForm, Wrapping,
};
pub use world::{CallCounts, Session};
