//! Sessions of users' browsers: session tokens and the console's cookies. Only the hash of the
//! secret half is stored.

use evergrant_model::{SessionId, Timestamp, UserId};

use crate::StoreError;
use crate::db::repository::repository;
use crate::db::value::params;

/// A stored session.
#[derive(Debug, Clone)]
pub struct Session {
    /// The public half.
    pub id: SessionId,
    /// The user who is signed in.
    pub user: UserId,
    /// The hash of the secret half.
    pub secret_hash: Vec<u8>,
    /// Time at which the session expires regardless of use.
    pub expires_at: Timestamp,
    /// Time at which the session expires if it is not used; `None` for a session token, which has
    /// no idle timeout.
    pub idle_expires_at: Option<Timestamp>,
    /// The app's page to which the console leads back; `None` for none.
    pub return_url: Option<String>,
}

/// A session to insert.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// The public half.
    pub id: &'a SessionId,
    /// The user who is signed in.
    pub user: UserId,
    /// The hash of the secret half.
    pub secret_hash: &'a [u8],
    /// The current time.
    pub created_at: Timestamp,
    /// Time at which the session expires regardless of use.
    pub expires_at: Timestamp,
    /// Time at which the session expires if it is not used; `None` for a session token, which has
    /// no idle timeout.
    pub idle_expires_at: Option<Timestamp>,
    /// The app's page to which the console leads back; `None` for none.
    pub return_url: Option<&'a str>,
}

const INSERT: &str = "INSERT INTO evergrant_sessions
        (id, user_id, secret_hash, created_at, expires_at, idle_expires_at, return_url)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const BY_ID: &str = "SELECT s.id, s.user_id, s.secret_hash, s.expires_at, s.idle_expires_at,
        s.return_url
    FROM evergrant_sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1";

repository! {
    /// Sessions of users' browsers, and the portal links that start them.
    SessionRepository
}

impl SessionRepository {
    /// Inserts a session.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the user does not exist, other variants if the query fails.
    pub async fn insert(&self, new: &NewSession<'_>) -> Result<(), StoreError> {
        let (id, user, hash) = (new.id.as_str(), new.user.get(), new.secret_hash);
        let params = params![
            id,
            user,
            hash,
            new.created_at,
            new.expires_at,
            new.idle_expires_at,
            new.return_url
        ];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// Returns the session with this id, expired or not. `None` also if its user does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let Some(row) = self.database.row(BY_ID, params![id.as_str()]).await? else {
            return Ok(None);
        };
        let user = UserId::try_from(i64::from(row.int("user_id")?));
        Ok(Some(Session {
            id: id.clone(),
            user: user.map_err(|_| StoreError::Inconsistent("evergrant_sessions.user_id"))?,
            secret_hash: row.bytes("secret_hash")?,
            expires_at: row.time("expires_at")?,
            idle_expires_at: row.optional_time("idle_expires_at")?,
            return_url: row.optional_text("return_url")?,
        }))
    }

    /// Extends the idle timeout of a console session to `until`. Does nothing for a session token,
    /// or if the timeout is already later.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn extend(&self, id: &SessionId, until: Timestamp) -> Result<(), StoreError> {
        const EXTEND: &str = "UPDATE evergrant_sessions SET idle_expires_at = $2
            WHERE id = $1 AND idle_expires_at < $2";
        self.database
            .execute(EXTEND, params![id.as_str(), until])
            .await
            .map(drop)
    }

    /// Deletes a session and writes the event of its end. Returns `false` if there is no such
    /// session.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete(&self, id: &SessionId, now: Timestamp) -> Result<bool, StoreError> {
        const DELETE: &str = "DELETE FROM evergrant_sessions WHERE id = $1";
        let mut tx = self.database.begin().await?;
        let deleted = tx.execute(DELETE, params![id.as_str()]).await? > 0;
        if deleted {
            tx.write_credential_ended(None, Some(id.as_str()), now)
                .await?;
            tx.commit().await?;
        }
        Ok(deleted)
    }

    /// Deletes all sessions of a user and writes the event of their end. Returns how many there
    /// were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete_of_user(&self, user: UserId, now: Timestamp) -> Result<u64, StoreError> {
        const DELETE: &str = "DELETE FROM evergrant_sessions WHERE user_id = $1";
        let mut tx = self.database.begin().await?;
        let deleted = tx.execute(DELETE, params![user.get()]).await?;
        if deleted > 0 {
            tx.write_credential_ended(Some(user), None, now).await?;
            tx.commit().await?;
        }
        Ok(deleted)
    }

    /// Deletes the sessions and portal links that expired before `moment`. Returns the number of
    /// sessions.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete_expired(&self, moment: Timestamp) -> Result<u64, StoreError> {
        const SESSIONS: &str =
            "DELETE FROM evergrant_sessions WHERE expires_at < $1 OR idle_expires_at < $1";
        const LINKS: &str = "DELETE FROM evergrant_portal_links WHERE expires_at < $1";
        self.database.execute(LINKS, params![moment]).await?;
        self.database.execute(SESSIONS, params![moment]).await
    }
}
