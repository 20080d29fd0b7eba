//! The one change feed: what the outbox says, heard by this process, whoever wrote it.
//!
//! Caches, waiters and event streams hang on it. A replica hears of a change by a ring of the database's bell, by its
//! own commits, and by looking once a second whatever the bell says. How lately it has looked decides what its caches
//! are worth: see [`Trust`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use evergrant_model::EventKind;
use evergrant_store::{Event, NotifyListener, Store, StoreError};
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::service::{Inner, IntegrationsService};

/// How often the outbox is looked at on PostgreSQL, where a bell tells most of the time,
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// and on SQLite, where nothing does.
const LOOK_EVERY_WITHOUT_A_BELL: Duration = Duration::from_millis(500);
/// Caches are not believed when nobody has looked for longer.
const DEAF_MS: i64 = 2_000;
/// After a failure of the database, callers are spared another one for so long.
const SPARED_MS: i64 = 1_000;
/// How soon a lost bell is hung again.
const HANG_AGAIN_AFTER: Duration = Duration::from_secs(1);
const BATCH: i64 = 500;
/// Events that a slow stream may be behind before it has to look for itself.
const BACKLOG: usize = 1024;
/// A number that was drawn may become visible late, but not later than any transaction lasts.
const GAP_LASTS: Duration = Duration::from_mins(1);
const MOST_GAPS: usize = 10_000;
/// Numbers drawn so shortly before the first look may still be invisible then.
const FIRST_LOOK_BACK: i64 = 100;

/// What caches are worth now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nobody listens in this process: an entry is good for its time.
    Alone,
    /// Changes are heard as they happen.
    Fed,
    /// Changes may have been missed: ask the database.
    Deaf,
    /// The database has just failed: an old entry is better than none.
    Outage,
}

/// How this process and its database get on.
pub(crate) struct Feed {
    began: Instant,
    listens: AtomicBool,
    heard_at_ms: AtomicI64,
    failed_at_ms: AtomicI64,
    refused_at_ms: AtomicI64,
    takes_writes: AtomicBool,
    looks: AtomicU64,
    news: broadcast::Sender<Arc<Event>>,
}

/// Before the first moment.
const NEVER: i64 = i64::MIN / 2;

impl Default for Feed {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            listens: AtomicBool::new(false),
            heard_at_ms: AtomicI64::new(NEVER),
            failed_at_ms: AtomicI64::new(NEVER),
            refused_at_ms: AtomicI64::new(NEVER),
            takes_writes: AtomicBool::new(true),
            looks: AtomicU64::new(0),
            news: broadcast::Sender::new(BACKLOG),
        }
    }
}

impl Feed {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Every event from now on. Whoever falls behind is told so.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.news.subscribe()
    }

    pub(crate) fn trust(&self) -> Trust {
        let since = |moment: &AtomicI64| self.now_ms() - moment.load(Ordering::Relaxed);
        if since(&self.failed_at_ms) < SPARED_MS {
            return Trust::Outage;
        }
        match (self.listens.load(Ordering::Relaxed), since(&self.heard_at_ms) <= DEAF_MS) {
            (false, _) => Trust::Alone,
            (true, true) => Trust::Fed,
            (true, false) => Trust::Deaf,
        }
    }

    /// For how long the database has been there and taken writes, as far as this process knows, in milliseconds.
    pub(crate) fn settled_for_ms(&self) -> i64 {
        let since = |moment: &AtomicI64| self.now_ms() - moment.load(Ordering::Relaxed);
        since(&self.failed_at_ms).min(since(&self.refused_at_ms))
    }

    /// How often this process has looked at the outbox.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    pub(crate) fn note_failure(&self) {
        self.failed_at_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    pub(crate) fn note_refused_write(&self) {
        self.refused_at_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Notes whether the database took the last write of this process's own.
    pub(crate) fn note_writing(&self, taken: bool) {
        self.takes_writes.store(taken, Ordering::Relaxed);
    }

    /// Whether the database took it.
    pub(crate) fn takes_writes(&self) -> bool {
        self.takes_writes.load(Ordering::Relaxed)
    }

    fn note_hearing(&self) {
        self.heard_at_ms.store(self.now_ms(), Ordering::Relaxed);
        self.looks.fetch_add(1, Ordering::Relaxed);
    }
}

/// How far the outbox has been read.
#[derive(Debug, Default)]
struct Reader {
    newest: Option<i64>,
    /// Numbers below the newest that have not been seen, and since when they are missed.
    gaps: BTreeMap<i64, Option<Instant>>,
    /// What was read and not told yet: a look that fails half-way has moved on and must lose nothing.
    heard: Vec<Event>,
}

impl Reader {
    /// Hears the events that are new since the last look, each once.
    async fn look(&mut self, store: &Store) -> Result<(), StoreError> {
        let mut newest = match self.newest {
            Some(newest) => newest,
            // Those just before may belong to a transaction that is not visible yet.
            None => (store.events().newest_id().await? - FIRST_LOOK_BACK).max(0),
        };
        self.late(store).await?;
        loop {
            let events = store.events().after(newest, BATCH).await?;
            for event in &events {
                self.miss(newest + 1..event.id);
                newest = event.id;
            }
            let is_last = i64::try_from(events.len()).unwrap_or(BATCH) < BATCH;
            self.heard.extend(events);
            self.newest = Some(newest);
            if is_last {
                return Ok(());
            }
        }
    }

    /// Hears those of the missed that have become visible.
    async fn late(&mut self, store: &Store) -> Result<(), StoreError> {
        let now = Instant::now();
        self.gaps.retain(|_, since| since.get_or_insert(now).elapsed() < GAP_LASTS);
        if self.gaps.is_empty() {
            return Ok(());
        }
        let missed: Vec<_> = self.gaps.keys().copied().collect();
        let found = store.events().among(&missed).await?;
        for event in &found {
            self.gaps.remove(&event.id);
        }
        self.heard.extend(found);
        Ok(())
    }

    fn miss(&mut self, numbers: std::ops::Range<i64>) {
        let room = MOST_GAPS.saturating_sub(self.gaps.len());
        self.gaps.extend(numbers.take(room).map(|number| (number, None)));
    }
}

impl IntegrationsService {
    /// Listens until `stop`, and tells other processes of what is committed here.
    pub(crate) async fn listen(&self, stop: impl Future<Output = ()>) {
        self.feed.listens.store(true, Ordering::Relaxed);
        tokio::select! {
            () = stop => {}
            () = self.hear_all() => {}
            () = self.ring_for_news() => {}
        }
        self.feed.listens.store(false, Ordering::Relaxed);
    }

    async fn hear_all(&self) {
        let (mut reader, mut news) = (Reader::default(), self.store.changes());
        let mut bell = self.hang_bell().await;
        loop {
            news.mark_unchanged();
            self.hear(&mut reader).await;
            let look_again = if bell.is_some() { LOOK_EVERY } else { LOOK_EVERY_WITHOUT_A_BELL };
            let rung = tokio::select! {
                _ = news.changed() => true,
                rung = rung(&mut bell) => rung,
                () = tokio::time::sleep(look_again) => true,
            };
            if !rung {
                tracing::warn!("the connection on which the database tells of changes is lost");
                bell = None;
            }
            if bell.is_none() && self.store.can_notify() {
                bell = self.hang_bell().await;
            }
        }
    }

    async fn hang_bell(&self) -> Option<NotifyListener> {
        match tokio::time::timeout(HANG_AGAIN_AFTER, self.store.listen()).await {
            Ok(Ok(bell)) => bell,
            _ => None,
        }
    }

    async fn ring_for_news(&self) {
        let mut news = self.store.changes();
        // Many commits while one ring is under way are one ring more.
        while news.changed().await.is_ok() {
            if let Err(error) = self.store.notify().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "others find the news by looking");
            }
        }
    }

    async fn hear(&self, reader: &mut Reader) {
        let looked = reader.look(&self.store).await;
        for event in reader.heard.drain(..) {
            self.forget_changed(&event).await;
            let event = Arc::new(event);
            self.streams.tell(&event);
            // Without waiters there is nobody to tell.
            let _ = self.feed.news.send(event);
        }
        match looked {
            Ok(()) => self.feed.note_hearing(),
            Err(error) => {
                self.note_trouble(&error);
                tracing::warn!(error = &error as &dyn std::error::Error, "the outbox cannot be read");
            }
        }
    }
}

/// `false` once the connection is lost; without one, never ends.
async fn rung(bell: &mut Option<NotifyListener>) -> bool {
    match bell {
        Some(bell) => bell.notified().await.is_ok(),
        None => std::future::pending().await,
    }
}

impl Inner {
    /// Remembers that the database failed, if it was the database.
    pub(crate) fn note_trouble(&self, error: &StoreError) {
        if error.is_outage() {
            self.feed.note_failure();
        } else if error.is_refused_write() {
            self.feed.note_refused_write();
        }
    }

    async fn forget_changed(&self, event: &Event) {
        if event.kind == Some(EventKind::CredentialEnded) {
            self.caches.forget_credential(event.subject.as_deref()).await;
        }
        let Some(user) = event.user else { return };
        match (&event.provider, &event.account) {
            (Some(provider), Some(account)) => {
                let key = crate::cache::ConnectionKey { user, provider: provider.clone(), account: account.clone() };
                self.caches.forget(&key).await;
            }
            // All of a user's accounts at once: the user is gone.
            (None, None) if event.kind == Some(EventKind::Disconnected) => {
                self.caches.statuses.forget(&user).await;
                self.caches.forget_credential(None).await;
            }
            _ => self.caches.statuses.forget(&user).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use evergrant_testkit::TestDatabase;

    use super::*;

    #[test]
    fn numbers_that_were_passed_over_are_missed_up_to_a_bound() {
        let mut reader = Reader { newest: Some(7), ..Reader::default() };
        reader.miss(8..10);
        assert_eq!(reader.gaps.keys().copied().collect::<Vec<_>>(), [8, 9]);
        reader.miss(11..i64::MAX);
        assert_eq!(reader.gaps.len(), MOST_GAPS);
    }

    /// An event more in the outbox, with this number.
    async fn announce(database: &TestDatabase, id: i64) {
        let insert = format!(
            "INSERT INTO evergrant_events (id, user_id, version, kind, correlation_id, created_at)
            VALUES ({id}, 1, {id}, 'refreshed', 'c', 0)"
        );
        database.execute(&insert).await;
    }

    fn heard(reader: &mut Reader) -> Vec<i64> {
        reader.heard.drain(..).map(|event| event.id).collect()
    }

    #[tokio::test]
    async fn a_look_that_fails_half_way_loses_nothing() {
        let database = TestDatabase::sqlite();
        let store = database.store().await;
        announce(&database, 1).await;
        announce(&database, 3).await;
        let mut reader = Reader::default();
        reader.look(&store).await.unwrap();
        assert_eq!(heard(&mut reader), [1, 3], "what came just before the first look is heard too");
        announce(&database, 2).await;
        reader.late(&store).await.unwrap();
        database.execute("ALTER TABLE evergrant_events RENAME TO gone").await;
        assert!(reader.look(&store).await.is_err());
        database.execute("ALTER TABLE gone RENAME TO evergrant_events").await;
        announce(&database, 4).await;
        reader.look(&store).await.unwrap();
        assert_eq!(heard(&mut reader), [2, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn caches_are_worth_as_much_as_is_known_of_changes() {
        let feed = Feed::default();
        assert_eq!((feed.trust(), feed.settled_for_ms() > 1_000_000), (Trust::Alone, true));
        feed.listens.store(true, Ordering::Relaxed);
        assert_eq!(feed.trust(), Trust::Deaf, "nothing has been heard yet");
        feed.note_hearing();
        assert_eq!(feed.trust(), Trust::Fed);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(feed.trust(), Trust::Fed);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(feed.trust(), Trust::Deaf);
        feed.note_failure();
        assert_eq!((feed.trust(), feed.settled_for_ms()), (Trust::Outage, 0));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((feed.trust(), feed.settled_for_ms()), (Trust::Deaf, 1_000));
    }
}
