//! Sessions: what a user's browser presents, be it a token or the console's cookie. Only the hash
//! of the secret half is stored.

use evergrant_model::{SessionId, Timestamp, UserId};

use crate::StoreError;
use crate::db::repository::repository;
use crate::db::value::params;

/// A stored session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its public half.
    pub id: SessionId,
    /// Whose browser it is.
    pub user: UserId,
    /// The hash of its secret half.
    pub secret_hash: Vec<u8>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it ends unless it is used; `None` for a token, which ends at its time alone.
    pub idle_until: Option<Timestamp>,
}

/// A session about to be stored.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Its public half.
    pub id: &'a SessionId,
    /// Whose browser it is.
    pub user: UserId,
    /// The hash of its secret half.
    pub secret_hash: &'a [u8],
    /// Now.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it ends unless it is used; `None` for a token.
    pub idle_until: Option<Timestamp>,
}

const INSERT: &str =
    "INSERT INTO evergrant_sessions (id, user_id, secret_hash, created_at, expires_at, idle_until)
    VALUES ($1, $2, $3, $4, $5, $6)";
const ONE: &str =
    "SELECT id, user_id, secret_hash, expires_at, idle_until FROM evergrant_sessions WHERE id = $1";

repository! {
    /// Browser sessions, and the portal links that open them.
    SessionRepository
}

impl SessionRepository {
    /// Inserts a session.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the user is gone, others if the query fails.
    pub async fn insert(&self, new: &NewSession<'_>) -> Result<(), StoreError> {
        let (id, user, hash) = (new.id.as_str(), new.user.get(), new.secret_hash);
        let params = params![
            id,
            user,
            hash,
            new.created_at,
            new.expires_at,
            new.idle_until
        ];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// The session with this id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let Some(row) = self.database.row(ONE, params![id.as_str()]).await? else {
            return Ok(None);
        };
        let user = UserId::try_from(i64::from(row.int("user_id")?));
        Ok(Some(Session {
            id: id.clone(),
            user: user.map_err(|_| StoreError::Inconsistent("evergrant_sessions.user_id"))?,
            secret_hash: row.bytes("secret_hash")?,
            expires_at: row.time("expires_at")?,
            idle_until: row.optional_time("idle_until")?,
        }))
    }

    /// Extends the idle time-out of a session to `until`. A token has no idle time-out.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn extend(&self, id: &SessionId, until: Timestamp) -> Result<(), StoreError> {
        const KEEP: &str =
            "UPDATE evergrant_sessions SET idle_until = $2 WHERE id = $1 AND idle_until < $2";
        self.database
            .execute(KEEP, params![id.as_str(), until])
            .await
            .map(drop)
    }

    /// Deletes one session; `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete(&self, id: &SessionId, now: Timestamp) -> Result<bool, StoreError> {
        const DELETE: &str = "DELETE FROM evergrant_sessions WHERE id = $1";
        let mut work = self.database.begin().await?;
        let deleted = work.execute(DELETE, params![id.as_str()]).await? > 0;
        if deleted {
            work.announce_end_of(None, Some(id.as_str()), now).await?;
            work.commit().await?;
        }
        Ok(deleted)
    }

    /// Deletes all sessions of a user; answers how many there were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete_of_user(&self, user: UserId, now: Timestamp) -> Result<u64, StoreError> {
        const DELETE: &str = "DELETE FROM evergrant_sessions WHERE user_id = $1";
        let mut work = self.database.begin().await?;
        let deleted = work.execute(DELETE, params![user.get()]).await?;
        if deleted > 0 {
            work.announce_end_of(Some(user), None, now).await?;
            work.commit().await?;
        }
        Ok(deleted)
    }

    /// Deletes sessions and portal links that ended before `moment`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete_expired(&self, moment: Timestamp) -> Result<u64, StoreError> {
        const DELETE: &str =
            "DELETE FROM evergrant_sessions WHERE expires_at < $1 OR idle_until < $1";
        self.database
            .execute(
                "DELETE FROM evergrant_portal_links WHERE expires_at < $1",
                params![moment],
            )
            .await?;
        self.database.execute(DELETE, params![moment]).await
    }
}
