//! The outbox: each change leaves an event in the transaction that made it. Caches, waiters and
//! event streams of this process and of others learn of changes from it.

pub(crate) mod new_event;
pub(crate) mod repository;

pub use repository::{Event, EventRepository};
