//! `users`: the people of the host application.

use evergrant_model::{ExternalId, Timestamp, UserId};

use crate::database::{Record, Work, params};
use crate::{Store, StoreError};

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

impl User {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId::try_from(i64::from(row.int("id")?)).map_err(|_| StoreError::Inconsistent("users.id"))?,
            email: row.optional_text("email")?,
            name: row.optional_text("name")?,
            external_id: row.optional_text("external_id")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

pub(crate) const BY_ID: &str = "SELECT id, email, name, external_id, created_at, updated_at FROM users WHERE id = $1";
pub(crate) const BY_EXTERNAL_ID: &str =
    "SELECT id, email, name, external_id, created_at, updated_at FROM users WHERE external_id = $1";
pub(crate) const BY_EMAIL: &str =
    "SELECT id, email, name, external_id, created_at, updated_at FROM users WHERE email = $1";
const PAGE: &str = "SELECT id, email, name, external_id, created_at, updated_at FROM users
    WHERE id > $1 ORDER BY id LIMIT $2";
const INSERT: &str = "INSERT INTO users (email, name, external_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING
    RETURNING id, email, name, external_id, created_at, updated_at";
const INSERT_WITH_ID: &str = "INSERT INTO users (id, email, name, external_id, created_at, updated_at)
    VALUES ($5, $1, $2, $3, $4, $4) ON CONFLICT DO NOTHING
    RETURNING id, email, name, external_id, created_at, updated_at";

impl Store {
    /// The user with this number.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = self.database.row(BY_ID, params![id.get()]).await?;
        row.as_ref().map(User::read).transpose()
    }

    /// The user whom the app knows by this id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn user_by_external_id(&self, id: &ExternalId) -> Result<Option<User>, StoreError> {
        let row = self.database.row(BY_EXTERNAL_ID, params![id.as_str()]).await?;
        row.as_ref().map(User::read).transpose()
    }

    /// Up to `limit` users in the order of their numbers, after the number `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn users(&self, after: i32, limit: i64) -> Result<Vec<User>, StoreError> {
        let rows = self.database.rows(PAGE, params![after, limit]).await?;
        rows.iter().map(User::read).collect()
    }

    /// Makes a user, or answers the one that has this number, external id or e-mail address, unchanged.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn create_user(&self, new: &NewUser, now: Timestamp) -> Result<CreatedUser, StoreError> {
        let mut work = self.database.begin().await?;
        if let Some(user) = existing(&mut work, new).await? {
            return Ok(CreatedUser::Existing(user));
        }
        let (email, name) = (new.email.as_deref(), new.name.as_deref());
        let external_id = new.external_id.as_ref().map(ExternalId::as_str);
        let row = match new.id {
            None => work.row(INSERT, params![email, name, external_id, now]).await?,
            Some(id) => {
                work.keep_user_ids_unused(id.get()).await?;
                work.row(INSERT_WITH_ID, params![email, name, external_id, now, id.get()]).await?
            }
        };
        if let Some(row) = row {
            work.commit().await?;
            return Ok(CreatedUser::New(User::read(&row)?));
        }
        // Somebody else made it between our look and our insert, or another value of it is taken.
        Ok(existing(&mut work, new).await?.map_or(CreatedUser::Taken, CreatedUser::Existing))
    }
}

/// The row that `new` names by the first of number, external id and e-mail address that it gives.
async fn existing(work: &mut Work, new: &NewUser) -> Result<Option<User>, StoreError> {
    let row = match (new.id, &new.external_id, &new.email) {
        (Some(id), _, _) => work.row(BY_ID, params![id.get()]).await?,
        (None, Some(external_id), _) => work.row(BY_EXTERNAL_ID, params![external_id.as_str()]).await?,
        (None, None, Some(email)) => work.row(BY_EMAIL, params![email.as_str()]).await?,
        (None, None, None) => None,
    };
    row.as_ref().map(User::read).transpose()
}
