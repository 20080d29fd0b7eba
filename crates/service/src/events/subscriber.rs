//! The interface by which a component receives the events of the change feed.

use std::sync::Arc;

use async_trait::async_trait;
use evergrant_store::Event;

/// Receives each event of the change feed once per process, in the order in which events become
/// visible.
///
/// Delivery is not durable: a subscriber receives events committed while this process follows the
/// feed, and must query the database after a restart. A subscriber that must not miss an event
/// keeps a cursor in the database, reads the outbox from there, and uses the call only as a
/// wake-up; the retention of events must then respect that cursor.
#[async_trait]
pub(crate) trait FeedSubscriber: Send + Sync {
    /// Handles one event. The feed waits until it returns, so it must neither block nor run long
    /// queries.
    async fn receive(&self, event: &Arc<Event>);

    /// Handles that the database has gone back to an earlier state: anything that was read from it
    /// may be wrong. Called before the events that follow.
    async fn reset(&self);
}
