//! The outbox: each change of a user's connections leaves a line here, in the transaction that made it.

use evergrant_model::{CorrelationId, EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId};

use crate::database::{Work, params};
use crate::{Store, StoreError};

/// What happened, to whom.
#[derive(Debug, Clone)]
pub struct Event {
    /// Rises with every event of the installation.
    pub id: i64,
    /// Whose connections changed.
    pub user: i32,
    /// The user's version after the change.
    pub version: i64,
    /// The platform, where one account is meant.
    pub provider: Option<String>,
    /// The account, where one is meant.
    pub account: Option<String>,
}

/// An event about to be written.
pub(crate) struct NewEvent<'a> {
    pub(crate) user: UserId,
    /// What [`Work::raise_version`] answered.
    pub(crate) version: i64,
    pub(crate) kind: EventKind,
    /// `None` where all of the user's accounts are meant.
    pub(crate) account: Option<(&'a ProviderSlug, &'a ProviderAccountId)>,
    pub(crate) correlation_id: &'a CorrelationId,
    pub(crate) at: Timestamp,
}

const RAISE_VERSION: &str = "INSERT INTO evergrant_versions (user_id, version) VALUES ($1, 1)
    ON CONFLICT (user_id) DO UPDATE SET version = evergrant_versions.version + 1 RETURNING version";
const INSERT: &str = "INSERT INTO evergrant_events
    (user_id, version, kind, provider, provider_account_id, correlation_id, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const AFTER: &str = "SELECT id, user_id, version, provider, provider_account_id FROM evergrant_events
    WHERE id > $1 ORDER BY id LIMIT $2";

impl Work {
    /// Raises the user's version, for the event that is to come; [`StoreError::Missing`] where there is no such user.
    ///
    /// Every change of a user's connections begins with this: the row of the version is the lock that lets the changes
    /// of one user pass one after the other. Two changes that locked other rows first could meet halfway, and
    /// PostgreSQL would end one of them, perhaps the one with a refresh token that exists nowhere else.
    pub(crate) async fn raise_version(&mut self, user: UserId) -> Result<i64, StoreError> {
        let row = self.row(RAISE_VERSION, params![user.get()]).await?;
        row.ok_or(StoreError::Inconsistent("no version was raised"))?.big("version")
    }

    /// Writes an event. It comes last in its change, so that its number is seen soon after it was drawn.
    pub(crate) async fn announce(&mut self, event: &NewEvent<'_>) -> Result<(), StoreError> {
        let params = params![
            event.user.get(),
            event.version,
            event.kind.as_str(),
            event.account.map(|(provider, _)| provider.as_str()),
            event.account.map(|(_, account)| account.as_str()),
            event.correlation_id.as_str(),
            event.at,
        ];
        self.execute(INSERT, params).await.map(drop)
    }
}

impl Store {
    /// Up to `limit` events after the one numbered `after`, oldest first.
    ///
    /// On PostgreSQL a number may become visible after a higher one, so a reader looks back a little.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn events_after(&self, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
        let rows = self.database.rows(AFTER, params![after, limit]).await?;
        rows.iter()
            .map(|row| {
                Ok(Event {
                    id: row.big("id")?,
                    user: row.int("user_id")?,
                    version: row.big("version")?,
                    provider: row.optional_text("provider")?,
                    account: row.optional_text("provider_account_id")?,
                })
            })
            .collect()
    }

    /// The number of the newest event; 0 where there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn newest_event(&self) -> Result<i64, StoreError> {
        let row = self.database.row("SELECT COALESCE(MAX(id), 0) AS newest FROM evergrant_events", params![]).await?;
        row.map_or(Ok(0), |row| row.big("newest"))
    }

    /// Forgets events from before `moment`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn forget_events_before(&self, moment: Timestamp) -> Result<u64, StoreError> {
        self.database.execute("DELETE FROM evergrant_events WHERE created_at < $1", params![moment]).await
    }
}
