//! Reading the outbox.

use evergrant_model::{EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId};

use crate::StoreError;
use crate::db::decode::{Decoder, Page};
use crate::db::repository::repository;
use crate::db::value::{Record, Value, int_array, params};

/// What happened, to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Rises with every event of the installation.
    pub id: i64,
    /// Whose connections changed; `None` for an event of the installation.
    pub user: Option<UserId>,
    /// The user's version after the change: no two events of a user have the same.
    pub version: i64,
    /// What happened; `None` for what this version of the program does not know.
    pub kind: Option<EventKind>,
    /// The platform, where one account or flow is meant.
    pub provider: Option<ProviderSlug>,
    /// The account, where one is meant.
    pub account: Option<ProviderAccountId>,
    /// The flow that is meant, or that connected the account; or the credential that is meant.
    pub subject: Option<String>,
    /// How the flow stands.
    pub status: Option<String>,
    /// Why the flow came to nothing.
    pub code: Option<String>,
    /// Finds the reason in the log.
    pub correlation_id: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, version, kind, provider, provider_account_id, subject, status, code, correlation_id,
                created_at FROM evergrant_events ",
            $rest
        )
    };
}
pub(crate) const AFTER: &str = select!("WHERE id > $1 ORDER BY id LIMIT $2");
const AMONG_SQLITE: &str =
    select!("WHERE id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']')) ORDER BY id");
const AMONG_POSTGRES: &str = select!("WHERE id = ANY(CAST($1 AS bigint[])) ORDER BY id");
pub(crate) const OF_USER: &str =
    select!("WHERE user_id = $1 AND version > $2 ORDER BY version LIMIT $3");

const EVENTS: Decoder<Event> = Decoder {
    table: "evergrant_events",
    key: |row| row.key("id"),
    read,
};

fn read(row: &Record) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.big("id")?,
        user: UserId::try_from(i64::from(row.int("user_id")?)).ok(),
        version: row.big("version")?,
        kind: EventKind::parse(&row.text("kind")?),
        provider: row
            .optional_text("provider")?
            .and_then(|slug| ProviderSlug::new(slug).ok()),
        account: row
            .optional_text("provider_account_id")?
            .and_then(|account| ProviderAccountId::new(account).ok()),
        subject: row.optional_text("subject")?,
        status: row.optional_text("status")?,
        code: row.optional_text("code")?,
        correlation_id: row.optional_text("correlation_id")?,
        at: row.time("created_at")?,
    })
}

repository! {
    /// The outbox.
    EventRepository
}

impl EventRepository {
    /// Up to `limit` events with ids above `after`, oldest first.
    ///
    /// On PostgreSQL an id may become visible after a higher one: see [`among`](Self::among).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn after(&self, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
        let page = Page {
            sql: AFTER,
            fixed: params![],
            after: |after| vec![Value::from(*after)],
            cursor: |row| row.big("id"),
        };
        self.database
            .page(page, after, limit, |rows| EVENTS.decode(rows))
            .await
    }

    /// The visible ones among the events with these ids, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn among(&self, ids: &[i64]) -> Result<Vec<Event>, StoreError> {
        let list = int_array(ids);
        let among = self.database.dialect(AMONG_SQLITE, AMONG_POSTGRES);
        EVENTS.decode(self.database.rows(among, params![list.as_str()]).await?)
    }

    /// Up to `limit` events of this user after the version `after`, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn of_user(
        &self,
        user: UserId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        let page = Page {
            sql: OF_USER,
            fixed: params![user.get()],
            after: |after| vec![Value::from(*after)],
            cursor: |row| row.big("version"),
        };
        self.database
            .page(page, after, limit, |rows| EVENTS.decode(rows))
            .await
    }

    /// The id of the newest event; 0 if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn newest_id(&self) -> Result<i64, StoreError> {
        let row = self
            .database
            .row(
                "SELECT COALESCE(MAX(id), 0) AS newest FROM evergrant_events",
                params![],
            )
            .await?;
        row.map_or(Ok(0), |row| row.big("newest"))
    }

    /// The version of the user's connections; `None` if there is no such user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn user_version(&self, user: UserId) -> Result<Option<i64>, StoreError> {
        const VERSION: &str = "SELECT COALESCE(v.version, 0) AS version
            FROM users u LEFT JOIN evergrant_versions v ON v.user_id = u.id WHERE u.id = $1";
        self.database
            .row(VERSION, params![user.get()])
            .await?
            .map(|row| row.big("version"))
            .transpose()
    }

    /// Deletes events from before `moment`; answers how many.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete_before(&self, moment: Timestamp) -> Result<u64, StoreError> {
        self.database
            .execute(
                "DELETE FROM evergrant_events WHERE created_at < $1",
                params![moment],
            )
            .await
    }
}
