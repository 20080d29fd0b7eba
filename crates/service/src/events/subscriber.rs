//! The interface by which a component receives the events of the change feed.

use std::sync::Arc;

use async_trait::async_trait;
use evergrant_store::Event;

/// Receives every event of the change feed once per process, in the order in which it becomes
/// visible.
///
/// Delivery is ephemeral: a subscriber receives what is committed while this process follows the
/// feed, and must recover from its own query after a restart. A subscriber that may miss nothing
/// reads the outbox from a cursor of its own in the database and uses the call only as a wake-up;
/// the retention of events must then respect that cursor.
#[async_trait]
pub(crate) trait FeedSubscriber: Send + Sync {
    /// Handles one event. The feed waits for it, so it must neither block nor query for long.
    async fn receive(&self, event: &Arc<Event>);
}
