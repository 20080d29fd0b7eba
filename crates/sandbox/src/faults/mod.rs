//! Fault injection: faults of an endpoint, and faults of a single consent.

mod consent_fault;
mod fault;
mod truncated_body;

pub(crate) use consent_fault::ConsentFault;
pub(crate) use fault::{BLOCK_PAGE, Faults};
pub use fault::{Fault, FaultKind};
