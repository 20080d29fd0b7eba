#![doc = include_str!("../README.md")]

mod api_keys;
mod bell;
mod checks;
mod connections;
mod database;
mod due;
mod error;
mod events;
mod flow_ends;
mod flow_status;
mod flows;
mod foreign;
mod gates;
mod grants;
mod json;
mod key_checks;
mod leases;
mod line;
mod open;
#[cfg(test)]
mod plans;
mod portal;
mod refusals;
mod renewals;
mod replicas;
mod revocations;
#[cfg(test)]
mod scale;
mod sessions;
mod time;
mod users;
mod writer;

pub use api_keys::{ApiKey, NewApiKey};
pub use bell::Bell;
pub use connections::{Connection, UserConnections};
pub use due::Turn;
pub use error::StoreError;
pub use events::Event;
pub use flow_ends::FlowEnd;
pub use flow_status::FlowStatus;
pub use flows::{Callback, Flow, NewFlow, PendingGrant};
pub use gates::Gate;
pub use grants::{Grant, StoredGrant};
pub use key_checks::KeyCheck;
pub use leases::{LeaseAnswer, Leased};
pub use open::Store;
pub use portal::NewPortalLink;
pub use refusals::Refusals;
pub use renewals::{FailedRefresh, RefreshedGrant};
pub use revocations::{NewRevocation, Revocation};
pub use sessions::{NewSession, Session};
pub use users::{CreatedUser, NewUser, User};
