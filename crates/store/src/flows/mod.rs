//! Authorization flows: one row for each attempt of a user to connect an account.

pub(crate) mod outcome;
pub(crate) mod repository;
pub(crate) mod row;
pub(crate) mod status;

pub use outcome::{FlowFailure, FlowOutcome};
pub use repository::FlowRepository;
pub use row::{Callback, Flow, NewFlow, PendingGrant};
pub use status::FlowStatus;
