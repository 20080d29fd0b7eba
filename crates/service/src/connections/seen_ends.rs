//! Ends of connections that the time alone decides, confirmed by a second look: a clock that is
//! wrong for a moment must not end a connection.

use std::collections::HashMap;
use std::sync::Mutex;

use evergrant_model::{ConnectionId, SignedDuration, Timestamp};
use evergrant_resilience::lock;
use evergrant_store::Connection;

/// The minimum time between the two looks.
const CONFIRMED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// A connection, and the generation of its tokens.
type Key = (ConnectionId, i64);

/// When each end was first seen, of those that are still due.
#[derive(Default)]
pub(crate) struct SeenEnds(Mutex<Looks>);

#[derive(Default)]
struct Looks {
    /// The ends seen by the previous run.
    before: HashMap<Key, Timestamp>,
    /// The ends seen by this run.
    now: HashMap<Key, Timestamp>,
}

impl SeenEnds {
    /// Starts a run. Ends that it does not see are forgotten.
    pub(crate) fn start_run(&self) {
        let mut looks = lock(&self.0);
        looks.before = std::mem::take(&mut looks.now);
    }

    /// Records that the connection has ended at `now`. Returns whether it had ended a minute before
    /// as well, and in every run since.
    pub(crate) fn confirm(&self, connection: &Connection, now: Timestamp) -> bool {
        let key = (connection.id, connection.lease.generation);
        let mut looks = lock(&self.0);
        let first = looks.before.get(&key).copied().unwrap_or(now);
        looks.now.insert(key, first);
        now.since(first) >= CONFIRMED_AFTER
    }
}
