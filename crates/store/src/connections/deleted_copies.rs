//! Copies of tokens whose row another program has deleted, for the case that it inserts the row
//! again: with tokens that are spent by then, or while a refresh of the deleted row is in flight.
//!
//! The foreign keys detach the copy from its row, and a trigger on `evergrant_connections` keeps
//! the lease of the connection in it. A row of the same user and account that is inserted later
//! adopts the copy. A copy whose account the user has disconnected has no tokens, only the digests
//! of spent ones.

use evergrant_model::{CorrelationId, Timestamp};
use evergrant_resilience::refresh::lease::Ticket;

use crate::StoreError;
use crate::connections::external::ExternalRowRepository;
use crate::connections::import::{ExternalRow, given, given_postgres, given_sqlite, unchanged};
use crate::connections::lease::RefreshRepository;
use crate::connections::lock::lock;
use crate::connections::repository::OWNED;
use crate::connections::row::{Connection, ConnectionKey, observed_tokens};
use crate::connections::store_refresh::RefreshedGrant;
use crate::connections::token_copies::{TokenDigest, TokenDigests, spend};
use crate::db::transaction::Transaction;
use crate::db::value::params;

/// The number of copies that one run deletes or erases.
const BATCH: i64 = 1_000;

/// The copy `c` is detached from its row. Its row may be missing although the copy refers to it, if
/// another program has deleted it with foreign keys switched off.
macro_rules! is_detached {
    () => {
        "(c.oauth_account_id IS NULL
            OR NOT EXISTS (SELECT 1 FROM oauth_accounts o WHERE o.id = c.oauth_account_id))"
    };
}
pub(crate) use is_detached;

/// Attaches detached copies to the given rows that have none.
macro_rules! adopt {
    ($given:literal) => {
        concat!(
            "UPDATE evergrant_token_copies SET oauth_account_id = adopted.id, deleted_at = NULL
            FROM (SELECT a.id, (SELECT MAX(c.id) FROM evergrant_token_copies c
                WHERE c.user_id = a.user_id AND c.provider = a.provider
                    AND c.provider_account_id = a.provider_account_id AND ",
            is_detached!(),
            ") AS copy FROM ",
            unchanged!($given),
            " WHERE NOT EXISTS (SELECT 1 FROM evergrant_token_copies own
                    WHERE own.oauth_account_id = a.id)) AS adopted
            WHERE evergrant_token_copies.id = adopted.copy"
        )
    };
}
const ADOPT_POSTGRES: &str = given_postgres!(adopt);
const ADOPT_SQLITE: &str = given_sqlite!(adopt);
const ADOPT_ONE: &str = concat!(
    "UPDATE evergrant_token_copies SET oauth_account_id = $1, deleted_at = NULL
    WHERE id = (SELECT MAX(c.id) FROM evergrant_token_copies c
            WHERE c.user_id = $2 AND c.provider = $3 AND c.provider_account_id = $4 AND ",
    is_detached!(),
    ") AND NOT EXISTS (SELECT 1 FROM evergrant_token_copies own WHERE own.oauth_account_id = $1)"
);
/// Erases the copied tokens of an account. If `$4` is 1, they count as spent.
const ERASE: &str = concat!(
    "UPDATE evergrant_token_copies SET access_token = NULL, refresh_token = NULL,
        expires_at = NULL, token_type = NULL, scope = NULL, digest = NULL, ",
    spend!(
        "evergrant_token_copies",
        "$4 = 1 AND evergrant_token_copies.digest IS NOT NULL"
    ),
    " WHERE (user_id = $1 AND provider = $2 AND provider_account_id = $3)
        OR oauth_account_id = (SELECT id FROM oauth_accounts
            WHERE user_id = $1 AND provider = $2 AND provider_account_id = $3)"
);
const ERASE_USER: &str = "DELETE FROM evergrant_token_copies WHERE user_id = $1
    OR oauth_account_id IN (SELECT id FROM oauth_accounts WHERE user_id = $1)";
/// Replaces the tokens of a detached copy by those that a refresh of its generation has obtained.
const KEEP_REFRESHED: &str = concat!(
    "UPDATE evergrant_token_copies SET access_token = $5,
        refresh_token = COALESCE($6, refresh_token), expires_at = $7,
        token_type = COALESCE($8, token_type), scope = COALESCE($9, scope), digest = $10, ",
    spend!(
        "evergrant_token_copies",
        "evergrant_token_copies.digest <> $10"
    ),
    ", generation = generation + 1, lease_owner = NULL, lease_lock = NULL, lease_expires_at = NULL,
        in_doubt_since = NULL, source_generation = $4, source_attempt = $11
    WHERE id = (SELECT MAX(c.id) FROM evergrant_token_copies c
            WHERE c.user_id = $1 AND c.provider = $2 AND c.provider_account_id = $3 AND ",
    is_detached!(),
    ") AND generation = $4 AND access_token IS NOT NULL"
);
/// Deletions that the trigger did not see.
const MARK_DELETED: &str = "UPDATE evergrant_token_copies SET deleted_at = $1
    WHERE id IN (SELECT id FROM evergrant_token_copies
        WHERE oauth_account_id IS NULL AND deleted_at IS NULL LIMIT $2)";
const ERASE_OLD: &str = "UPDATE evergrant_token_copies SET access_token = NULL,
        refresh_token = NULL, expires_at = NULL, token_type = NULL, scope = NULL
    WHERE id IN (SELECT id FROM evergrant_token_copies
        WHERE oauth_account_id IS NULL AND (deleted_at < $1 OR user_id IS NULL)
            AND (access_token IS NOT NULL OR refresh_token IS NOT NULL) LIMIT $2)";
const DELETE_OLD: &str = "DELETE FROM evergrant_token_copies
    WHERE id IN (SELECT id FROM evergrant_token_copies
        WHERE oauth_account_id IS NULL AND deleted_at < $1 LIMIT $2)";

impl Transaction {
    /// Attaches the detached copies of the same user and account to these rows.
    pub(crate) async fn adopt_copies(
        &mut self,
        rows: &[&ExternalRow<'_>],
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (adopt, given) = (self.dialect(ADOPT_SQLITE, ADOPT_POSTGRES), given(rows));
        self.execute(adopt, params![&given]).await.map(drop)
    }

    /// Attaches a detached copy of this account to the row with this id.
    pub(crate) async fn adopt_copy(
        &mut self,
        id: i32,
        account: &ConnectionKey,
    ) -> Result<(), StoreError> {
        let (provider, name) = (account.provider.as_str(), account.account.as_str());
        let adopted = params![id, account.user.get(), provider, name];
        self.execute(ADOPT_ONE, adopted).await.map(drop)
    }

    /// Erases the copied tokens of an account that its user disconnects. If they are revoked, they
    /// count as spent from now on.
    pub(crate) async fn erase_copies(
        &mut self,
        key: &ConnectionKey,
        are_revoked: bool,
    ) -> Result<(), StoreError> {
        let (provider, account) = (key.provider.as_str(), key.account.as_str());
        let erased = params![key.user.get(), provider, account, i32::from(are_revoked)];
        self.execute(ERASE, erased).await.map(drop)
    }

    /// Deletes all copies of a user.
    pub(crate) async fn delete_copies_of(&mut self, user: i32) -> Result<(), StoreError> {
        self.execute(ERASE_USER, params![user]).await.map(drop)
    }

    /// Locks the row that another program has inserted after it had deleted the one of this
    /// connection, whose refresh is in flight, if it has the same user and account and the tokens
    /// that were sent or some that those replaced. Imports it if necessary. Returns the version of
    /// the user and the row with the lease of the deleted one.
    pub(crate) async fn lock_inserted_again(
        &mut self,
        (key, ticket): (&ConnectionKey, &Ticket),
        digests: &dyn TokenDigests,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<Option<(i64, Connection)>, StoreError> {
        let Some(version) = self.increment_version_if_user_exists(key.user).await? else {
            return Ok(None);
        };
        let account = params![key.user.get(), key.provider.as_str(), key.account.as_str()];
        let Some(row) = self.row(OWNED, account).await? else {
            return Ok(None);
        };
        let row = Connection::read(&row)?;
        if lock(self, row.id).await?.is_none()
            && !self.import_again(&row, digests, correlation_id, at).await?
        {
            return Ok(None);
        }
        // The lease of another connection has never been taken as often.
        let is_same = |row: &Connection| row.lease.attempt >= ticket.attempt;
        let locked = lock(self, row.id).await?.filter(is_same);
        Ok(locked.map(|row| (version, row)))
    }

    /// Imports a row with the tokens of the copy that it adopts. Returns `false` if its tokens are
    /// not those of the copy, nor some that these replaced.
    async fn import_again(
        &mut self,
        row: &Connection,
        digests: &dyn TokenDigests,
        correlation_id: &CorrelationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.adopt_copies(&[&imported(row, None)]).await?;
        let (digest, copy) = (
            digests.digest_of(&row.tokens),
            self.token_copy(row.id).await?,
        );
        let is_known = digest
            .zip(copy)
            .is_some_and(|(digest, copy)| copy.is_known(&digest));
        if !is_known || !self.restore(row.id, at).await? {
            return Ok(false);
        }
        let account = params![row.user.get(), row.provider.as_str(), row.account.as_str()];
        let Some(restored) = self.row(OWNED, account).await? else {
            return Ok(false);
        };
        let restored = Connection::read(&restored)?;
        let digest = digests.digest_of(&restored.tokens);
        let row = imported(&restored, digest);
        let imported = self.import_rows(&[&row], correlation_id).await?;
        Ok(imported.event_kind(restored.id).is_some())
    }
}

/// Returns a row to import that is not due for anything.
pub(crate) fn imported(row: &Connection, digest: Option<TokenDigest>) -> ExternalRow<'_> {
    ExternalRow {
        connection: row,
        next_refresh_at: None,
        next_status_at: None,
        digest,
    }
}

impl RefreshRepository {
    /// Keeps refreshed tokens of a connection whose row another program has deleted, in case that
    /// it inserts the row again. Returns `false` if the user has disconnected the account, or was
    /// deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn keep_for_deleted_row(
        &self,
        key: &ConnectionKey,
        ticket: &Ticket,
        new: &RefreshedGrant<'_>,
    ) -> Result<bool, StoreError> {
        let digest = new.digests.digest_of(new.tokens);
        let kept = params![
            key.user.get(),
            key.provider.as_str(),
            key.account.as_str(),
            ticket.generation,
            new.tokens.access_text(),
            new.tokens.refresh_text(),
            new.tokens.expires_at,
            new.tokens.token_type.as_deref(),
            new.tokens.scope.as_deref(),
            digest.as_ref().map(TokenDigest::as_str),
            ticket.attempt,
        ];
        Ok(self.database.execute(KEEP_REFRESHED, kept).await? > 0)
    }
}

impl ExternalRowRepository {
    /// Erases the copied tokens of rows that were deleted before `erase_before`, and deletes the
    /// digests of those deleted before `delete_before`. Returns the number of copies changed; the
    /// next call continues.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a query fails.
    pub async fn expire_copies(
        &self,
        now: Timestamp,
        erase_before: Timestamp,
        delete_before: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for (statement, moment) in [
            (MARK_DELETED, now),
            (ERASE_OLD, erase_before),
            (DELETE_OLD, delete_before),
        ] {
            changed += self
                .database
                .execute(statement, params![moment, BATCH])
                .await?;
        }
        Ok(changed)
    }
}
