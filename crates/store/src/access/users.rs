//! Users of the host application: the table `users`.

use evergrant_model::{
    CorrelationId, EventKind, ExternalId, ProviderAccountId, ProviderSlug, Timestamp, UserId,
};

use crate::StoreError;
use crate::connections::revocations::NewRevocation;
use crate::db::decode::{Decoder, Page};
use crate::db::repository::repository;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, Value, params};
use crate::events::new_event::{About, NewEvent};

/// A stored user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Evergrant's id.
    pub id: UserId,
    /// E-mail address; unique. `None` if unknown.
    pub email: Option<String>,
    /// Name; `None` if unknown.
    pub name: Option<String>,
    /// The host application's id; unique. `None` if it has none.
    pub external_id: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change of the row.
    pub updated_at: Timestamp,
}

/// A user to create. All fields are optional.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// An id chosen by the host application; `None` to have one generated.
    pub id: Option<UserId>,
    /// E-mail address; unique. `None` if unknown.
    pub email: Option<String>,
    /// Name; `None` if unknown.
    pub name: Option<String>,
    /// The host application's id; unique. `None` if it has none.
    pub external_id: Option<ExternalId>,
}

/// The result of creating a user.
#[derive(Debug, Clone)]
pub enum CreatedUser {
    /// The user was created.
    New(User),
    /// The user exists and was not changed.
    Existing(User),
    /// No user has this id, but the e-mail address or external id belongs to another user.
    Taken,
    /// The table of the host application requires a value in this column, `email` or `name`, which
    /// the new user lacks. Nothing was stored.
    Incomplete(&'static str),
}

impl CreatedUser {
    /// Returns the created or existing user; `None` for [`Taken`](Self::Taken) and
    /// [`Incomplete`](Self::Incomplete).
    #[must_use]
    pub fn into_user(self) -> Option<User> {
        match self {
            Self::New(user) | Self::Existing(user) => Some(user),
            Self::Taken | Self::Incomplete(_) => None,
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
/// Columns that a new user may lack, unless the app's table requires them.
const OPTIONAL: [&str; 2] = ["email", "name"];

const PAGE: &str = "SELECT id, email, name, external_id, created_at, updated_at FROM users
    WHERE id > $1 ORDER BY id LIMIT $2";
const DELETE_CONNECTIONS: &str = "DELETE FROM oauth_accounts WHERE user_id = $1
    RETURNING provider, provider_account_id, access_token, refresh_token, metadata";
const DELETE_FLOWS: &str = "DELETE FROM evergrant_flows WHERE user_id = $1
    RETURNING provider, access_token, refresh_token, granted_accounts AS metadata";
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
    /// Returns the user with this id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = self.database.row(BY_ID, params![id.get()]).await?;
        row.as_ref().map(User::read).transpose()
    }

    /// Returns the user with this external id.
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

    /// Returns up to `limit` users with ids above `after`, ordered by id.
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

    /// Creates a user, unless one with the same id, external id or e-mail address exists. Only the
    /// first of these that `new` has is compared.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails, or no id is left to generate.
    pub async fn create(&self, new: &NewUser, now: Timestamp) -> Result<CreatedUser, StoreError> {
        let mut tx = self.database.begin_own_write().await?;
        if let Some(user) = existing(&mut tx, new).await? {
            return Ok(CreatedUser::Existing(user));
        }
        match insert(&mut tx, new, now).await {
            Ok(Some(row)) => {
                tx.commit().await?;
                return Ok(CreatedUser::New(User::read(&row)?));
            }
            Ok(None) => {}
            Err(error) => {
                let missing = error.required_column();
                let column = OPTIONAL
                    .into_iter()
                    .find(|name| missing.as_deref() == Some(name));
                return column.map(CreatedUser::Incomplete).ok_or(error);
            }
        }
        // Another transaction inserted the user after the lookup, or a unique value is taken.
        Ok(existing(&mut tx, new)
            .await?
            .map_or(CreatedUser::Taken, CreatedUser::Existing))
    }

    /// Deletes the user with all connections and unfinished flows. For each grant among them,
    /// `plan` receives the provider and the metadata of the account (for a flow, the list of its
    /// accounts), and returns the revocation to queue. Returns `false` if the user does not exist.
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
        let mut tx = self.database.begin_own_write().await?;
        let Some(version) = tx.increment_version_if_user_exists(user).await? else {
            return Ok(false);
        };
        tx.delete_copies_of(user.get()).await?;
        let connections = tx.rows(DELETE_CONNECTIONS, params![user.get()]).await?;
        let flows = tx.rows(DELETE_FLOWS, params![user.get()]).await?;
        for row in connections.iter().chain(&flows) {
            queue_revocation(&mut tx, row, &plan).await?;
        }
        let deletion = NewEvent {
            user,
            version,
            kind: EventKind::Disconnected,
            about: About::Everything,
            correlation_id,
            at,
        };
        write_deletion_events(&mut tx, &deletion, &connections).await?;
        let deleted = tx.execute(DELETE_USER, params![user.get()]).await? > 0;
        tx.commit().await?;
        Ok(deleted)
    }
}

/// Inserts a user. Returns `None` if the id or a unique value is taken.
async fn insert(
    tx: &mut Transaction,
    new: &NewUser,
    now: Timestamp,
) -> Result<Option<Record>, StoreError> {
    let Some(id) = new.id else {
        return insert_with_generated_id(tx, new, now).await;
    };
    let end = tx.prepare_user_id(id.get()).await?;
    let row = insert_with_id(tx, new, id.get(), now).await?;
    tx.restore_user_ids(end).await?;
    Ok(row)
}

/// Inserts a user with this id. Returns `None` if the id or a unique value is taken.
async fn insert_with_id(
    tx: &mut Transaction,
    new: &NewUser,
    id: i32,
    now: Timestamp,
) -> Result<Option<Record>, StoreError> {
    let (email, name) = (new.email.as_deref(), new.name.as_deref());
    let external_id = new.external_id.as_ref().map(ExternalId::as_str);
    tx.row(INSERT_WITH_ID, params![email, name, external_id, now, id])
        .await
}

/// Inserts a user with a generated id. Returns `None` if a unique value is taken.
///
/// On PostgreSQL, the default of the column generates the id. Only if another row has that id or a
/// unique value, the next free id is looked up. SQLite's default is always above the largest id of
/// the table.
async fn insert_with_generated_id(
    tx: &mut Transaction,
    new: &NewUser,
    now: Timestamp,
) -> Result<Option<Record>, StoreError> {
    if tx.is_postgres() {
        let (email, name) = (new.email.as_deref(), new.name.as_deref());
        let external_id = new.external_id.as_ref().map(ExternalId::as_str);
        let row = tx
            .row(INSERT, params![email, name, external_id, now])
            .await?;
        if row.is_some() {
            return Ok(row);
        }
    }
    let id = tx.next_user_id().await?;
    insert_with_id(tx, new, id, now).await
}

/// Returns the user that `new` identifies by its id, else by its external id, else by its e-mail
/// address.
async fn existing(tx: &mut Transaction, new: &NewUser) -> Result<Option<User>, StoreError> {
    let row = match (new.id, &new.external_id, &new.email) {
        (Some(id), _, _) => tx.row(BY_ID, params![id.get()]).await?,
        (None, Some(external_id), _) => {
            tx.row(BY_EXTERNAL_ID, params![external_id.as_str()])
                .await?
        }
        (None, None, Some(email)) => tx.row(BY_EMAIL, params![email.as_str()]).await?,
        (None, None, None) => None,
    };
    row.as_ref().map(User::read).transpose()
}

/// Writes the event of the whole deletion, and one for each deleted connection.
async fn write_deletion_events(
    tx: &mut Transaction,
    deletion: &NewEvent<'_>,
    connections: &[Record],
) -> Result<(), StoreError> {
    tx.write_event(deletion).await?;
    for row in connections {
        let provider = ProviderSlug::new(row.text("provider")?);
        let account = ProviderAccountId::new(row.text("provider_account_id")?);
        if let (Ok(provider), Ok(account)) = (provider, account) {
            let event = NewEvent {
                version: tx.increment_version(deletion.user).await?,
                about: About::Account(&provider, &account),
                ..*deletion
            };
            tx.write_event(&event).await?;
        }
    }
    Ok(())
}

/// Queues the revocation of the tokens of a deleted row, if it has any and `plan` returns one.
async fn queue_revocation(
    tx: &mut Transaction,
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
    let metadata = row.json("metadata").unwrap_or_default();
    let new = ProviderSlug::new(row.text("provider")?)
        .ok()
        .and_then(|provider| plan(&provider, &metadata));
    let Some(new) = new else { return Ok(()) };
    tx.queue_revocation(&new, access.as_deref(), refresh.as_deref())
        .await
}
