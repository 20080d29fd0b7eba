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
    /// The app's page to which the console leads back; `None` for none.
    pub return_url: Option<&'a str>,
}

/// A consumed portal link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalLink {
    /// The user whom it signs in.
    pub user: UserId,
    /// The app's page to which the console leads back; `None` for none.
    pub return_url: Option<String>,
}

const INSERT: &str = "INSERT INTO evergrant_portal_links
        (id, user_id, secret_hash, expires_at, return_url)
    VALUES ($1, $2, $3, $4, $5)";
const CONSUME: &str =
    "DELETE FROM evergrant_portal_links WHERE id = $1 AND secret_hash = $2 AND expires_at > $3
    RETURNING user_id, return_url";

impl SessionRepository {
    /// Inserts a portal link.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the user does not exist, other variants if the query fails.
    pub async fn insert_portal_link(&self, new: &NewPortalLink<'_>) -> Result<(), StoreError> {
        let params = params![
            new.id,
            new.user.get(),
            new.secret_hash,
            new.expires_at,
            new.return_url
        ];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// Consumes and returns a portal link; `None` if the link does not exist, was used, or has
    /// expired. Of several concurrent calls, one succeeds.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn consume_portal_link(
        &self,
        id: &str,
        secret_hash: &[u8],
        now: Timestamp,
    ) -> Result<Option<PortalLink>, StoreError> {
        let mut tx = self.database.begin().await?;
        let Some(row) = tx.row(CONSUME, params![id, secret_hash, now]).await? else {
            return Ok(None);
        };
        tx.commit().await?;
        let user = UserId::try_from(i64::from(row.int("user_id")?));
        Ok(Some(PortalLink {
            user: user.map_err(|_| StoreError::Inconsistent("evergrant_portal_links.user_id"))?,
            return_url: row.optional_text("return_url")?,
        }))
    }
}
