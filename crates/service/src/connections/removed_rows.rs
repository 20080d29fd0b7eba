//! Detection of connections that another program deleted without an event.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, SignedDuration, UserId};
use evergrant_store::{Connection, ConnectionRepository, ExternalRowRepository};

use crate::ServiceError;
use crate::cache::Caches;
use crate::connections::watched_users::WatchedUsers;
use crate::database::{DatabaseMonitor, FeedState};
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;
use crate::outcome::{Outcome, Recorder};

/// The maximum number of watched users per query.
const USERS_PER_QUERY: usize = 500;

/// The job that compares the cached lists of watched users with the database, and writes an event
/// for each connection that no longer exists.
pub(crate) struct FindRemovedRows {
    pub(crate) connections: ConnectionRepository,
    pub(crate) rows: ExternalRowRepository,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) watched: WatchedUsers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl FindRemovedRows {
    /// Checks these users and returns how many connections were deleted. A user whose check fails
    /// does not stop the others; the last error is returned.
    async fn of_users(&self, call: &Call, users: &[UserId]) -> Result<usize, ServiceError> {
        let counts = self
            .database
            .query(self.rows.connection_counts(users))
            .await?;
        let (mut removed, mut last_error) = (0, None);
        for user in users {
            let stored = counts.get(user).copied().unwrap_or(0);
            let stored = usize::try_from(stored).unwrap_or(usize::MAX);
            match self.of_user(call, *user, stored).await {
                Ok(found) => removed += found,
                Err(error) => last_error = Some(error),
            }
        }
        last_error.map_or(Ok(removed), Err)
    }

    /// Checks one user, who has `stored` connections in the database.
    async fn of_user(
        &self,
        call: &Call,
        user: UserId,
        stored: usize,
    ) -> Result<usize, ServiceError> {
        // The cached list is only compared, so a stale one is accepted.
        let (now, accept_stale) = (
            self.clock.now(),
            FeedState::Outage {
                max_age: SignedDuration::MAX,
            },
        );
        let Some(cached) = self.caches.statuses.get(&user, now, accept_stale).await else {
            return Ok(0);
        };
        if stored >= cached.connections.len() {
            return Ok(0);
        }
        let current = self.database.query(self.connections.of_user(user)).await?;
        let Some(current) = current else { return Ok(0) };
        let is_removed = |cached: &&Connection| {
            let mut stored = current.connections.iter();
            !stored.any(|stored| stored.id == cached.id)
        };
        let removed: Vec<_> = cached.connections.iter().filter(is_removed).collect();
        for connection in &removed {
            self.announce(call, connection, current.version).await?;
        }
        Ok(removed.len())
    }

    /// Writes the event of a deleted connection, unless the user's version has changed since.
    async fn announce(
        &self,
        call: &Call,
        connection: &Connection,
        version: i64,
    ) -> Result<(), ServiceError> {
        let (user, account) = (connection.user, (&connection.provider, &connection.account));
        let (correlation_id, now) = (&call.correlation_id, self.clock.now());
        let announced = self
            .rows
            .announce_removal(user, version, account, correlation_id, now);
        if self.database.query(announced).await? {
            self.recorder
                .record(call, &Outcome::RowRemoved { connection });
        }
        self.caches.invalidate(&connection.into()).await;
        Ok(())
    }
}

#[async_trait]
impl Job for FindRemovedRows {
    fn name(&self) -> JobName {
        JobName::FindRemovedRows
    }

    fn interval(&self) -> Duration {
        EVERY_15_SECONDS
    }

    async fn run(&self, call: &Call) -> Result<Progress, ServiceError> {
        let mut removed = 0;
        for users in self.watched.all().chunks(USERS_PER_QUERY) {
            removed += self.of_users(call, users).await?;
        }
        Ok(Progress::done(removed))
    }
}
