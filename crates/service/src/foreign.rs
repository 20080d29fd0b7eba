//! Rows that another program wrote into the shared tables, noticed and taken for what they are.
//!
//! Whoever reads such a row notices at once. The rest is looked for: new rows by their numbers, and of the users whose
//! lists somebody watches, everything. What is found goes through the outbox, so that all replicas hear of it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use evergrant_model::{Timestamp, UserId};
use evergrant_store::Connection;

use crate::ServiceError;
use crate::feed::Trust;
use crate::read::is_renewable;
use crate::service::Inner;

/// New rows are looked for in steps of so many numbers.
const STEP: i32 = 10_000;
/// A number that was drawn may become visible after a higher one.
const LOOK_BACK: i32 = 1_000;
/// How many watched users are asked about at once.
const WATCHED: usize = 500;

impl Inner {
    /// Takes a foreign row for a new pair; `true` where it was we who did.
    pub(crate) async fn adopt(&self, held: &Connection) -> Result<bool, ServiceError> {
        let platform = self.registry.platform(&held.provider);
        let spec = platform.as_ref().map(|platform| platform.spec()).filter(|spec| spec.is_configured());
        let correlation_id = self.new_correlation_id()?;
        let next = spec.filter(|spec| is_renewable(held, spec)).map(|spec| {
            // Nobody knows when it was issued, so of its life only what is left counts.
            self.due(spec, self.now(), held.expires_at, held.id.get())
        });
        let turning = self.turning_of(spec, held);
        let turns_at = turning.next.or(held.expires_at.filter(|_| turning.status != held.status));
        let adopted =
            self.ask(self.store.external_rows().import(held, next, turns_at, &correlation_id, self.now())).await?;
        if adopted {
            tracing::info!(provider = %held.provider, user.id = held.user.get(), connection.id = held.id.get(),
                correlation_id = %correlation_id, "another program has stored this pair");
        }
        self.caches.forget(&held.into()).await;
        Ok(adopted)
    }

    /// Looks for what other programs have done since the last look.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn reconcile(&self) -> Result<(), ServiceError> {
        self.adopt_new_rows().await?;
        let watched = self.watched_users();
        for users in watched.chunks(WATCHED) {
            for held in self.ask(self.store.external_rows().of_users(users)).await? {
                self.adopt(&held).await?;
            }
            self.notice_removals(users).await?;
        }
        Ok(())
    }

    async fn adopt_new_rows(&self) -> Result<(), ServiceError> {
        let newest = self.ask(self.store.external_rows().newest_id()).await?;
        let mut after = self.reconciled_to.load(Ordering::Relaxed);
        while after < newest {
            let last = after.saturating_add(STEP).min(newest);
            for held in self.ask(self.store.external_rows().in_range(after, last)).await? {
                self.adopt(&held).await?;
            }
            after = last;
        }
        self.reconciled_to.store((newest - LOOK_BACK).max(0), Ordering::Relaxed);
        Ok(())
    }

    /// The users whose lists somebody has read lately, or listens to.
    fn watched_users(&self) -> Vec<UserId> {
        let mut users: BTreeSet<_> = self.caches.statuses.keys().iter().map(|user| **user).collect();
        users.extend(self.streams.users());
        users.into_iter().collect()
    }

    /// An account that is gone without an event was removed by another program.
    async fn notice_removals(&self, users: &[UserId]) -> Result<(), ServiceError> {
        let counts = self.ask(self.store.external_rows().connection_counts(users)).await?;
        for user in users {
            let Some(known) = self.caches.statuses.get(user, self.now(), Trust::Outage).await else { continue };
            let held = usize::try_from(counts.get(user).copied().unwrap_or(0)).unwrap_or(usize::MAX);
            if held >= known.connections.len() {
                continue;
            }
            let Some(now) = self.ask(self.store.connections().of_user(*user)).await? else { continue };
            let is_gone = |one: &&Connection| !now.connections.iter().any(|other| other.id == one.id);
            for gone in known.connections.iter().filter(is_gone) {
                self.announce_removal(gone, now.version, self.now()).await?;
            }
        }
        Ok(())
    }

    async fn announce_removal(&self, gone: &Connection, seen: i64, at: Timestamp) -> Result<(), ServiceError> {
        let correlation_id = self.new_correlation_id()?;
        let account = (&gone.provider, &gone.account);
        let rows = self.store.external_rows();
        if self.ask(rows.announce_removal(gone.user, seen, account, &correlation_id, at)).await? {
            tracing::info!(provider = %gone.provider, user.id = gone.user.get(), connection.id = gone.id.get(),
                correlation_id = %correlation_id, "another program has removed this account");
        }
        self.caches.forget(&gone.into()).await;
        Ok(())
    }
}
