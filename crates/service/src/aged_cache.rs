//! A bounded cache whose entries expire by the injected clock.
//!
//! moka bounds the number of entries; each entry carries its own age. A reader whose query started
//! before a change and ends after it must not put the old value back, so each read takes a [`Mark`]
//! before its query, and an invalidation makes older marks void.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evergrant_model::{SignedDuration, Timestamp};
use moka::future::Cache;

use crate::ServiceError;
use crate::database::{DatabaseMonitor, FeedState};

/// The number of invalidation counters. Keys share them: a collision costs one needless query.
const COUNTERS: usize = 256;

/// A value and the time at which its query started.
#[derive(Debug, Clone)]
struct Aged<V> {
    value: V,
    queried_at: Timestamp,
}

/// The invalidation count of a key, taken before a query whose result will be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// The maximum age of a served entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaxAge {
    /// The maximum age while the change feed is live.
    pub(crate) live: SignedDuration,
    /// The maximum age if this process does not follow the change feed.
    pub(crate) standalone: SignedDuration,
}

impl MaxAge {
    fn in_state(self, feed: FeedState) -> SignedDuration {
        match feed {
            FeedState::Live => self.live,
            FeedState::Standalone => self.standalone,
            // Below every age: with a stale feed nothing is served.
            FeedState::Stale => SignedDuration::MIN,
            FeedState::Outage { max_age } => max_age,
        }
    }
}

/// A bounded cache from `K` to `V`.
pub(crate) struct AgedCache<K, V> {
    entries: Cache<K, Aged<V>>,
    max_age: MaxAge,
    /// Counts invalidations; a key belongs to the counter at its hash.
    invalidations: Vec<AtomicU64>,
    hasher: RandomState,
}

impl<K, V> AgedCache<K, V>
where
    K: std::hash::Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Creates an empty cache of at most `capacity` entries.
    pub(crate) fn new(capacity: u64, max_age: MaxAge) -> Self {
        let invalidations = (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        Self {
            entries: Cache::new(capacity),
            max_age,
            invalidations,
            hasher: RandomState::new(),
        }
    }

    /// Returns the entry of `key`, unless it is too old for this state of the feed or lies in the
    /// future because the clock moved back.
    pub(crate) async fn get(&self, key: &K, now: Timestamp, feed: FeedState) -> Option<V> {
        let aged = self.entries.get(key).await?;
        let age = now.since(aged.queried_at);
        (SignedDuration::ZERO..=self.max_age.in_state(feed))
            .contains(&age)
            .then_some(aged.value)
    }

    /// Returns the entry of `key`, or else the result of `load`, which it caches. If `load` fails,
    /// an entry that may be served during an outage is returned instead. `database` decides which
    /// entries can be trusted.
    ///
    /// # Errors
    ///
    /// The error of `load` if there is no such entry.
    pub(crate) async fn get_or_load<F>(
        &self,
        key: K,
        now: Timestamp,
        database: &DatabaseMonitor,
        load: impl FnOnce() -> F,
    ) -> Result<Option<V>, ServiceError>
    where
        F: Future<Output = Result<Option<V>, ServiceError>>,
    {
        if let Some(cached) = self.get(&key, now, database.feed_state()).await {
            return Ok(Some(cached));
        }
        // Boxed only here, so that a hit allocates nothing; a miss costs a query anyway.
        Box::pin(self.load(key, now, database, load())).await
    }

    async fn load(
        &self,
        key: K,
        now: Timestamp,
        database: &DatabaseMonitor,
        load: impl Future<Output = Result<Option<V>, ServiceError>>,
    ) -> Result<Option<V>, ServiceError> {
        let mark = self.mark(&key);
        match load.await {
            Ok(Some(found)) => {
                self.put(key, found.clone(), now, mark).await;
                Ok(Some(found))
            }
            Ok(None) => Ok(None),
            Err(error) => match self.get(&key, now, database.outage_state()).await {
                Some(cached) => Ok(Some(cached)),
                None => Err(error),
            },
        }
    }

    /// Returns all keys, in no particular order.
    pub(crate) fn keys(&self) -> Vec<Arc<K>> {
        self.entries.iter().map(|(key, _)| key).collect()
    }

    /// Removes all entries and voids all marks.
    pub(crate) fn clear(&self) {
        self.void_all_marks();
        self.entries.invalidate_all();
    }

    /// Removes the entries whose keys match, and voids all marks.
    pub(crate) async fn invalidate_all(&self, matches: impl Fn(&K) -> bool) {
        self.void_all_marks();
        for key in self.keys() {
            if matches(&key) {
                self.entries.invalidate(&*key).await;
            }
        }
    }

    fn void_all_marks(&self) {
        for counter in &self.invalidations {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Returns the mark to take before a query for `key`.
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
            .insert(
                key.clone(),
                Aged {
                    value,
                    queried_at: now,
                },
            )
            .await;
        // Compared after the insertion: an `invalidate` that counts later removes the entry itself.
        if self.mark(&key) != mark {
            self.entries.invalidate(&key).await;
        }
    }

    /// Replaces the entry with the value that a transaction wrote which started after `mark`. If
    /// the key was invalidated since, another writer may have committed later: the entry is then
    /// only removed.
    pub(crate) async fn replace(&self, key: K, value: V, now: Timestamp, mark: Mark) {
        let next = Mark(mark.0.wrapping_add(1));
        let is_newest = self.counter(&key).is_some_and(|counter| {
            counter
                .compare_exchange(mark.0, next.0, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        });
        if is_newest {
            self.put(key, value, now, next).await;
        } else {
            self.invalidate(&key).await;
        }
    }

    /// Removes the entry of `key` and voids older marks.
    pub(crate) async fn invalidate(&self, key: &K) {
        if let Some(counter) = self.counter(key) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.invalidate(key).await;
    }

    fn counter(&self, key: &K) -> Option<&AtomicU64> {
        let index = self.hasher.hash_one(key) % COUNTERS as u64;
        self.invalidations.get(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ANY_AGE: FeedState = FeedState::Outage {
        max_age: SignedDuration::MAX,
    };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_000_000 + ms)
    }

    fn cache() -> AgedCache<i32, &'static str> {
        let max_age = MaxAge {
            live: SignedDuration::from_secs(30),
            standalone: SignedDuration::from_millis(500),
        };
        AgedCache::new(10, max_age)
    }

    #[tokio::test]
    async fn entry_expires_by_age_or_when_the_clock_moves_back() {
        let cache = cache();
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        let is_served = async |ms, feed| cache.get(&1, at(ms), feed).await.is_some();
        assert!(is_served(30_000, FeedState::Live).await);
        assert!(!is_served(30_001, FeedState::Live).await);
        assert!(is_served(500, FeedState::Standalone).await);
        assert!(!is_served(501, FeedState::Standalone).await);
        let outage = FeedState::Outage {
            max_age: SignedDuration::from_secs(40),
        };
        assert!(is_served(40_000, outage).await);
        assert!(!is_served(40_001, outage).await);
        assert!(
            !is_served(0, FeedState::Stale).await,
            "changes may have been missed"
        );
        assert!(!is_served(-1, FeedState::Live).await);
    }

    #[tokio::test]
    async fn invalidated_entry_is_not_served() {
        let cache = cache();
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        cache.invalidate(&1).await;
        assert_eq!(cache.get(&1, at(0), ANY_AGE).await, None);
        cache.put(1, "row", at(0), cache.mark(&1)).await;
        cache.clear();
        assert_eq!(cache.get(&1, at(0), ANY_AGE).await, None);
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
    async fn written_row_is_cached_unless_invalidated_meanwhile() {
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
                "a read that started before the write does not restore the old row"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn expired_entry_is_served_while_database_is_down() {
        let (cache, monitor) = (cache(), DatabaseMonitor::default());
        monitor.set_follows_feed(true);
        monitor.record_poll();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(monitor.feed_state(), FeedState::Stale);
        let load = async |row: Option<Option<&'static str>>| {
            let query = || async { row.ok_or_else(ServiceError::database_unavailable) };
            cache.get_or_load(1, at(1_000), &monitor, query).await.ok()
        };
        assert_eq!(load(None).await, None, "no entry to fall back on");
        assert_eq!(load(Some(Some("row"))).await, Some(Some("row")));
        assert_eq!(load(None).await, Some(Some("row")));
        assert_eq!(
            load(Some(None)).await,
            Some(None),
            "the database answers: the row does not exist"
        );
    }
}
