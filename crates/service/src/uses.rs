//! When tokens were last handed out: noted in memory by readers, written down in batches.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use evergrant_model::ConnectionId;

/// More than so many connections between two batches are not noted: it is a hint, not an account.
const MOST: usize = 50_000;

/// The connections whose tokens were handed out since the last batch.
#[derive(Default)]
pub(crate) struct Uses(Mutex<BTreeSet<i32>>);

impl Uses {
    pub(crate) fn note(&self, id: ConnectionId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.len() < MOST {
            ids.insert(id.get());
        }
    }

    pub(crate) fn take(&self) -> Vec<i32> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
