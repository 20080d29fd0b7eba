//! What goes wrong on request: faults of an endpoint, and consents that misbehave.

mod cut;
mod fault;
mod misbehaviour;

pub(crate) use fault::{BLOCK_PAGE, Faults};
pub use fault::{Fault, FaultKind};
pub(crate) use misbehaviour::Misbehaviour;
