//! Portal links: URLs that sign a user in to the console, once. Only the hash of the secret half is
//! stored.

use evergrant_model::{Timestamp, UserId};

use crate::StoreError;
use crate::access::sessions::SessionRepository;
use crate::db::value::params;

/// A portal link to insert.
#[derive(Debug)]
pub struct NewPortalLink<'a> {
    /// The public half.
    pub id: &'a str,
    /// The user whom it signs in.
    pub user: UserId,
    /// The hash of the secret half.
    pub secret_hash: &'a [u8],
    /// Time at which the link expires.
    pub expires_at: Timestamp,
}

const INSERT: &str = "INSERT INTO evergrant_portal_links (id, user_id, secret_hash, expires_at)
    VALUES ($1, $2, $3, $4)";
const CONSUME: &str =
    "DELETE FROM evergrant_portal_links WHERE id = $1 AND secret_hash = $2 AND expires_at > $3
    RETURNING user_id";

impl SessionRepository {
    /// Inserts a portal link.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the user does not exist, other variants if the query fails.
    pub async fn insert_portal_link(&self, new: &NewPortalLink<'_>) -> Result<(), StoreError> {
        let params = params![new.id, new.user.get(), new.secret_hash, new.expires_at];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// Consumes a portal link. Returns the user whom it signs in; `None` if the link does not
    /// exist, was used, or has expired. Of several concurrent calls, one succeeds.
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
        let mut tx = self.database.begin().await?;
        let Some(row) = tx.row(CONSUME, params![id, secret_hash, now]).await? else {
            return Ok(None);
        };
        tx.commit().await?;
        let user = UserId::try_from(i64::from(row.int("user_id")?));
        user.map(Some)
            .map_err(|_| StoreError::Inconsistent("evergrant_portal_links.user_id"))
    }
}
