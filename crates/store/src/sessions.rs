//! Sessions: what a user's browser presents, be it a token or the console's cookie. Only the hash of the secret half is
//! stored.

use evergrant_model::{SessionId, Timestamp, UserId};

use crate::database::params;
use crate::{Store, StoreError};

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

const INSERT: &str = "INSERT INTO evergrant_sessions (id, user_id, secret_hash, created_at, expires_at, idle_until)
    VALUES ($1, $2, $3, $4, $5, $6)";
const ONE: &str = "SELECT id, user_id, secret_hash, expires_at, idle_until FROM evergrant_sessions WHERE id = $1";

impl Store {
    /// Begins a session.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] where the user is gone, others where the database fails.
    pub async fn insert_session(&self, new: &NewSession<'_>) -> Result<(), StoreError> {
        let (id, user, hash) = (new.id.as_str(), new.user.get(), new.secret_hash);
        let params = params![id, user, hash, new.created_at, new.expires_at, new.idle_until];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// The session with this public half.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let Some(row) = self.database.row(ONE, params![id.as_str()]).await? else { return Ok(None) };
        let user = UserId::try_from(i64::from(row.int("user_id")?));
        Ok(Some(Session {
            id: id.clone(),
            user: user.map_err(|_| StoreError::Inconsistent("evergrant_sessions.user_id"))?,
            secret_hash: row.bytes("secret_hash")?,
            expires_at: row.time("expires_at")?,
            idle_until: row.optional_time("idle_until")?,
        }))
    }

    /// Notes that a session is in use: it ends idle at `until`, and not before. A token has no such end.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn keep_session(&self, id: &SessionId, until: Timestamp) -> Result<(), StoreError> {
        const KEEP: &str = "UPDATE evergrant_sessions SET idle_until = $2 WHERE id = $1 AND idle_until < $2";
        self.database.execute(KEEP, params![id.as_str(), until]).await.map(drop)
    }

    /// Ends one session; `false` where there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn delete_session(&self, id: &SessionId, now: Timestamp) -> Result<bool, StoreError> {
        const DELETE: &str = "DELETE FROM evergrant_sessions WHERE id = $1";
        let mut work = self.database.begin().await?;
        let deleted = work.execute(DELETE, params![id.as_str()]).await? > 0;
        if deleted {
            work.announce_end_of(None, Some(id.as_str()), now).await?;
            work.commit().await?;
        }
        Ok(deleted)
    }

    /// Ends all sessions of a user; how many there were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn delete_sessions_of(&self, user: UserId, now: Timestamp) -> Result<u64, StoreError> {
        const DELETE: &str = "DELETE FROM evergrant_sessions WHERE user_id = $1";
        let mut work = self.database.begin().await?;
        let deleted = work.execute(DELETE, params![user.get()]).await?;
        if deleted > 0 {
            work.announce_end_of(Some(user), None, now).await?;
            work.commit().await?;
        }
        Ok(deleted)
    }

    /// Forgets sessions and portal links that ended before `moment`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn sweep_sessions(&self, moment: Timestamp) -> Result<u64, StoreError> {
        const SWEEP: &str = "DELETE FROM evergrant_sessions WHERE expires_at < $1 OR idle_until < $1";
        self.database.execute("DELETE FROM evergrant_portal_links WHERE expires_at < $1", params![moment]).await?;
        self.database.execute(SWEEP, params![moment]).await
    }
}
