//! Copies of the tokens that Evergrant last stored, and digests of the tokens that it has replaced.
//!
//! An application that writes back a whole row that it read earlier puts a spent refresh token
//! back. Sending it could end the grant, so the row is repaired from the copy. A copy outlives its
//! row; see [`deleted_copies`](crate::connections::deleted_copies).

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
    /// The access token; `None` if there is none, or the user has disconnected the account.
    pub access: Option<EncryptedToken>,
    /// The refresh token; `None` if there is none, or the user has disconnected the account.
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

    /// Returns whether this is the digest of the copied tokens.
    #[must_use]
    pub fn is_current(&self, digest: &TokenDigest) -> bool {
        self.current.as_ref() == Some(digest)
    }

    /// Returns whether another program has removed the refresh token from these tokens.
    #[must_use]
    pub fn lost_refresh_in(&self, tokens: &StoredTokens) -> bool {
        let access = self.access.as_ref().map(EncryptedToken::as_str);
        tokens.refresh.is_none()
            && self.refresh.is_some()
            && access.is_some()
            && access == tokens.access_text()
    }

    /// Returns whether this is the digest of the copied tokens or of some that they replaced.
    pub(crate) fn is_known(&self, digest: &TokenDigest) -> bool {
        self.is_current(digest) || self.spent.contains(digest)
    }

    pub(crate) fn read(row: &Record) -> Result<Self, StoreError> {
        let text = |column| row.optional_text(column);
        let mut spent = Vec::new();
        for column in ["spent_1", "spent_2", "spent_3"] {
            spent.extend(text(column)?.map(TokenDigest));
        }
        Ok(Self {
            access: text("access_token")?.map(EncryptedToken::from_stored),
            refresh: text("refresh_token")?.map(EncryptedToken::from_stored),
            current: text("digest")?.map(TokenDigest),
            spent,
        })
    }
}

/// Moves the digest of the copied tokens of `$copy` to the spent ones, if `$if` holds.
macro_rules! spend {
    ($copy:literal, $if:literal) => {
        concat!(
            "spent_1 = CASE WHEN ",
            $if,
            " THEN ",
            $copy,
            ".digest ELSE ",
            $copy,
            ".spent_1 END, spent_2 = CASE WHEN ",
            $if,
            " THEN ",
            $copy,
            ".spent_1 ELSE ",
            $copy,
            ".spent_2 END, spent_3 = CASE WHEN ",
            $if,
            " THEN ",
            $copy,
            ".spent_2 ELSE ",
            $copy,
            ".spent_3 END"
        )
    };
}
pub(crate) use spend;

const COPY: &str = "SELECT access_token, refresh_token, digest, spent_1, spent_2, spent_3
    FROM evergrant_token_copies WHERE oauth_account_id = $1";
/// Copies the stored tokens of one connection. Copied ones that they replace are spent.
const KEEP: &str = concat!(
    "INSERT INTO evergrant_token_copies AS kept (oauth_account_id, user_id, provider,
        provider_account_id, access_token, refresh_token, expires_at, token_type, scope, digest)
    SELECT a.id, a.user_id, a.provider, a.provider_account_id, a.access_token, a.refresh_token,
        a.expires_at, a.token_type, a.scope, $2
    FROM oauth_accounts a WHERE a.id = $1
    ON CONFLICT (oauth_account_id) DO UPDATE SET user_id = excluded.user_id,
        provider = excluded.provider, provider_account_id = excluded.provider_account_id,
        access_token = excluded.access_token, refresh_token = excluded.refresh_token,
        expires_at = excluded.expires_at, token_type = excluded.token_type, scope = excluded.scope,
        digest = excluded.digest, ",
    spend!("kept", "excluded.digest <> kept.digest")
);
const RESTORE: &str = "UPDATE oauth_accounts SET access_token = kept.access_token,
        refresh_token = kept.refresh_token, expires_at = kept.expires_at,
        token_type = kept.token_type, scope = kept.scope, updated_at = $2
    FROM evergrant_token_copies kept
    WHERE oauth_accounts.id = $1 AND kept.oauth_account_id = oauth_accounts.id
        AND (kept.access_token IS NOT NULL OR kept.refresh_token IS NOT NULL)";
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

    /// Returns the locked row, to which a refresh is about to be stored, with the tokens that
    /// Evergrant last stored or imported. Restores them if another program has written the same
    /// ones or some that they replaced, or has removed the refresh token. `None` if another program
    /// has written a grant of its own.
    pub(crate) async fn own_tokens(
        &mut self,
        row: Connection,
        digests: &dyn TokenDigests,
        at: Timestamp,
    ) -> Result<Option<Connection>, StoreError> {
        if !row.has_external_tokens {
            return Ok(Some(row));
        }
        let digest = digests.digest_of(&row.tokens);
        let is_own = |copy: TokenCopy| {
            digest.is_some_and(|digest| copy.is_known(&digest)) || copy.lost_refresh_in(&row.tokens)
        };
        let copy = self.token_copy(row.id).await?;
        if !copy.is_some_and(is_own) || !self.restore(row.id, at).await? {
            return Ok(None);
        }
        lock(self, row.id).await
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

    /// Returns the copy of the tokens of a row.
    pub(crate) async fn token_copy(
        &mut self,
        id: ConnectionId,
    ) -> Result<Option<TokenCopy>, StoreError> {
        let copy = self.row(COPY, params![id.get()]).await?;
        copy.as_ref().map(TokenCopy::read).transpose()
    }

    /// Replaces the tokens of a locked row by their copy. Returns `false` if there is none.
    pub(crate) async fn restore(
        &mut self,
        id: ConnectionId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(RESTORE, params![id.get(), at]).await? > 0)
    }
}
