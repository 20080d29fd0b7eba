//! What goes on without a caller: hearing of changes that others made, giving up what nobody finished, sweeping.

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
    before_that: i64,
}

impl Inner {
    /// Forgets what others have changed. Each event is heard twice: a reader may have put an old row into the cache
    /// between the change and the first hearing.
    async fn hear(&self, heard: &mut Heard) -> Result<(), ServiceError> {
        let Some(newest) = heard.newest else {
            let newest = self.store.newest_event().await?;
            *heard = Heard { newest: Some(newest), before_that: newest };
            return Ok(());
        };
        let mut from = (heard.before_that - LOOK_BACK).max(0);
        let mut last = newest;
        loop {
            let events = self.store.events_after(from, BATCH).await?;
            for event in &events {
                self.forget_changed(event).await;
                from = event.id;
                last = last.max(event.id);
            }
            if i64::try_from(events.len()).unwrap_or(0) < BATCH {
                break;
            }
        }
        *heard = Heard { newest: Some(last), before_that: newest };
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
