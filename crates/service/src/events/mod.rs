//! The change feed, its subscriber interface, and the event streams of users.

pub(crate) mod change_feed;
pub(crate) mod feed_reader;
pub(crate) mod stream_event;
pub(crate) mod streams;
pub(crate) mod subscriber;
pub(crate) mod user_events;
