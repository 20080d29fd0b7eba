#![doc = include_str!("../README.md")]

mod api_keys;
mod checks;
mod connections;
mod database;
mod error;
mod events;
mod flow_status;
mod flows;
mod grants;
mod json;
mod key_checks;
mod open;
#[cfg(test)]
mod plans;
mod revocations;
mod sessions;
mod time;
mod users;

pub use api_keys::{ApiKey, NewApiKey};
pub use connections::{Connection, UserConnections};
pub use error::StoreError;
pub use events::Event;
pub use flow_status::FlowStatus;
pub use flows::{Callback, Flow, FlowEnd, NewFlow, PendingGrant};
pub use grants::{FailedRefresh, Grant, RefreshedGrant, StoredGrant};
pub use key_checks::KeyCheck;
pub use open::Store;
pub use revocations::{NewRevocation, Revocation};
pub use sessions::{NewSession, Session};
pub use users::{CreatedUser, NewUser, User};
