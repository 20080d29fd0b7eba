//! Background work: one runner, one interface, one file per job that has no component of its own.

pub(crate) mod clock_check;
pub(crate) mod heartbeat;
pub(crate) mod job;
pub(crate) mod retention;
pub(crate) mod runner;
