//! The platforms' simulator: a newcomer sees everything work without a single credential, and a test can make a
//! platform fail in exactly the way it wants.
//!
//! One process plays every platform; path prefixes stand in for hosts. [`dev_settings`] points the product at it, the
//! pages at `/` explain it to people, `/control` steers it over HTTP and [`Sandbox`] from the same process. It uses
//! `evergrant-model` alone: what it knows of a platform is written down here a second time, from the platform's own
//! documentation, so that a mistake in an adapter cannot hide behind the same mistake here.

mod control;
mod counters;
mod cut;
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
mod settings;
mod shared;
mod state_file;
mod windows;

pub use counters::CallCounts;
pub use engine::AuthorizationFault;
pub use faults::{Fault, FaultKind};
pub use options::{SandboxError, SandboxOptions};
pub use sandbox::{Sandbox, acme_definition, dev_settings};
pub use settings::{DeadRefreshBody, RefreshMode, RefreshReply, RevokeStatus, Switch};
