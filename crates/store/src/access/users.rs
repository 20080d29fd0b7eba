//! `users`: the people of the host application.

use evergrant_model::{
    CorrelationId, EventKind, ExternalId, ProviderAccountId, ProviderSlug, Timestamp, UserId,
};

use crate::StoreError;
use crate::connections::revocations::NewRevocation;
use crate::db::decode::{Decoder, Page};
use crate::db::repository::repository;
use crate::db::value::{Record, Value, params};
use crate::db::work::Work;
use crate::events::new_event::{About, NewEvent};

/// A stored user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Our number for the person.
    pub id: UserId,
    /// Unique where there is one.
    pub email: Option<String>,
    /// As the app knows the person.
    pub name: Option<String>,
    /// The app's own id of the person; unique where there is one.
    pub external_id: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// A user to be made; every field may be left to the store.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// A number that the app has chosen.
    pub id: Option<UserId>,
    /// Unique where there is one.
    pub email: Option<String>,
    /// As the app knows the person.
    pub name: Option<String>,
    /// The app's own id of the person; unique where there is one.
    pub external_id: Option<ExternalId>,
}

/// What came of making a user.
#[derive(Debug, Clone)]
pub enum CreatedUser {
    /// A new row.
    New(User),
    /// The row was there, and is as it was.
    Existing(User),
    /// The number is free, but the e-mail address or external id belongs to somebody else.
    Taken,
}

impl CreatedUser {
    /// The user, new or old.
    #[must_use]
    pub fn into_user(self) -> Option<User> {
        match self {
            Self::New(user) | Self::Existing(user) => Some(user),
            Self::Taken => None,
        }
    }
}

const USERS: Decoder<User> = Decoder {
    table: "users",
    key: |row| row.key("id"),
    read: User::read,
};

impl User {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId::try_from(i64::from(row.int("id")?))
                .map_err(|_| StoreError::Inconsistent("users.id"))?,
            email: row.optional_text("email")?,
            name: row.optional_text("name")?,
            external_id: row.optional_text("external_id")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

pub(crate) const BY_ID: &str =
    "SELECT id, email, name, external_id, created_at, updated_at FROM users WHERE id = $1";
pub(crate) const BY_EXTERNAL_ID: &str =
    "SELECT id, email, name, external_id, created_at, updated_at FROM users WHERE external_id = $1";
pub(crate) const BY_EMAIL: &str =
    "SELECT id, email, name, external_id, created_at, updated_at FROM users WHERE email = $1";
const PAGE: &str = "SELECT id, email, name, external_id, created_at, updated_at FROM users
    WHERE id > $1 ORDER BY id LIMIT $2";
const OF_USER: &str = "DELETE FROM oauth_accounts WHERE user_id = $1
    RETURNING provider, provider_account_id, access_token, refresh_token, metadata AS facts";
const FLOWS_OF_USER: &str = "DELETE FROM evergrant_flows WHERE user_id = $1
    RETURNING provider, access_token, refresh_token, accounts AS facts";
const DELETE_USER: &str = "DELETE FROM users WHERE id = $1";

const INSERT: &str = "INSERT INTO users (email, name, external_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING
    RETURNING id, email, name, external_id, created_at, updated_at";
const INSERT_WITH_ID: &str =
    "INSERT INTO users (id, email, name, external_id, created_at, updated_at)
    VALUES ($5, $1, $2, $3, $4, $4) ON CONFLICT DO NOTHING
    RETURNING id, email, name, external_id, created_at, updated_at";

repository! {
    /// The users of the host application.
    UserRepository
}

impl UserRepository {
    /// The user with this id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = self.database.row(BY_ID, params![id.get()]).await?;
        row.as_ref().map(User::read).transpose()
    }

    /// The user with this external id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_external_id(&self, id: &ExternalId) -> Result<Option<User>, StoreError> {
        let row = self
            .database
            .row(BY_EXTERNAL_ID, params![id.as_str()])
            .await?;
        row.as_ref().map(User::read).transpose()
    }

    /// Up to `limit` users in the order of their ids, after the id `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn page(&self, after: i32, limit: i64) -> Result<Vec<User>, StoreError> {
        let page = Page {
            sql: PAGE,
            fixed: params![],
            after: |after| vec![Value::from(*after)],
            cursor: |row| row.int("id"),
        };
        self.database
            .page(page, after, limit, |rows| USERS.decode(rows))
            .await
    }

    /// Creates a user, or answers the one that has this id, external id or e-mail address,
    /// unchanged.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn create(&self, new: &NewUser, now: Timestamp) -> Result<CreatedUser, StoreError> {
        let mut work = self.database.begin().await?;
        if let Some(user) = existing(&mut work, new).await? {
            return Ok(CreatedUser::Existing(user));
        }
        let (email, name) = (new.email.as_deref(), new.name.as_deref());
        let external_id = new.external_id.as_ref().map(ExternalId::as_str);
        let row = match new.id {
            None => {
                work.row(INSERT, params![email, name, external_id, now])
                    .await?
            }
            Some(id) => {
                work.keep_user_ids_unused(id.get()).await?;
                work.row(
                    INSERT_WITH_ID,
                    params![email, name, external_id, now, id.get()],
                )
                .await?
            }
        };
        if let Some(row) = row {
            work.commit().await?;
            return Ok(CreatedUser::New(User::read(&row)?));
        }
        // Somebody else made it between our look and our insert, or another value of it is taken.
        Ok(existing(&mut work, new)
            .await?
            .map_or(CreatedUser::Taken, CreatedUser::Existing))
    }

    /// Deletes the user with all connections and unfinished flows. For each grant, `plan` takes the
    /// provider and the metadata of the account and answers the revocation to queue. `false` if
    /// there is no such user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete(
        &self,
        user: UserId,
        correlation_id: &CorrelationId,
        at: Timestamp,
        plan: impl Fn(&ProviderSlug, &serde_json::Value) -> Option<NewRevocation>,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(version) = work.raise_version_of_existing(user).await? else {
            return Ok(false);
        };
        let connections = work.rows(OF_USER, params![user.get()]).await?;
        let flows = work.rows(FLOWS_OF_USER, params![user.get()]).await?;
        for row in connections.iter().chain(&flows) {
            queue_grant(&mut work, row, &plan).await?;
        }
        let kind = EventKind::Disconnected;
        let everything = NewEvent {
            user,
            version,
            kind,
            about: About::Everything,
            correlation_id,
            at,
        };
        work.announce(&everything).await?;
        for row in &connections {
            let provider = ProviderSlug::new(row.text("provider")?);
            let account = ProviderAccountId::new(row.text("provider_account_id")?);
            if let (Ok(provider), Ok(account)) = (provider, account) {
                let version = work.raise_version(user).await?;
                let about = About::Account(&provider, &account);
                work.announce(&NewEvent {
                    version,
                    about,
                    ..everything
                })
                .await?;
            }
        }
        let deleted = work.execute(DELETE_USER, params![user.get()]).await? > 0;
        work.commit().await?;
        Ok(deleted)
    }
}

/// The row that `new` names by the first of number, external id and e-mail address that it gives.
async fn existing(work: &mut Work, new: &NewUser) -> Result<Option<User>, StoreError> {
    let row = match (new.id, &new.external_id, &new.email) {
        (Some(id), _, _) => work.row(BY_ID, params![id.get()]).await?,
        (None, Some(external_id), _) => {
            work.row(BY_EXTERNAL_ID, params![external_id.as_str()])
                .await?
        }
        (None, None, Some(email)) => work.row(BY_EMAIL, params![email.as_str()]).await?,
        (None, None, None) => None,
    };
    row.as_ref().map(User::read).transpose()
}

/// Queues the tokens of a row that is gone, where it held any and `plan` knows what to do with
/// them.
async fn queue_grant(
    work: &mut Work,
    row: &Record,
    plan: &impl Fn(&ProviderSlug, &serde_json::Value) -> Option<NewRevocation>,
) -> Result<(), StoreError> {
    let (access, refresh) = (
        row.optional_text("access_token")?,
        row.optional_text("refresh_token")?,
    );
    if access.is_none() && refresh.is_none() {
        return Ok(());
    }
    let facts = row.json("facts").unwrap_or_default();
    let new = ProviderSlug::new(row.text("provider")?)
        .ok()
        .and_then(|provider| plan(&provider, &facts));
    let Some(new) = new else { return Ok(()) };
    work.queue_revocation(&new, access.as_deref(), refresh.as_deref())
        .await
}
