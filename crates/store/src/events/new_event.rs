//! Writing events.

use evergrant_model::{
    CorrelationId, EventKind, ProviderAccountId, ProviderSlug, Timestamp, UserId,
};

use crate::StoreError;
use crate::db::value::params;
use crate::db::work::Work;
use crate::flows::status::FlowStatus;

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

impl Work {
    /// [`raise_version`](Self::raise_version) for a user read earlier; `None` if the user is gone
    /// since.
    pub(crate) async fn raise_version_of_existing(
        &mut self,
        user: UserId,
    ) -> Result<Option<i64>, StoreError> {
        match self.raise_version(user).await {
            Err(StoreError::Missing) => Ok(None),
            version => version.map(Some),
        }
    }

    /// Raises the user's version, for the event that is to come; [`StoreError::Missing`] if there
    /// is no such user.
    ///
    /// Every change of a user's connections begins with this: the row of the version is the lock
    /// that lets the changes of one user pass one after the other. Two changes that locked other
    /// rows first could meet halfway, and PostgreSQL would end one of them, perhaps the one with a
    /// refresh token that exists nowhere else.
    pub(crate) async fn raise_version(&mut self, user: UserId) -> Result<i64, StoreError> {
        let row = self.row(RAISE_VERSION, params![user.get()]).await?;
        row.ok_or(StoreError::Inconsistent("no version was raised"))?
            .big("version")
    }

    /// Writes an event. It comes last in its change, so that its number is seen soon after it was
    /// drawn.
    pub(crate) async fn announce(&mut self, event: &NewEvent<'_>) -> Result<(), StoreError> {
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
        self.announce_on_commit();
        self.execute(INSERT, params).await.map(drop)
    }

    /// Tells all processes that a credential, or all of a user's where `credential` is `None`,
    /// works no more.
    pub(crate) async fn announce_end_of(
        &mut self,
        user: Option<UserId>,
        credential: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (nobody, version, nothing): (_, i64, Option<&str>) =
            (user.map_or(NOBODY, UserId::get), 0, None);
        let kind = EventKind::CredentialEnded.as_str();
        let params = params![
            nobody, version, kind, nothing, nothing, credential, nothing, nothing, nothing, at
        ];
        self.announce_on_commit();
        self.execute(INSERT, params).await.map(drop)
    }
}
