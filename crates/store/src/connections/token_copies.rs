//! Copies of the tokens that Evergrant last stored, and digests of the tokens that it has replaced.
//!
//! An application that writes back a whole row that it read earlier puts a spent refresh token
//! back. Sending it could end the grant, so the row is repaired from the copy.

use std::fmt;

use evergrant_encryption::EncryptedToken;
use evergrant_model::{ConnectionId, Timestamp};

use crate::StoreError;
use crate::connections::lock::lock;
use crate::connections::row::Connection;
use crate::connections::tokens::StoredTokens;
use crate::db::transaction::Transaction;
use crate::db::value::{Record, params};

/// Identifies a grant's token: SHA-256 of the plaintext, as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDigest(String);

impl TokenDigest {
    /// Wraps a digest.
    #[must_use]
    pub fn new(digits: String) -> Self {
        Self(digits)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Computes digests of stored tokens. The store has no encryption keys.
pub trait TokenDigests: Send + Sync {
    /// Returns the digest of the token that the next refresh sends: the refresh token, or the
    /// access token if there is no refresh token. `None` if there is neither, or no key decrypts
    /// it.
    fn digest_of(&self, tokens: &StoredTokens) -> Option<TokenDigest>;
}

impl fmt::Debug for dyn TokenDigests + '_ {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenDigests")
    }
}

/// The tokens of a connection as Evergrant last stored or imported them.
#[derive(Debug, Clone)]
pub struct TokenCopy {
    /// The connection.
    pub id: ConnectionId,
    /// The access token.
    pub access: Option<EncryptedToken>,
    /// The refresh token.
    pub refresh: Option<EncryptedToken>,
    current: Option<TokenDigest>,
    spent: Vec<TokenDigest>,
}

impl TokenCopy {
    /// Returns whether Evergrant has replaced the token with this digest by a newer one.
    #[must_use]
    pub fn is_spent(&self, digest: &TokenDigest) -> bool {
        self.current.as_ref() != Some(digest) && self.spent.contains(digest)
    }

    /// Returns whether this is the digest of the copied tokens or of some that they replaced.
    fn is_known(&self, digest: &TokenDigest) -> bool {
        self.current.as_ref() == Some(digest) || self.spent.contains(digest)
    }

    pub(crate) fn read(row: &Record) -> Result<Self, StoreError> {
        let text = |column| row.optional_text(column);
        let spent = text("spent_digests")?.unwrap_or_default();
        let digest = |digits: &str| TokenDigest(digits.to_owned());
        Ok(Self {
            id: ConnectionId::new(row.int("id")?),
            access: text("access_token")?.map(EncryptedToken::from_stored),
            refresh: text("refresh_token")?.map(EncryptedToken::from_stored),
            current: text("digest")?.map(TokenDigest),
            spent: spent.split_whitespace().map(digest).collect(),
        })
    }
}

/// A query of copies, of the connections that `$filter` selects.
macro_rules! copies {
    ($filter:literal) => {
        concat!(
            "SELECT oauth_account_id AS id, access_token, refresh_token, digest, spent_digests
            FROM evergrant_token_copies WHERE oauth_account_id ",
            $filter
        )
    };
}
pub(crate) use copies;

const COPY: &str = copies!("= $1");
/// Copies the stored tokens of one connection. Copied ones that they replace are spent. Keeps three
/// spent digests of 64 digits.
const KEEP: &str = "INSERT INTO evergrant_token_copies AS kept (oauth_account_id, access_token,
        refresh_token, expires_at, token_type, scope, digest)
    SELECT a.id, a.access_token, a.refresh_token, a.expires_at, a.token_type, a.scope, $2
    FROM oauth_accounts a WHERE a.id = $1
    ON CONFLICT (oauth_account_id) DO UPDATE SET access_token = excluded.access_token,
        refresh_token = excluded.refresh_token, expires_at = excluded.expires_at,
        token_type = excluded.token_type, scope = excluded.scope, digest = excluded.digest,
        spent_digests = CASE WHEN excluded.digest <> kept.digest
            THEN substr(kept.digest || ' ' || COALESCE(kept.spent_digests, ''), 1, 194)
            ELSE kept.spent_digests END";
const RESTORE: &str = "UPDATE oauth_accounts SET access_token = kept.access_token,
        refresh_token = kept.refresh_token, expires_at = kept.expires_at,
        token_type = kept.token_type, scope = kept.scope, updated_at = $2
    FROM evergrant_token_copies kept
    WHERE oauth_accounts.id = $1 AND kept.oauth_account_id = oauth_accounts.id";
const RESTORE_REFRESH: &str = "UPDATE oauth_accounts SET refresh_token = kept.refresh_token
    FROM evergrant_token_copies kept
    WHERE oauth_accounts.id = $1 AND kept.oauth_account_id = oauth_accounts.id";
impl Transaction {
    /// Copies the tokens that this transaction has stored. `digest` is theirs.
    pub(crate) async fn keep_copy(
        &mut self,
        id: ConnectionId,
        digest: Option<&TokenDigest>,
    ) -> Result<(), StoreError> {
        let digest = digest.map(TokenDigest::as_str);
        self.execute(KEEP, params![id.get(), digest])
            .await
            .map(drop)
    }

    /// Returns the locked row with the tokens that Evergrant last stored or imported. Restores them
    /// if another program has written the same ones or some that they replaced. `None` if another
    /// program has written a grant of its own.
    pub(crate) async fn own_tokens(
        &mut self,
        row: Connection,
        digests: &dyn TokenDigests,
        at: Timestamp,
    ) -> Result<Option<Connection>, StoreError> {
        if !row.has_external_tokens {
            return Ok(Some(row));
        }
        let Some(digest) = digests.digest_of(&row.tokens) else {
            return Ok(None);
        };
        let copy = self.token_copy(row.id).await?;
        if copy.is_none_or(|copy| !copy.is_known(&digest)) {
            return Ok(None);
        }
        self.restore(&row, at).await
    }

    /// Replaces a refresh token that a consent has kept, if it is spent. Returns the refresh token
    /// that is stored then.
    pub(crate) async fn restore_kept_refresh(
        &mut self,
        id: ConnectionId,
        kept: StoredTokens,
        digests: &dyn TokenDigests,
    ) -> Result<StoredTokens, StoreError> {
        let copy = self.token_copy(id).await?;
        let digest = digests.digest_of(&kept);
        let is_spent = |copy: &TokenCopy| digest.is_some_and(|digest| copy.is_spent(&digest));
        let Some(copy) = copy.filter(is_spent) else {
            return Ok(kept);
        };
        self.execute(RESTORE_REFRESH, params![id.get()]).await?;
        Ok(StoredTokens {
            refresh: copy.refresh,
            ..kept
        })
    }

    async fn token_copy(&mut self, id: ConnectionId) -> Result<Option<TokenCopy>, StoreError> {
        let copy = self.row(COPY, params![id.get()]).await?;
        copy.as_ref().map(TokenCopy::read).transpose()
    }

    /// Replaces the tokens of a locked row by their copy. Returns the row; `None` without a copy.
    pub(crate) async fn restore(
        &mut self,
        row: &Connection,
        at: Timestamp,
    ) -> Result<Option<Connection>, StoreError> {
        if self.execute(RESTORE, params![row.id.get(), at]).await? == 0 {
            return Ok(None);
        }
        lock(self, row.id).await
    }
}
