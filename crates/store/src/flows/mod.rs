//! Authorization flows: one row for each attempt of a user to connect an account.

pub(crate) mod repository;
pub(crate) mod row;
pub(crate) mod settle;
pub(crate) mod status;

pub use repository::FlowRepository;
pub use row::{Callback, Flow, NewFlow, PendingGrant};
pub use settle::FlowEnd;
pub use status::FlowStatus;
