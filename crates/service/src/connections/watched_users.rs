//! The users whose connections this process monitors for changes by other programs.

use std::collections::BTreeSet;
use std::sync::Arc;

use evergrant_model::UserId;

use crate::cache::Caches;
use crate::events::streams::EventStreams;

/// Lists the users with a cached list of connections or an open event stream.
#[derive(Clone)]
pub(crate) struct WatchedUsers {
    caches: Arc<Caches>,
    streams: Arc<EventStreams>,
}

impl WatchedUsers {
    pub(crate) fn new(caches: Arc<Caches>, streams: Arc<EventStreams>) -> Self {
        Self { caches, streams }
    }

    /// Returns the watched users, ordered by id.
    pub(crate) fn all(&self) -> Vec<UserId> {
        let mut users: BTreeSet<_> = self
            .caches
            .statuses
            .keys()
            .iter()
            .map(|user| **user)
            .collect();
        users.extend(self.streams.users());
        users.into_iter().collect()
    }
}
