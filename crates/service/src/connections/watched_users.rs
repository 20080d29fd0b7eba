//! The users whose lists this process has served lately or streams changes to.

use std::collections::BTreeSet;
use std::sync::Arc;

use evergrant_model::UserId;

use crate::cache::Caches;
use crate::events::streams::EventStreams;

/// Lists the watched users.
#[derive(Clone)]
pub(crate) struct WatchedUsers {
    caches: Arc<Caches>,
    streams: Arc<EventStreams>,
}

impl WatchedUsers {
    pub(crate) fn new(caches: Arc<Caches>, streams: Arc<EventStreams>) -> Self {
        Self { caches, streams }
    }

    /// The watched users, in the order of their ids.
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
