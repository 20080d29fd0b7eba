//! Reads the outbox and delivers each event exactly once, even if it commits out of order.
//!
//! The reader remembers the newest event that it has read. If the outbox does not contain it any
//! more, the database has gone back to an earlier state: a standby without the last commits became
//! the primary, or an older copy was restored. Retention never deletes the newest event.

use std::collections::BTreeMap;
use std::time::Duration;

use evergrant_store::{Event, EventRepository, StoreError};
use tokio::time::Instant;

/// The maximum number of events per query.
const BATCH: i64 = 500;
/// How long the reader waits for a gap to fill. Sequence values can commit out of order, so a gap
/// may belong to a transaction that has not committed yet. Each statement of a writing transaction
/// has a timeout of at most 5 seconds.
const GAP_LIFETIME: Duration = Duration::from_mins(1);
/// The maximum number of gaps that are tracked at once.
const MAX_GAPS: usize = 10_000;
/// Transactions in flight during the first poll may commit lower sequence values later. The reader
/// starts this many values before the newest.
const FIRST_POLL_OVERLAP: i64 = 100;

/// The position of this process in the outbox.
#[derive(Debug, Default)]
pub(crate) struct FeedReader {
    /// The highest sequence value that was read; `None` before the first poll.
    newest: Option<i64>,
    /// The event with that sequence value; `None` if the outbox was empty.
    last: Option<Event>,
    /// The event that the outbox has lost; `None` if it has not gone back since the last call of
    /// [`FeedReader::take_lost`].
    lost: Option<Event>,
    /// Sequence values below the newest that were not visible, each with the time of the first poll
    /// that looked for it; `None` before that poll.
    gaps: BTreeMap<i64, Option<Instant>>,
    /// Events that were read and not delivered yet. A poll that fails after its first query has
    /// already advanced the position, so the events it read are kept here.
    received: Vec<Event>,
}

impl FeedReader {
    /// Reads the events that became visible since the last poll.
    ///
    /// # Errors
    ///
    /// The error of a failed query. Events read before it are kept for [`FeedReader::take`].
    pub(crate) async fn poll(&mut self, events: &EventRepository) -> Result<(), StoreError> {
        let mut newest = match self.newest {
            Some(newest) => newest,
            None => (events.newest_id().await? - FIRST_POLL_OVERLAP).max(0),
        };
        self.poll_gaps(events).await?;
        loop {
            let mut batch = events.after(self.before(newest), BATCH).await?;
            let is_last = i64::try_from(batch.len()).unwrap_or(BATCH) < BATCH;
            if self.last.is_some() {
                if batch.first() != self.last.as_ref() {
                    self.start_again();
                    newest = (events.newest_id().await? - FIRST_POLL_OVERLAP).max(0);
                    continue;
                }
                batch.remove(0);
            }
            for event in &batch {
                self.track_gaps(newest + 1..event.id);
                newest = event.id;
            }
            if let Some(event) = batch.last() {
                self.last = Some(event.clone());
            }
            self.received.extend(batch);
            self.newest = Some(newest);
            if is_last {
                return Ok(());
            }
        }
    }

    /// Returns the value after which the next query starts, so that it includes the last event.
    fn before(&self, newest: i64) -> i64 {
        if self.last.is_some() {
            newest - 1
        } else {
            newest
        }
    }

    /// Forgets the position, because the outbox has lost the last event.
    fn start_again(&mut self) {
        self.newest = None;
        self.gaps.clear();
        self.received.clear();
        self.lost = self.last.take();
    }

    /// Returns the event that the outbox has lost since the last call, if it has gone back.
    pub(crate) fn take_lost(&mut self) -> Option<Event> {
        self.lost.take()
    }

    /// Returns the events read since the last call, in order of delivery.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.received)
    }

    /// Reads events whose sequence values were gaps and have become visible.
    async fn poll_gaps(&mut self, events: &EventRepository) -> Result<(), StoreError> {
        let now = Instant::now();
        self.gaps
            .retain(|_, since| since.get_or_insert(now).elapsed() < GAP_LIFETIME);
        if self.gaps.is_empty() {
            return Ok(());
        }
        let missing: Vec<_> = self.gaps.keys().copied().collect();
        let found = events.by_ids(&missing).await?;
        for event in &found {
            self.gaps.remove(&event.id);
        }
        self.received.extend(found);
        Ok(())
    }

    /// Remembers skipped sequence values, as far as [`MAX_GAPS`] allows.
    fn track_gaps(&mut self, ids: std::ops::Range<i64>) {
        let room = MAX_GAPS.saturating_sub(self.gaps.len());
        self.gaps.extend(ids.take(room).map(|id| (id, None)));
    }
}

#[cfg(test)]
mod tests {
    use evergrant_testkit::TestDatabase;

    use super::*;

    #[test]
    fn skipped_sequence_values_are_tracked_up_to_a_bound() {
        let mut reader = FeedReader {
            newest: Some(7),
            ..FeedReader::default()
        };
        reader.track_gaps(8..10);
        assert_eq!(reader.gaps.keys().copied().collect::<Vec<_>>(), [8, 9]);
        reader.track_gaps(11..i64::MAX);
        assert_eq!(reader.gaps.len(), MAX_GAPS);
    }

    /// Adds an event with this sequence value to the outbox.
    async fn insert_event(database: &TestDatabase, id: i64) {
        let insert = format!(
            "INSERT INTO evergrant_events (id, user_id, version, kind, correlation_id, created_at)
            VALUES ({id}, 1, {id}, 'refreshed', 'c', 0)"
        );
        database.execute(&insert).await;
    }

    fn received(reader: &mut FeedReader) -> Vec<i64> {
        reader.take().iter().map(|event| event.id).collect()
    }

    #[tokio::test]
    async fn poll_that_fails_midway_loses_no_event() {
        let database = TestDatabase::sqlite();
        let events = database.store().await.events();
        insert_event(&database, 1).await;
        insert_event(&database, 3).await;
        let mut reader = FeedReader::default();
        reader.poll(&events).await.unwrap();
        assert_eq!(
            received(&mut reader),
            [1, 3],
            "events just before the first poll are read too"
        );
        insert_event(&database, 2).await;
        reader.poll_gaps(&events).await.unwrap();
        database
            .execute("ALTER TABLE evergrant_events RENAME TO gone")
            .await;
        assert!(reader.poll(&events).await.is_err());
        database
            .execute("ALTER TABLE gone RENAME TO evergrant_events")
            .await;
        insert_event(&database, 4).await;
        reader.poll(&events).await.unwrap();
        assert_eq!(received(&mut reader), [2, 4]);
    }
}
