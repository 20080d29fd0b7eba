//! An event as the streams of its user share it, with the connection that it changed.

use std::sync::Arc;

use evergrant_store::Event;
use tokio::sync::OnceCell;

use crate::ServiceError;
use crate::connections::list::Integration;

/// An event and the connection that it changed. The streams of a user share it, so the connection
/// is read once per event, by the first stream that needs it.
pub(crate) struct StreamEvent {
    pub(crate) event: Arc<Event>,
    integration: OnceCell<Option<Arc<Integration>>>,
}

impl StreamEvent {
    pub(crate) fn new(event: Arc<Event>) -> Self {
        Self {
            event,
            integration: OnceCell::new(),
        }
    }

    /// Returns the connection that `read` returns for the first stream; `None` if it does not exist
    /// or cannot be read.
    pub(crate) async fn integration(
        &self,
        read: impl AsyncFnOnce() -> Result<Option<Integration>, ServiceError>,
    ) -> Option<Arc<Integration>> {
        let read = async || Ok::<_, ServiceError>(read().await?.map(Arc::new));
        let shared = self.integration.get_or_try_init(read).await;
        shared.ok().cloned().flatten()
    }
}
