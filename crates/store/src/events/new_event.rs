//! Writing events.

use evergrant_model::{
    CorrelationId, EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId,
};

use crate::StoreError;
use crate::db::transaction::Transaction;
use crate::db::value::params;
use crate::flows::status::FlowStatus;

/// The subject of an event.
pub(crate) enum About<'a> {
    /// An account.
    Account(&'a ProviderSlug, &'a ProviderAccountId),
    /// An account, and the id of the flow that connected it.
    Consent(&'a ProviderSlug, &'a ProviderAccountId, &'a str),
    /// All accounts of the user.
    Everything,
    /// A flow: its id, its status, and the error code if it failed.
    Flow(&'a ProviderSlug, &'a str, FlowStatus, Option<&'a str>),
}

/// An event to write.
pub(crate) struct NewEvent<'a> {
    pub(crate) user: UserId,
    /// The result of [`Transaction::increment_version`].
    pub(crate) version: i64,
    pub(crate) kind: EventKind,
    pub(crate) about: About<'a>,
    pub(crate) correlation_id: &'a CorrelationId,
    pub(crate) at: Timestamp,
}

/// The `user_id` of events that concern the whole installation.
const INSTALLATION: i32 = 0;

const INCREMENT_VERSION: &str = "INSERT INTO evergrant_versions (user_id, version) VALUES ($1, 1)
    ON CONFLICT (user_id) DO UPDATE SET version = evergrant_versions.version + 1 RETURNING version";
const INSERT: &str = "INSERT INTO evergrant_events
    (user_id, version, kind, provider, provider_account_id, subject, status, code, correlation_id, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

impl Transaction {
    /// Increments the user's version like [`increment_version`](Self::increment_version); `None` if
    /// the user does not exist.
    pub(crate) async fn increment_version_if_user_exists(
        &mut self,
        user: UserId,
    ) -> Result<Option<i64>, StoreError> {
        match self.increment_version(user).await {
            Err(StoreError::Missing) => Ok(None),
            version => version.map(Some),
        }
    }

    /// Increments the user's version and returns it, for the event to write;
    /// [`StoreError::Missing`] if the user does not exist.
    ///
    /// Every change of a user's connections does this first: the lock on the version row
    /// serializes the changes of one user. Two transactions that locked other rows first could
    /// deadlock, and PostgreSQL would abort one of them, possibly the one that stores a refresh
    /// token of which no other copy exists.
    pub(crate) async fn increment_version(&mut self, user: UserId) -> Result<i64, StoreError> {
        let row = self.row(INCREMENT_VERSION, params![user.get()]).await?;
        row.ok_or(StoreError::Inconsistent("evergrant_versions.version"))?
            .big("version")
    }

    /// Writes an event. It is the last statement of its transaction, so that the event becomes
    /// visible soon after its id was allocated.
    pub(crate) async fn write_event(&mut self, event: &NewEvent<'_>) -> Result<(), StoreError> {
        let (provider, account, subject, status, code) = match event.about {
            About::Account(provider, account) => (
                Some(provider.as_str()),
                Some(account.as_str()),
                None,
                None,
                None,
            ),
            About::Consent(provider, account, flow) => (
                Some(provider.as_str()),
                Some(account.as_str()),
                Some(flow),
                None,
                None,
            ),
            About::Everything => (None, None, None, None, None),
            About::Flow(provider, flow, status, code) => (
                Some(provider.as_str()),
                None,
                Some(flow),
                Some(status.as_str()),
                code,
            ),
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
        self.notify_on_commit();
        self.execute(INSERT, params).await.map(drop)
    }

    /// Writes the event that a credential is no longer valid; all credentials of the user if
    /// `credential` is `None`. All processes then drop it from their caches.
    pub(crate) async fn write_credential_ended(
        &mut self,
        user: Option<UserId>,
        credential: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let user = user.map_or(INSTALLATION, UserId::get);
        let kind = EventKind::CredentialEnded.as_str();
        let (version, none): (i64, Option<&str>) = (0, None);
        let params = params![
            user, version, kind, none, none, credential, none, none, none, at
        ];
        self.notify_on_commit();
        self.execute(INSERT, params).await.map(drop)
    }
}
