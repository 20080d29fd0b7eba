//! Detection of changes by other programs that no trigger has recorded, by comparing rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, ConnectionId, SignedDuration, UserId};
use evergrant_store::{ConnectionKey, ConnectionRepository, ExternalRowRepository};

use crate::ServiceError;
use crate::cache::Caches;
use crate::connections::external_rows::ExternalRows;
use crate::connections::row_changes::RowChanges;
use crate::connections::watched_users::WatchedUsers;
use crate::database::{DatabaseMonitor, FeedState};
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;
use crate::outcome::{Outcome, Recorder};

/// The maximum number of watched users per query.
const USERS_PER_QUERY: usize = 500;

/// The job that compares the rows of watched users with the database: it imports replaced and moved
/// rows, and reports deleted rows and users.
pub(crate) struct CompareRows {
    pub(crate) connections: ConnectionRepository,
    pub(crate) rows: ExternalRowRepository,
    pub(crate) external: Arc<ExternalRows>,
    pub(crate) changes: Arc<RowChanges>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) watched: WatchedUsers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl CompareRows {
    /// Compares the rows of these users. Returns the number of changes found.
    async fn compare(&self, call: &Call, users: &[UserId]) -> Result<usize, ServiceError> {
        let replaced = self.database.query(self.rows.of_users(users)).await?;
        let imported = self.external.import(call, &replaced).await?.imported;
        let stored = self.database.query(self.rows.ids_of_users(users)).await?;
        let is_deleted = |user: &UserId| !stored.contains_key(user);
        let deleted: Vec<_> = users.iter().copied().filter(is_deleted).collect();
        let mut removed = Vec::new();
        for user in users {
            removed.extend(self.removed_of(*user, &stored).await?);
        }
        if deleted.is_empty() && removed.is_empty() {
            return Ok(imported);
        }
        self.report(call, &removed, &deleted).await?;
        Ok(imported + removed.len() + deleted.len())
    }

    /// Returns the connections of the user's cached list that are no longer stored. Caches the list
    /// of a user who has none, for the next comparison.
    async fn removed_of(
        &self,
        user: UserId,
        stored: &BTreeMap<UserId, BTreeSet<ConnectionId>>,
    ) -> Result<Vec<ConnectionKey>, ServiceError> {
        // The cached list is only compared, so an entry of any age is accepted.
        let any_age = FeedState::Outage {
            max_age: SignedDuration::MAX,
        };
        let (now, statuses) = (self.clock.now(), &self.caches.statuses);
        let Some(cached) = statuses.get(&user, now, any_age).await else {
            let mark = statuses.mark(&user);
            let current = self.database.query(self.connections.of_user(user)).await?;
            if let Some(current) = current {
                statuses.put(user, Arc::new(current), now, mark).await;
            }
            return Ok(Vec::new());
        };
        let ids = stored.get(&user);
        let removed = cached
            .connections
            .iter()
            .filter(|cached| ids.is_none_or(|ids| !ids.contains(&cached.id)));
        Ok(removed.map(ConnectionKey::from).collect())
    }

    /// Writes the events of these connections and users.
    async fn report(
        &self,
        call: &Call,
        removed: &[ConnectionKey],
        deleted: &[UserId],
    ) -> Result<(), ServiceError> {
        let (correlation_id, now) = (&call.correlation_id, self.clock.now());
        let report = self
            .rows
            .report_removals(removed, deleted, correlation_id, now);
        for connection in &self.database.query(report).await? {
            self.recorder
                .record(call, &Outcome::RowRemoved { connection });
        }
        for key in removed {
            self.caches.invalidate(key).await;
        }
        for user in deleted {
            self.caches.invalidate_user(*user).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Job for CompareRows {
    fn name(&self) -> JobName {
        JobName::CompareRows
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let mut found = 0;
        for users in self.watched.all().chunks(USERS_PER_QUERY) {
            found += self.compare(call, users).await?;
        }
        if !self.changes.are_recorded() {
            // Changed details are not compared, so lists are not kept longer than the interval.
            self.caches.statuses.clear();
        }
        Ok(Progress::done(found))
    }
}
