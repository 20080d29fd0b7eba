//! Caches: rows with their tokens still encrypted, status lists, credentials.
//!
//! moka bounds the size; the entry carries its age, measured by the injected clock. A change made
//! in this process invalidates the entries it affects at once; changes made elsewhere arrive
//! through the change feed, to which [`Caches`] subscribes. While the feed is behind, [`FeedState`]
//! decides whether an entry may be served. A reader that started its query before a change and ends
//! after it must not put the old row back, hence the [`Mark`]s.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use evergrant_model::{
    ApiKeyId, EventKind, ExternalId, ProviderAccountId, ProviderSlug, SessionId, Timestamp, UserId,
};
use evergrant_store::{ApiKey, Connection, Event, Session, UserConnections};
use moka::future::Cache;

use crate::ServiceError;
use crate::database::FeedState;
use crate::events::subscriber::FeedSubscriber;

/// How long a row with its encrypted tokens is served without a query.
const TOKEN_SECONDS: i64 = 30;
/// How long a user's list is served without a query.
const STATUS_SECONDS: i64 = 5 * 60;
/// How long a credential is accepted without a query while the change feed is followed, in
/// milliseconds.
const CREDENTIAL_MS: i64 = 30_000;
/// How long a credential is accepted without a query where the change feed is not followed: a
/// revocation elsewhere must take effect within a second.
const CREDENTIAL_STANDALONE_MS: i64 = 500;
/// How long an entry replaces the answer of a database that is down. Nothing can be revoked during
/// that time.
const OUTAGE_MS: i64 = 5 * 60 * 1000;

const TOKENS: u64 = 100_000;
const STATUSES: u64 = 10_000;
const CREDENTIALS: u64 = 10_000;

/// Identifies a connection by its owner and account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionKey {
    pub(crate) user: UserId,
    pub(crate) provider: ProviderSlug,
    pub(crate) account: ProviderAccountId,
}

impl From<&Connection> for ConnectionKey {
    fn from(connection: &Connection) -> Self {
        Self {
            user: connection.user,
            provider: connection.provider.clone(),
            account: connection.account.clone(),
        }
    }
}

/// A value and the time at which its query started.
#[derive(Debug, Clone)]
struct Aged<V> {
    value: V,
    since: Timestamp,
}

/// How often a key was invalidated. Taken before a query whose result is to be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// The age up to which an entry is served, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct MaxAge {
    live_ms: i64,
    standalone_ms: i64,
}

impl MaxAge {
    fn of(self, feed: FeedState) -> i64 {
        match feed {
            FeedState::Live => self.live_ms,
            FeedState::Standalone => self.standalone_ms,
            // No age is below this: a stale feed is never served from the cache.
            FeedState::Stale => -1,
            FeedState::DatabaseDown => OUTAGE_MS,
        }
    }
}

/// Keys share counters: a needless invalidation costs one query.
const COUNTERS: usize = 256;

/// A bounded cache whose entries expire by the injected clock.
pub(crate) struct AgedCache<K, V> {
    entries: Cache<K, Aged<V>>,
    max_age: MaxAge,
    invalidations: Vec<AtomicU64>,
    hasher: RandomState,
}

impl<K, V> AgedCache<K, V>
where
    K: std::hash::Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn new(capacity: u64, live_ms: i64, standalone_ms: i64) -> Self {
        let invalidations = (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        let max_age = MaxAge {
            live_ms,
            standalone_ms,
        };
        Self {
            entries: Cache::new(capacity),
            max_age,
            invalidations,
            hasher: RandomState::new(),
        }
    }

    /// The entry of `key`, unless it is too old for this state of the feed. A clock that moved back
    /// makes an entry invalid.
    pub(crate) async fn get(&self, key: &K, now: Timestamp, feed: FeedState) -> Option<V> {
        let aged = self.entries.get(key).await?;
        let age_ms = now.unix_ms() - aged.since.unix_ms();
        (0..=self.max_age.of(feed))
            .contains(&age_ms)
            .then_some(aged.value)
    }

    /// The entry of `key`, else the result of `load`, which is cached. If `load` fails, an entry
    /// that is valid during an outage is returned.
    pub(crate) async fn get_or_load<F>(
        &self,
        key: K,
        now: Timestamp,
        feed: FeedState,
        load: impl FnOnce() -> F,
    ) -> Result<Option<V>, ServiceError>
    where
        F: Future<Output = Result<Option<V>, ServiceError>>,
    {
        if let Some(known) = self.get(&key, now, feed).await {
            return Ok(Some(known));
        }
        // A hit is served without an allocation; a miss costs a query anyway.
        Box::pin(self.load(key, now, load())).await
    }

    async fn load(
        &self,
        key: K,
        now: Timestamp,
        load: impl Future<Output = Result<Option<V>, ServiceError>>,
    ) -> Result<Option<V>, ServiceError> {
        let mark = self.mark(&key);
        match load.await {
            Ok(Some(found)) => {
                self.put(key, found.clone(), now, mark).await;
                Ok(Some(found))
            }
            Ok(None) => Ok(None),
            Err(error) => match self.get(&key, now, FeedState::DatabaseDown).await {
                Some(known) => Ok(Some(known)),
                None => Err(error),
            },
        }
    }

    /// All keys, in no particular order.
    pub(crate) fn keys(&self) -> Vec<Arc<K>> {
        self.entries.iter().map(|(key, _)| key).collect()
    }

    pub(crate) fn clear(&self) {
        for counter in &self.invalidations {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.invalidate_all();
    }

    /// The mark to take before the query.
    pub(crate) fn mark(&self, key: &K) -> Mark {
        Mark(
            self.counter(key)
                .map_or(0, |counter| counter.load(Ordering::SeqCst)),
        )
    }

    /// Caches the result of a query that started after `mark` and at `now`, unless the key was
    /// invalidated since.
    pub(crate) async fn put(&self, key: K, value: V, now: Timestamp, mark: Mark) {
        self.entries
            .insert(key.clone(), Aged { value, since: now })
            .await;
        // Compared after the insertion: an `invalidate` that counts later removes the entry itself.
        if self.mark(&key) != mark {
            self.entries.invalidate(&key).await;
        }
    }

    /// Replaces the entry by what a transaction that started after `mark` has written, unless the
    /// key was invalidated since: that writer may have committed later.
    pub(crate) async fn replace(&self, key: K, value: V, now: Timestamp, mark: Mark) {
        let next = Mark(mark.0.wrapping_add(1));
        let is_newest = self.counter(&key).is_some_and(|counter| {
            counter
                .compare_exchange(mark.0, next.0, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        });
        if is_newest {
            self.put(key, value, now, next).await
        } else {
            self.invalidate(&key).await
        }
    }

    pub(crate) async fn invalidate(&self, key: &K) {
        if let Some(counter) = self.counter(key) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.invalidate(key).await;
    }

    fn counter(&self, key: &K) -> Option<&AtomicU64> {
        let place = self.hasher.hash_one(key) % COUNTERS as u64;
        self.invalidations.get(usize::try_from(place).ok()?)
    }
}

/// The caches of this process.
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
            connections: AgedCache::new(TOKENS, TOKEN_SECONDS * 1000, TOKEN_SECONDS * 1000),
            statuses: AgedCache::new(STATUSES, STATUS_SECONDS * 1000, STATUS_SECONDS * 1000),
            api_keys: AgedCache::new(CREDENTIALS, CREDENTIAL_MS, CREDENTIAL_STANDALONE_MS),
            sessions: AgedCache::new(CREDENTIALS, CREDENTIAL_MS, CREDENTIAL_STANDALONE_MS),
            // The app may change an external id in the shared table without an event.
            external_ids: AgedCache::new(
                CREDENTIALS,
                CREDENTIAL_STANDALONE_MS,
                CREDENTIAL_STANDALONE_MS,
            ),
        }
    }
}

impl Caches {
    /// Invalidates what depends on this connection.
    pub(crate) async fn invalidate(&self, key: &ConnectionKey) {
        self.connections.invalidate(key).await;
        self.statuses.invalidate(&key.user).await;
    }

    /// Invalidates a credential that has ended; all sessions if `id` is `None`.
    pub(crate) async fn invalidate_credential(&self, id: Option<&str>) {
        let Some(id) = id else {
            return self.sessions.clear();
        };
        if let Ok(key) = ApiKeyId::new(id) {
            self.api_keys.invalidate(&key).await;
        }
        if let Ok(session) = SessionId::new(id) {
            self.sessions.invalidate(&session).await;
        }
    }
}

#[async_trait]
impl FeedSubscriber for Caches {
    async fn receive(&self, event: &Arc<Event>) {
        if event.kind == Some(EventKind::CredentialEnded) {
            self.invalidate_credential(event.subject.as_deref()).await;
        }
        let Some(user) = event.user else { return };
        match (&event.provider, &event.account) {
            (Some(provider), Some(account)) => {
                let (provider, account) = (provider.clone(), account.clone());
                self.invalidate(&ConnectionKey {
                    user,
                    provider,
                    account,
                })
                .await;
            }
            // All accounts of a user at once: the user was deleted.
            (None, None) if event.kind == Some(EventKind::Disconnected) => {
                self.statuses.invalidate(&user).await;
                self.invalidate_credential(None).await;
            }
            _ => self.statuses.invalidate(&user).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_000_000 + ms)
    }

    fn cache() -> AgedCache<i32, &'static str> {
        AgedCache::new(10, 30_000, 500)
    }

    #[tokio::test]
    async fn entry_expires_by_injected_clock_and_by_clock_moving_back() {
        let cache = cache();
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        let known = async |ms, feed| cache.get(&1, at(ms), feed).await.is_some();
        assert!(known(30_000, FeedState::Live).await && !known(30_001, FeedState::Live).await);
        assert!(
            known(500, FeedState::Standalone).await && !known(501, FeedState::Standalone).await
        );
        assert!(
            known(OUTAGE_MS, FeedState::DatabaseDown).await
                && !known(OUTAGE_MS + 1, FeedState::DatabaseDown).await
        );
        assert!(
            !known(0, FeedState::Stale).await,
            "changes may have been missed"
        );
        assert!(!known(-1, FeedState::Live).await);
    }

    #[tokio::test]
    async fn invalidated_entry_is_not_served() {
        let cache = cache();
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        cache.invalidate(&1).await;
        assert_eq!(cache.get(&1, at(0), FeedState::DatabaseDown).await, None);
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        cache.clear();
        assert_eq!(cache.get(&1, at(0), FeedState::DatabaseDown).await, None);
    }

    #[tokio::test]
    async fn row_read_before_invalidation_is_not_cached_after_it() {
        let cache = cache();
        for by_key in [true, false] {
            let mark = cache.mark(&1);
            if by_key {
                cache.invalidate(&1).await;
            } else {
                cache.clear();
            }
            cache.put(1, "old row", at(0), mark).await;
            assert_eq!(cache.get(&1, at(0), FeedState::Live).await, None);
        }
    }

    #[tokio::test]
    async fn written_row_is_cached_unless_a_later_write_invalidated_it() {
        let cache = cache();
        for other in [false, true] {
            cache.put(1, "old row", at(0), cache.mark(&1)).await;
            let (reader, writer) = (cache.mark(&1), cache.mark(&1));
            if other {
                cache.invalidate(&1).await;
            }
            cache.replace(1, "new row", at(0), writer).await;
            assert_eq!(
                cache.get(&1, at(0), FeedState::Live).await,
                (!other).then_some("new row")
            );
            cache.put(1, "old row", at(0), reader).await;
            assert_eq!(
                cache.get(&1, at(0), FeedState::Live).await,
                None,
                "a reader from before it brings nothing back"
            );
        }
    }

    #[tokio::test]
    async fn expired_entry_is_served_while_database_is_down() {
        let cache = cache();
        let load = async |answer: Option<Option<&'static str>>| {
            let answer = || async { answer.ok_or_else(ServiceError::database_unavailable) };
            cache
                .get_or_load(1, at(1_000), FeedState::Stale, answer)
                .await
                .ok()
        };
        assert_eq!(load(None).await, None, "nothing is known");
        assert_eq!(load(Some(Some("row"))).await, Some(Some("row")));
        assert_eq!(load(None).await, Some(Some("row")));
        assert_eq!(
            load(Some(None)).await,
            Some(None),
            "it answers, and there is nothing"
        );
    }
}
