//! Reading the outbox.

use evergrant_model::{EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId};

use crate::StoreError;
use crate::db::decode::{Decoder, Page};
use crate::db::repository::repository;
use crate::db::value::{Record, Value, int_array, params};

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Increases with every event of the installation.
    pub id: i64,
    /// The user whose connections changed; `None` if the event concerns the whole installation.
    pub user: Option<UserId>,
    /// The user's version after the change, unique among the user's events; 0 for the end of a
    /// credential.
    pub version: i64,
    /// The kind; `None` if this version of the program does not know it.
    pub kind: Option<EventKind>,
    /// The provider; `None` unless the event concerns one account or flow.
    pub provider: Option<ProviderSlug>,
    /// The account; `None` unless the event concerns one account.
    pub account: Option<ProviderAccountId>,
    /// The id of the flow or credential that the event concerns, or of the flow that connected the
    /// account.
    pub subject: Option<String>,
    /// The status of the flow.
    pub status: Option<String>,
    /// The error code of a flow that failed.
    pub code: Option<String>,
    /// The correlation id of the operation that wrote the event.
    pub correlation_id: Option<String>,
    /// Time of the change.
    pub at: Timestamp,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, version, kind, provider, provider_account_id, subject, status, code,
                correlation_id, created_at
            FROM evergrant_events ",
            $rest
        )
    };
}
pub(crate) const AFTER: &str = select!("WHERE id > $1 ORDER BY id LIMIT $2");
const BY_IDS_SQLITE: &str =
    select!("WHERE id IN (SELECT value FROM json_each('[' || trim($1, '{}') || ']')) ORDER BY id");
const BY_IDS_POSTGRES: &str = select!("WHERE id = ANY(CAST($1 AS bigint[])) ORDER BY id");
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
    /// Reads the outbox.
    EventRepository
}

impl EventRepository {
    /// Returns up to `limit` events with ids above `after`, oldest first.
    ///
    /// On PostgreSQL, an event may become visible after one with a higher id; see
    /// [`by_ids`](Self::by_ids).
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

    /// Returns the visible events with these ids, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_ids(&self, ids: &[i64]) -> Result<Vec<Event>, StoreError> {
        let list = int_array(ids);
        let query = self.database.dialect(BY_IDS_SQLITE, BY_IDS_POSTGRES);
        EVENTS.decode(self.database.rows(query, params![list.as_str()]).await?)
    }

    /// Returns up to `limit` events of this user with versions above `after`, oldest first.
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

    /// Returns the id of the newest event; 0 if there is none.
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

    /// Returns the version of the user's connections; `None` if the user does not exist.
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

    /// Deletes the events created before `moment`, except the newest event, by which readers
    /// recognize the database. Returns their number.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete_before(&self, moment: Timestamp) -> Result<u64, StoreError> {
        self.database
            .execute(
                "DELETE FROM evergrant_events WHERE created_at < $1
                    AND id < (SELECT MAX(id) FROM evergrant_events)",
                params![moment],
            )
            .await
    }
}
