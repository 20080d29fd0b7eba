//! The adapter error, and the classification of error responses.

pub(crate) mod adapter_error;
pub(crate) mod classify;
pub(crate) mod context;
mod dead_grant;
mod from_outbound;
mod graph;
mod rate_limit;
mod report;
mod rules;
mod success;
mod words;
