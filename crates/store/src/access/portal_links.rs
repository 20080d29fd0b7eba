//! Portal links: addresses that open the console as a user, once. Only the hash of the secret half
//! is stored.

use evergrant_model::{Timestamp, UserId};

use crate::StoreError;
use crate::access::sessions::SessionRepository;
use crate::db::value::params;

/// A link about to be stored.
#[derive(Debug)]
pub struct NewPortalLink<'a> {
    /// Its public half.
    pub id: &'a str,
    /// As whom it opens the console.
    pub user: UserId,
    /// The hash of its secret half.
    pub secret_hash: &'a [u8],
    /// When it ends.
    pub expires_at: Timestamp,
}

const INSERT: &str = "INSERT INTO evergrant_portal_links (id, user_id, secret_hash, expires_at) VALUES ($1, $2, $3, $4)";
const USE: &str =
    "DELETE FROM evergrant_portal_links WHERE id = $1 AND secret_hash = $2 AND expires_at > $3
    RETURNING user_id";

impl SessionRepository {
    /// Inserts a portal link.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the user is gone, others if the query fails.
    pub async fn insert_portal_link(&self, new: &NewPortalLink<'_>) -> Result<(), StoreError> {
        let params = params![new.id, new.user.get(), new.secret_hash, new.expires_at];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// Consumes a portal link; answers the user as whom it opens the console, `None` if it is
    /// unknown, used or expired. Of several concurrent calls one succeeds.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn consume_portal_link(
        &self,
        id: &str,
        secret_hash: &[u8],
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(row) = work.row(USE, params![id, secret_hash, now]).await? else {
            return Ok(None);
        };
        work.commit().await?;
        let user = UserId::try_from(i64::from(row.int("user_id")?));
        user.map(Some)
            .map_err(|_| StoreError::Inconsistent("evergrant_portal_links.user_id"))
    }
}
