//! Background jobs: their interface, their runner, and the jobs that belong to no other component.

pub(crate) mod clock_check;
pub(crate) mod heartbeat;
pub(crate) mod job;
pub(crate) mod retention;
pub(crate) mod runner;
pub(crate) mod truncate_wal;
