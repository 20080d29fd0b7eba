//! Why a call to a platform failed, and how a refusal is read.

pub(crate) mod adapter_error;
pub(crate) mod classify;
pub(crate) mod context;
mod from_outbound;
mod graph;
