//! What is remembered between requests: rows with their tokens still encrypted, status lists, who a credential is.
//!
//! Size is moka's to bound; age stands in the entry and is measured by our own clock. Every change made in this process
//! empties what it touches at once; changes made elsewhere arrive through the outbox (`housekeeping.rs`). A reader that
//! began its query before a change and ends after it must not put the old row back, hence the [`Mark`]s.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evergrant_model::{ApiKeyId, ExternalId, ProviderAccountId, ProviderSlug, SessionId, Timestamp, UserId};
use evergrant_store::{ApiKey, Connection, Session, UserConnections};
use moka::future::Cache;

/// How long a row with its sealed tokens is served without a query.
const TOKEN_SECONDS: i64 = 30;
/// How long a user's list is served without a query.
const STATUS_SECONDS: i64 = 5 * 60;
/// How long a credential is believed without a query: a revocation elsewhere must take effect within a second.
const CREDENTIAL_MS: i64 = 500;

const TOKENS: u64 = 100_000;
const STATUSES: u64 = 10_000;
const CREDENTIALS: u64 = 10_000;

/// Whose connection to what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionKey {
    pub(crate) user: UserId,
    pub(crate) provider: ProviderSlug,
    pub(crate) account: ProviderAccountId,
}

impl From<&Connection> for ConnectionKey {
    fn from(connection: &Connection) -> Self {
        Self { user: connection.user, provider: connection.provider.clone(), account: connection.account.clone() }
    }
}

/// A value and since when it is known.
#[derive(Debug, Clone)]
struct Aged<V> {
    value: V,
    since: Timestamp,
}

/// How often a key was forgotten, taken before a query whose answer is to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// Keys share their counters: one that is forgotten in vain costs a query and nothing more.
const COUNTERS: usize = 256;

/// A bounded cache whose entries end by our own clock.
pub(crate) struct AgedCache<K, V> {
    entries: Cache<K, Aged<V>>,
    longest_ms: i64,
    forgotten: Vec<AtomicU64>,
    hasher: RandomState,
}

impl<K, V> AgedCache<K, V>
where
    K: std::hash::Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn new(capacity: u64, longest_ms: i64) -> Self {
        let forgotten = (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        Self { entries: Cache::new(capacity), longest_ms, forgotten, hasher: RandomState::new() }
    }

    /// What is known of `key`, if it is not too old. A clock that was turned back makes an entry old, never young.
    pub(crate) async fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let aged = self.entries.get(key).await?;
        let age_ms = now.unix_ms() - aged.since.unix_ms();
        (0..=self.longest_ms).contains(&age_ms).then_some(aged.value)
    }

    /// To be taken before the query.
    pub(crate) fn mark(&self, key: &K) -> Mark {
        Mark(self.counter(key).map_or(0, |counter| counter.load(Ordering::SeqCst)))
    }

    /// Remembers what a query begun after `mark` and at `now` has found, unless the key was forgotten since.
    pub(crate) async fn put(&self, key: K, value: V, now: Timestamp, mark: Mark) {
        self.entries.insert(key.clone(), Aged { value, since: now }).await;
        // Looked at after the insertion: a `forget` that counts later finds the entry and removes it itself.
        if self.mark(&key) != mark {
            self.entries.invalidate(&key).await;
        }
    }

    pub(crate) async fn forget(&self, key: &K) {
        if let Some(counter) = self.counter(key) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.invalidate(key).await;
    }

    fn counter(&self, key: &K) -> Option<&AtomicU64> {
        let place = self.hasher.hash_one(key) % COUNTERS as u64;
        self.forgotten.get(usize::try_from(place).ok()?)
    }
}

/// All of it.
pub(crate) struct Caches {
    pub(crate) connections: AgedCache<ConnectionKey, Arc<Connection>>,
    pub(crate) statuses: AgedCache<UserId, Arc<UserConnections>>,
    pub(crate) api_keys: AgedCache<ApiKeyId, Option<Arc<ApiKey>>>,
    pub(crate) sessions: AgedCache<SessionId, Option<Arc<Session>>>,
    pub(crate) external_ids: AgedCache<ExternalId, UserId>,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            connections: AgedCache::new(TOKENS, TOKEN_SECONDS * 1000),
            statuses: AgedCache::new(STATUSES, STATUS_SECONDS * 1000),
            api_keys: AgedCache::new(CREDENTIALS, CREDENTIAL_MS),
            sessions: AgedCache::new(CREDENTIALS, CREDENTIAL_MS),
            external_ids: AgedCache::new(CREDENTIALS, CREDENTIAL_MS),
        }
    }
}

impl Caches {
    /// Forgets what a change of this connection makes untrue.
    pub(crate) async fn forget(&self, key: &ConnectionKey) {
        self.connections.forget(key).await;
        self.statuses.forget(&key.user).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_000_000 + ms)
    }

    #[tokio::test]
    async fn an_entry_ends_by_our_clock_and_a_clock_turned_back_ends_it_too() {
        let cache = AgedCache::new(10, 30_000);
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        assert_eq!(cache.get(&1, at(30_000)).await, Some("row"));
        assert_eq!(cache.get(&1, at(30_001)).await, None);
        assert_eq!(cache.get(&1, at(-1)).await, None);
    }

    #[tokio::test]
    async fn what_is_forgotten_is_gone() {
        let cache = AgedCache::new(10, 30_000);
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        cache.forget(&1).await;
        assert_eq!(cache.get(&1, at(0)).await, None);
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let cache = AgedCache::new(10, 30_000);
        let mark = cache.mark(&1);
        cache.forget(&1).await;
        cache.put(1, "old row", at(0), mark).await;
        assert_eq!(cache.get(&1, at(0)).await, None);
    }
}
