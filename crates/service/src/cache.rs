//! What is remembered between requests: rows with their tokens still encrypted, status lists, who a credential is.
//!
//! Size is moka's to bound; age stands in the entry and is measured by our own clock. Every change made in this process
//! empties what it touches at once; changes made elsewhere arrive through the outbox (`feed.rs`), and while they do not,
//! [`Trust`] says what an entry is worth. A reader that began its query before a change and ends after it must not put
//! the old row back, hence the [`Mark`]s.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evergrant_model::{ApiKeyId, ExternalId, ProviderAccountId, ProviderSlug, SessionId, Timestamp, UserId};
use evergrant_store::{ApiKey, Connection, Session, UserConnections};
use moka::future::Cache;

use crate::ServiceError;
use crate::feed::Trust;

/// How long a row with its sealed tokens is served without a query.
const TOKEN_SECONDS: i64 = 30;
/// How long a user's list is served without a query.
const STATUS_SECONDS: i64 = 5 * 60;
/// How long a credential is believed without a query where revocations are heard,
const CREDENTIAL_MS: i64 = 30_000;
/// and where nobody listens: one elsewhere must take effect within a second.
const CREDENTIAL_ALONE_MS: i64 = 500;
/// How long an entry stands in for a database that does not answer. What has been revoked cannot be told apart then, nor
/// can anything be revoked.
const OUTAGE_MS: i64 = 5 * 60 * 1000;

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

/// How old an entry may be.
#[derive(Debug, Clone, Copy)]
struct Longest {
    fed_ms: i64,
    alone_ms: i64,
}

impl Longest {
    fn of(self, trust: Trust) -> i64 {
        match trust {
            Trust::Fed => self.fed_ms,
            Trust::Alone => self.alone_ms,
            // Not even one of this very moment.
            Trust::Deaf => -1,
            Trust::Outage => OUTAGE_MS,
        }
    }
}

/// Keys share their counters: one that is forgotten in vain costs a query and nothing more.
const COUNTERS: usize = 256;

/// A bounded cache whose entries end by our own clock.
pub(crate) struct AgedCache<K, V> {
    entries: Cache<K, Aged<V>>,
    longest: Longest,
    forgotten: Vec<AtomicU64>,
    hasher: RandomState,
}

impl<K, V> AgedCache<K, V>
where
    K: std::hash::Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn new(capacity: u64, fed_ms: i64, alone_ms: i64) -> Self {
        let forgotten = (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        let longest = Longest { fed_ms, alone_ms };
        Self { entries: Cache::new(capacity), longest, forgotten, hasher: RandomState::new() }
    }

    /// What is known of `key`, if it is not too old for what is known of changes. A clock that was turned back makes an
    /// entry old, never young.
    pub(crate) async fn get(&self, key: &K, now: Timestamp, trust: Trust) -> Option<V> {
        let aged = self.entries.get(key).await?;
        let age_ms = now.unix_ms() - aged.since.unix_ms();
        (0..=self.longest.of(trust)).contains(&age_ms).then_some(aged.value)
    }

    /// What is known of `key`, else what `load` finds, which is remembered. A database that does not answer is stood in
    /// for by what was known before.
    pub(crate) async fn get_or_load<F>(
        &self,
        key: K,
        now: Timestamp,
        trust: Trust,
        load: impl FnOnce() -> F,
    ) -> Result<Option<V>, ServiceError>
    where
        F: Future<Output = Result<Option<V>, ServiceError>>,
    {
        if let Some(known) = self.get(&key, now, trust).await {
            return Ok(Some(known));
        }
        // What is known is answered without an allocation; what is not costs a query anyway.
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
            Err(error) => match self.get(&key, now, Trust::Outage).await {
                Some(known) => Ok(Some(known)),
                None => Err(error),
            },
        }
    }

    /// Every key, in no order.
    pub(crate) fn keys(&self) -> Vec<Arc<K>> {
        self.entries.iter().map(|(key, _)| key).collect()
    }

    pub(crate) fn clear(&self) {
        for counter in &self.forgotten {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.invalidate_all();
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

    /// Puts what was written by a transaction begun after `mark` in the place of what is known, unless the key was
    /// forgotten since: whoever did that may have written later.
    pub(crate) async fn replace(&self, key: K, value: V, now: Timestamp, mark: Mark) {
        let next = Mark(mark.0.wrapping_add(1));
        let is_newest = self.counter(&key).is_some_and(|counter| {
            counter.compare_exchange(mark.0, next.0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        });
        if is_newest { self.put(key, value, now, next).await } else { self.forget(&key).await }
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
            connections: AgedCache::new(TOKENS, TOKEN_SECONDS * 1000, TOKEN_SECONDS * 1000),
            statuses: AgedCache::new(STATUSES, STATUS_SECONDS * 1000, STATUS_SECONDS * 1000),
            api_keys: AgedCache::new(CREDENTIALS, CREDENTIAL_MS, CREDENTIAL_ALONE_MS),
            sessions: AgedCache::new(CREDENTIALS, CREDENTIAL_MS, CREDENTIAL_ALONE_MS),
            // The app may rename a user in the shared table without telling anybody.
            external_ids: AgedCache::new(CREDENTIALS, CREDENTIAL_ALONE_MS, CREDENTIAL_ALONE_MS),
        }
    }
}

impl Caches {
    /// Forgets what a change of this connection makes untrue.
    pub(crate) async fn forget(&self, key: &ConnectionKey) {
        self.connections.forget(key).await;
        self.statuses.forget(&key.user).await;
    }

    /// Forgets a credential that works no more; all of them where it is not said which.
    pub(crate) async fn forget_credential(&self, id: Option<&str>) {
        let Some(id) = id else { return self.sessions.clear() };
        if let Ok(key) = ApiKeyId::new(id) {
            self.api_keys.forget(&key).await;
        }
        if let Ok(session) = SessionId::new(id) {
            self.sessions.forget(&session).await;
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
    async fn an_entry_ends_by_our_clock_and_a_clock_turned_back_ends_it_too() {
        let cache = cache();
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        let known = async |ms, trust| cache.get(&1, at(ms), trust).await.is_some();
        assert!(known(30_000, Trust::Fed).await && !known(30_001, Trust::Fed).await);
        assert!(known(500, Trust::Alone).await && !known(501, Trust::Alone).await);
        assert!(known(OUTAGE_MS, Trust::Outage).await && !known(OUTAGE_MS + 1, Trust::Outage).await);
        assert!(!known(0, Trust::Deaf).await, "changes may have been missed");
        assert!(!known(-1, Trust::Fed).await);
    }

    #[tokio::test]
    async fn what_is_forgotten_is_gone() {
        let cache = cache();
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        cache.forget(&1).await;
        assert_eq!(cache.get(&1, at(0), Trust::Outage).await, None);
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        cache.clear();
        assert_eq!(cache.get(&1, at(0), Trust::Outage).await, None);
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let cache = cache();
        for forget in [true, false] {
            let mark = cache.mark(&1);
            if forget {
                cache.forget(&1).await;
            } else {
                cache.clear();
            }
            cache.put(1, "old row", at(0), mark).await;
            assert_eq!(cache.get(&1, at(0), Trust::Fed).await, None);
        }
    }

    #[tokio::test]
    async fn what_was_written_is_remembered_unless_something_was_written_after_it() {
        let cache = cache();
        for other in [false, true] {
            cache.put(1, "old row", at(0), cache.mark(&1)).await;
            let (reader, writer) = (cache.mark(&1), cache.mark(&1));
            if other {
                cache.forget(&1).await;
            }
            cache.replace(1, "new row", at(0), writer).await;
            assert_eq!(cache.get(&1, at(0), Trust::Fed).await, (!other).then_some("new row"));
            cache.put(1, "old row", at(0), reader).await;
            assert_eq!(cache.get(&1, at(0), Trust::Fed).await, None, "a reader from before it brings nothing back");
        }
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_is_stood_in_for() {
        let cache = cache();
        let load = async |answer: Option<Option<&'static str>>| {
            let answer = || async { answer.ok_or_else(ServiceError::database_silent) };
            cache.get_or_load(1, at(1_000), Trust::Deaf, answer).await.ok()
        };
        assert_eq!(load(None).await, None, "nothing is known");
        assert_eq!(load(Some(Some("row"))).await, Some(Some("row")));
        assert_eq!(load(None).await, Some(Some("row")));
        assert_eq!(load(Some(None)).await, Some(None), "it answers, and there is nothing");
    }
}
