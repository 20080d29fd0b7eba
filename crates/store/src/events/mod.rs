//! The outbox: each change writes an event in its own transaction. Caches, waiting requests and
//! event streams of all processes read it.

pub(crate) mod new_event;
pub(crate) mod repository;

pub use repository::{Event, EventRepository};
