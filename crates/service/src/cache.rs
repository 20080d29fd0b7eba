//! What is remembered between requests: rows with their tokens still encrypted, status lists, who a credential is.
//!
//! Size is moka's to bound; age stands in the entry and is measured by our own clock. Every change made in this process
//! empties what it touches at once; changes made elsewhere arrive through the event feed (`feed.rs`).

use std::sync::Arc;

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

/// A bounded cache whose entries end by our own clock.
pub(crate) struct AgedCache<K, V> {
    entries: Cache<K, Aged<V>>,
    longest_ms: i64,
}

impl<K, V> AgedCache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn new(capacity: u64, longest_ms: i64) -> Self {
        Self { entries: Cache::new(capacity), longest_ms }
    }

    /// What is known of `key`, if it is not too old. A clock that was turned back makes an entry old, never young.
    pub(crate) async fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let aged = self.entries.get(key).await?;
        let age_ms = now.unix_ms() - aged.since.unix_ms();
        (0..=self.longest_ms).contains(&age_ms).then_some(aged.value)
    }

    pub(crate) async fn put(&self, key: K, value: V, now: Timestamp) {
        self.entries.insert(key, Aged { value, since: now }).await;
    }

    pub(crate) async fn forget(&self, key: &K) {
        self.entries.invalidate(key).await;
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
        cache.put(1, "row", at(0)).await;
        assert_eq!(cache.get(&1, at(30_000)).await, Some("row"));
        assert_eq!(cache.get(&1, at(30_001)).await, None);
        assert_eq!(cache.get(&1, at(-1)).await, None);
    }

    #[tokio::test]
    async fn what_is_forgotten_is_gone() {
        let cache = AgedCache::new(10, 30_000);
        cache.put(1, "row", at(0)).await;
        cache.forget(&1).await;
        assert_eq!(cache.get(&1, at(0)).await, None);
    }
}
