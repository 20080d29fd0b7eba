//! What goes on without a caller: hearing of changes that others made, giving up what nobody finished, sweeping.

use std::collections::BTreeMap;
use std::time::Duration;

use evergrant_model::{ErrorCode, ProviderAccountId, ProviderSlug, UserId};

use crate::ServiceError;
use crate::cache::ConnectionKey;
use crate::service::{Inner, IntegrationsService};

/// How often the outbox is asked for changes that other processes made.
const LISTEN_EVERY: Duration = Duration::from_millis(500);
/// How often the rest is done.
const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// How much is done in one go.
const BATCH: i64 = 100;
/// A number may become visible after a higher one on PostgreSQL, so the reader looks back this far.
const LOOK_BACK: i64 = 64;
const KEEP_EVENTS_SECONDS: i64 = 7 * 24 * 60 * 60;
const KEEP_FLOWS_SECONDS: i64 = 24 * 60 * 60;

impl IntegrationsService {
    /// Does the housekeeping until `stop` ends.
    pub async fn keep_house(&self, stop: impl Future<Output = ()>) {
        let mut listen = tokio::time::interval(LISTEN_EVERY);
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        let mut heard = Heard::default();
        tokio::pin!(stop);
        loop {
            let done = tokio::select! {
                () = &mut stop => return,
                _ = listen.tick() => self.hear(&mut heard).await,
                _ = sweep.tick() => self.sweep().await,
            };
            if let Err(error) = done {
                tracing::warn!(error = &error as &dyn std::error::Error, "housekeeping is put off");
            }
        }
    }

    /// Gives up flows that nobody finished, tries revocations that are due, and forgets what is over.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn sweep(&self) -> Result<(), ServiceError> {
        let now = self.now();
        for flow in self.store.unfinished_flows(now, BATCH).await? {
            self.give_up_flow(&flow, ErrorCode::InvalidState).await?;
        }
        for _ in 0..BATCH {
            if !self.work_off_a_revocation().await? {
                break;
            }
        }
        self.check_sessions().await?;
        self.store.sweep_flows(now.plus_seconds(-KEEP_FLOWS_SECONDS)).await?;
        self.store.sweep_sessions(now).await?;
        self.store.forget_events_before(now.plus_seconds(-KEEP_EVENTS_SECONDS)).await?;
        Ok(())
    }
}

/// How far the outbox has been read.
#[derive(Debug, Default)]
struct Heard {
    newest: Option<i64>,
    /// How often each event was heard that is read again because the reader looks back.
    times: BTreeMap<i64, u8>,
}

impl Heard {
    /// From where to read on; `None` at the very beginning.
    fn from(&self) -> Option<i64> {
        self.newest.map(|newest| (newest - LOOK_BACK).max(0))
    }

    /// Whether this event is to be acted on. Each is so twice, in two hearings: a reader may have put an old row into
    /// the cache between the change and the first one.
    fn is_news(&mut self, id: i64) -> bool {
        self.newest = self.newest.max(Some(id));
        let times = self.times.entry(id).or_default();
        *times = times.saturating_add(1);
        *times <= 2
    }

    /// Drops the count of what will not be read again.
    fn settle(&mut self) {
        if let Some(from) = self.from() {
            self.times.retain(|id, _| *id > from);
        }
    }
}

impl Inner {
    /// Forgets what others have changed.
    async fn hear(&self, heard: &mut Heard) -> Result<(), ServiceError> {
        let Some(mut from) = heard.from() else {
            heard.newest = Some(self.store.newest_event().await?);
            return Ok(());
        };
        loop {
            let events = self.store.events_after(from, BATCH).await?;
            for event in &events {
                if heard.is_news(event.id) {
                    self.forget_changed(event).await;
                }
                from = event.id;
            }
            if i64::try_from(events.len()).unwrap_or(0) < BATCH {
                break;
            }
        }
        heard.settle();
        Ok(())
    }

    async fn forget_changed(&self, event: &evergrant_store::Event) {
        let Ok(user) = UserId::try_from(i64::from(event.user)) else { return };
        let provider = event.provider.as_deref().and_then(|slug| ProviderSlug::new(slug).ok());
        let account = event.account.as_deref().and_then(|account| ProviderAccountId::new(account).ok());
        match (provider, account) {
            (Some(provider), Some(account)) => {
                self.caches.forget(&ConnectionKey { user, provider, account }).await;
            }
            _ => self.caches.statuses.forget(&user).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_acted_on_in_two_hearings_and_in_no_third() {
        let mut heard = Heard { newest: Some(7), times: BTreeMap::new() };
        let mut hearing = |ids: &[i64]| {
            let news: Vec<_> = ids.iter().copied().filter(|id| heard.is_news(*id)).collect();
            heard.settle();
            news
        };
        assert_eq!(hearing(&[7, 9]), [7, 9]);
        assert_eq!(hearing(&[7, 8, 9]), [7, 8, 9], "8 became visible after 9");
        assert_eq!(hearing(&[7, 8, 9]), [8]);
        assert!(hearing(&[7, 8, 9]).is_empty());
    }

    #[test]
    fn what_is_too_old_to_be_read_again_is_not_counted() {
        let mut heard = Heard { newest: Some(0), times: BTreeMap::new() };
        for id in 1..=1000 {
            heard.is_news(id);
            heard.settle();
        }
        assert_eq!((heard.from(), heard.times.len()), (Some(936), 64));
    }
}
