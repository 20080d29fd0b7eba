//! The connections whose new tokens are being written to the database for the first time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use evergrant_resilience::lock;
use evergrant_store::Leased;

/// A connection and the fencing token of an attempt.
pub(super) type AttemptKey = (i32, i64);

/// Received tokens whose first write is in progress: the provider, by connection and attempt.
#[derive(Default)]
pub(super) struct UnsavedTokens(Mutex<BTreeMap<AttemptKey, String>>);

/// Registers received tokens until it is dropped.
pub(crate) struct UnsavedGuard<'a> {
    tokens: &'a UnsavedTokens,
    key: AttemptKey,
}

impl UnsavedTokens {
    /// Registers the tokens of this attempt until the guard is dropped.
    pub(super) fn register(&self, leased: &Leased) -> UnsavedGuard<'_> {
        let key = (leased.connection.id.get(), leased.ticket.attempt);
        lock(&self.0).insert(key, leased.connection.provider.to_string());
        UnsavedGuard { tokens: self, key }
    }

    /// Returns the provider of each registered attempt.
    pub(super) fn list(&self) -> BTreeMap<AttemptKey, String> {
        lock(&self.0).clone()
    }
}

impl Drop for UnsavedGuard<'_> {
    fn drop(&mut self) {
        lock(&self.tokens.0).remove(&self.key);
    }
}

/// Logs that the tokens of these connections are lost.
pub(super) fn log_lost(unsaved: &BTreeMap<AttemptKey, String>) {
    for ((connection, _attempt), provider) in unsaved {
        tracing::error!(
            provider,
            connection.id = connection,
            "refreshed tokens are lost: neither the database nor a journal contains them"
        );
    }
}
