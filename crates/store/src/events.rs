//! The outbox: each change leaves a line here, in the transaction that made it. It is the one place from which caches,
//! waiters and event streams learn what happened, in this process and in others.

use evergrant_model::{CorrelationId, EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId};

use crate::database::{Record, Work, params};
use crate::flow_status::FlowStatus;
use crate::{Store, StoreError};

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

/// What an event is about.
pub(crate) enum About<'a> {
    /// One account.
    Account(&'a ProviderSlug, &'a ProviderAccountId),
    /// One account, and the flow that connected it.
    Consent(&'a ProviderSlug, &'a ProviderAccountId, &'a str),
    /// All of the user's accounts.
    Everything,
    /// A flow, how it stands now, and why it came to nothing.
    Flow(&'a ProviderSlug, &'a str, FlowStatus, Option<&'a str>),
}

/// An event about to be written.
pub(crate) struct NewEvent<'a> {
    pub(crate) user: UserId,
    /// What [`Work::raise_version`] answered.
    pub(crate) version: i64,
    pub(crate) kind: EventKind,
    pub(crate) about: About<'a>,
    pub(crate) correlation_id: &'a CorrelationId,
    pub(crate) at: Timestamp,
}

/// Whose events are those of the installation.
const NOBODY: i32 = 0;

const RAISE_VERSION: &str = "INSERT INTO evergrant_versions (user_id, version) VALUES ($1, 1)
    ON CONFLICT (user_id) DO UPDATE SET version = evergrant_versions.version + 1 RETURNING version";
const INSERT: &str = "INSERT INTO evergrant_events
    (user_id, version, kind, provider, provider_account_id, subject, status, code, correlation_id, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

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
pub(crate) const OF_USER: &str = select!("WHERE user_id = $1 AND version > $2 ORDER BY version LIMIT $3");

fn read(row: &Record) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.big("id")?,
        user: UserId::try_from(i64::from(row.int("user_id")?)).ok(),
        version: row.big("version")?,
        kind: EventKind::parse(&row.text("kind")?),
        provider: row.optional_text("provider")?.and_then(|slug| ProviderSlug::new(slug).ok()),
        account: row.optional_text("provider_account_id")?.and_then(|account| ProviderAccountId::new(account).ok()),
        subject: row.optional_text("subject")?,
        status: row.optional_text("status")?,
        code: row.optional_text("code")?,
        correlation_id: row.optional_text("correlation_id")?,
        at: row.time("created_at")?,
    })
}

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
        let (provider, account, subject, status, code) = match event.about {
            About::Account(provider, account) => (Some(provider.as_str()), Some(account.as_str()), None, None, None),
            About::Consent(provider, account, flow) => {
                (Some(provider.as_str()), Some(account.as_str()), Some(flow), None, None)
            }
            About::Everything => (None, None, None, None, None),
            About::Flow(provider, flow, status, code) => {
                (Some(provider.as_str()), None, Some(flow), Some(status.as_str()), code)
            }
        };
        let params = params![
            event.user.get(),
            event.version,
            event.kind.as_str(),
            provider,
            account,
            subject,
            status,
            code,
            event.correlation_id.as_str(),
            event.at,
        ];
        self.is_news();
        self.execute(INSERT, params).await.map(drop)
    }

    /// Tells all processes that a credential, or all of a user's where `credential` is `None`, works no more.
    pub(crate) async fn announce_end_of(
        &mut self,
        user: Option<UserId>,
        credential: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (nobody, version, nothing): (_, i64, Option<&str>) = (user.map_or(NOBODY, UserId::get), 0, None);
        let kind = EventKind::CredentialEnded.as_str();
        let params = params![nobody, version, kind, nothing, nothing, credential, nothing, nothing, nothing, at];
        self.is_news();
        self.execute(INSERT, params).await.map(drop)
    }
}

impl Store {
    /// Up to `limit` events after the one numbered `after`, oldest first.
    ///
    /// On PostgreSQL a number may become visible after a higher one: see [`events_among`](Self::events_among).
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn events_after(&self, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
        self.database.rows(AFTER, params![after, limit]).await?.iter().map(read).collect()
    }

    /// Those of these events that are visible by now, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn events_among(&self, ids: &[i64]) -> Result<Vec<Event>, StoreError> {
        let list = format!("{{{}}}", ids.iter().map(i64::to_string).collect::<Vec<_>>().join(","));
        let among = self.database.dialect(AMONG_SQLITE, AMONG_POSTGRES);
        self.database.rows(among, params![list.as_str()]).await?.iter().map(read).collect()
    }

    /// Up to `limit` events of this user after the version `after`, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn events_of(&self, user: UserId, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
        self.database.rows(OF_USER, params![user.get(), after, limit]).await?.iter().map(read).collect()
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

    /// The version of the user's connections; `None` where there is no such user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn version_of(&self, user: UserId) -> Result<Option<i64>, StoreError> {
        const VERSION: &str = "SELECT COALESCE(v.version, 0) AS version
            FROM users u LEFT JOIN evergrant_versions v ON v.user_id = u.id WHERE u.id = $1";
        self.database.row(VERSION, params![user.get()]).await?.map(|row| row.big("version")).transpose()
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
