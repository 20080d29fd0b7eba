//! The refresh protocol: leases, attempts and the rules that keep a grant from being lost.
//!
//! The module is pure. The store applies the transitions of [`lease`] to rows, and the service
//! executes the steps that [`attempt`] returns, so that tests can run the decisions through any
//! order of events.

pub mod attempt;
mod failure;
pub mod lease;
mod row;
mod rules;

pub use rules::{AllRules, Rules};
