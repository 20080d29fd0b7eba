//! Renewing a grant without ever killing it: the lease, the attempt, and the rules of both.
//!
//! Nothing here does anything: the store applies [`lease`]'s transitions to rows, the service
//! carries out what [`attempt`] tells it. What is decided can so be run through every order of
//! events that a test can think of.

pub mod attempt;
mod failure;
pub mod lease;
mod row;
mod rules;

pub use rules::{AllRules, Rules};
