//! Finds connections of watched users that another program deleted without an event.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, UserId};
use evergrant_store::{Connection, ConnectionRepository, ExternalRowRepository};

use crate::ServiceError;
use crate::cache::Caches;
use crate::connections::watched_users::WatchedUsers;
use crate::database::{DatabaseMonitor, FeedState};
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_15_SECONDS;
use crate::outcome::{Outcome, Recorder};

/// How many watched users are asked about in one query.
const USERS_PER_QUERY: usize = 500;

/// Announces connections that no longer exist.
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
    async fn of_users(&self, call: &Call, users: &[UserId]) -> Result<usize, ServiceError> {
        let counts = self
            .database
            .query(self.rows.connection_counts(users))
            .await?;
        let (mut removed, mut failed) = (0, None);
        for user in users {
            let stored = counts.get(user).copied().unwrap_or(0);
            let stored = usize::try_from(stored).unwrap_or(usize::MAX);
            match self.of_user(call, *user, stored).await {
                Ok(gone) => removed += gone,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(removed), Err)
    }

    async fn of_user(
        &self,
        call: &Call,
        user: UserId,
        stored: usize,
    ) -> Result<usize, ServiceError> {
        // Any cached list will do: it is compared, not served.
        let (now, any_age) = (self.clock.now(), FeedState::DatabaseDown);
        let Some(known) = self.caches.statuses.get(&user, now, any_age).await else {
            return Ok(0);
        };
        if stored >= known.connections.len() {
            return Ok(0);
        }
        let current = self.database.query(self.connections.of_user(user)).await?;
        let Some(current) = current else { return Ok(0) };
        let is_gone = |one: &&Connection| !current.connections.iter().any(|it| it.id == one.id);
        let gone: Vec<_> = known.connections.iter().filter(is_gone).collect();
        for connection in &gone {
            self.announce(call, connection, current.version).await?;
        }
        Ok(gone.len())
    }

    async fn announce(
        &self,
        call: &Call,
        gone: &Connection,
        version: i64,
    ) -> Result<(), ServiceError> {
        let account = (&gone.provider, &gone.account);
        let (correlation_id, now) = (&call.correlation_id, self.clock.now());
        let announced =
            self.rows
                .announce_removal(gone.user, version, account, correlation_id, now);
        if self.database.query(announced).await? {
            self.recorder
                .record(call, &Outcome::RowRemoved { connection: gone });
        }
        self.caches.invalidate(&gone.into()).await;
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
