//! Queries on flows.
//!
//! Only the hash of the state is stored, and one atomic statement consumes it. A repeated callback
//! receives the result of the first one.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{FlowId, ProviderAccountId, ProviderSlug, Timestamp, UserId};

use crate::StoreError;
use crate::db::decode::Page;
use crate::db::repository::repository;
use crate::db::value::{Value, params};
use crate::flows::row::{Callback, Flow, NewFlow, decode};

macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, user_id, provider, redirect_url, requested_scope, reconnect_account, pkce_verifier,
            expected_issuer, finish_challenge, correlation_id, expires_at, status, consumed_at,
            code_hash, receipt_salt, receipt_hash, finish_expires_at, error_code, error_details,
            connected_account, access_token, refresh_token, token_details, granted_accounts ",
            $after
        )
    };
}

const INSERT: &str = "INSERT INTO evergrant_flows (id, state_hash, user_id, provider, redirect_url,
        requested_scope, reconnect_account, pkce_verifier, expected_issuer, finish_challenge,
        receipt_salt, correlation_id, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
pub(crate) const CONSUME: &str = columns!(
    "UPDATE evergrant_flows SET consumed_at = $3, code_hash = $4
    WHERE state_hash = $1 AND provider = $2 AND consumed_at IS NULL AND expires_at > $3 RETURNING",
    ""
);
const CONSUME_OWNED: &str = columns!(
    "UPDATE evergrant_flows SET consumed_at = $3
    WHERE id = $1 AND user_id = $2 AND consumed_at IS NULL AND expires_at > $3 RETURNING",
    ""
);
const BY_ID: &str = columns!("SELECT", "FROM evergrant_flows WHERE id = $1");
pub(crate) const BY_STATE: &str = columns!(
    "SELECT",
    "FROM evergrant_flows WHERE state_hash = $1 AND provider = $2"
);
pub(crate) const OWNED: &str = columns!(
    "SELECT",
    "FROM evergrant_flows WHERE id = $1 AND user_id = $2"
);
pub(crate) const UNFINISHED: &str = columns!(
    "SELECT",
    "FROM evergrant_flows WHERE status IN ('pending', 'choose') AND finish_expires_at <= $1
        AND finish_expires_at >= $2 AND (finish_expires_at, id) > ($2, $3)
    ORDER BY finish_expires_at, id LIMIT $4"
);
const DELETE_EXPIRED: &str =
    "DELETE FROM evergrant_flows WHERE expires_at < $1 AND access_token IS NULL";

repository! {
    /// Authorization flows.
    FlowRepository
}

impl FlowRepository {
    /// Inserts a flow.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the user does not exist, other variants if the query fails.
    pub async fn insert(&self, new: &NewFlow<'_>) -> Result<(), StoreError> {
        let params = params![
            new.id.as_str(),
            new.state_hash,
            new.user.get(),
            new.provider.as_str(),
            new.redirect_url,
            new.requested_scope,
            new.reconnect_account.map(ProviderAccountId::as_str),
            new.pkce_verifier.map(EncryptedToken::as_str),
            new.expected_issuer,
            new.finish_challenge,
            new.receipt_salt,
            new.correlation_id.as_str(),
            new.created_at,
            new.expires_at,
        ];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// Consumes the state of a flow of this provider and stores the hash of the authorization code
    /// of the callback. Of several concurrent calls, one succeeds.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn consume(
        &self,
        state_hash: &[u8],
        provider: &ProviderSlug,
        code_hash: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Callback, StoreError> {
        let params = params![state_hash, provider.as_str(), now, code_hash];
        if let Some(row) = self.database.returning(CONSUME, params).await? {
            return Ok(Callback::First(Box::new(Flow::read(&row)?)));
        }
        let Some(flow) = self.by_state(state_hash, provider).await? else {
            return Ok(Callback::Unknown);
        };
        let is_consumed = flow.consumed_at.is_some();
        let flow = Box::new(flow);
        Ok(if is_consumed {
            Callback::Again(flow)
        } else {
            Callback::Expired(flow)
        })
    }

    /// Consumes the user's flow without its state, for a flow that is completed in the app's own
    /// dialog. `None` if the flow does not exist, belongs to another user, is consumed or has
    /// expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn consume_owned(
        &self,
        id: &FlowId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Option<Flow>, StoreError> {
        let row = self
            .database
            .returning(CONSUME_OWNED, params![id.as_str(), user.get(), now])
            .await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// Returns the flow with this id, of any user, for a browser that authenticates with its
    /// receipt.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: &FlowId) -> Result<Option<Flow>, StoreError> {
        let row = self.database.row(BY_ID, params![id.as_str()]).await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// Returns the flow of this provider with this state, consumed or not.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_state(
        &self,
        state_hash: &[u8],
        provider: &ProviderSlug,
    ) -> Result<Option<Flow>, StoreError> {
        let row = self
            .database
            .row(BY_STATE, params![state_hash, provider.as_str()])
            .await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// Returns this user's flow; `None` if it does not exist or belongs to another user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn owned(&self, id: &FlowId, user: UserId) -> Result<Option<Flow>, StoreError> {
        let row = self
            .database
            .row(OWNED, params![id.as_str(), user.get()])
            .await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// Returns up to `limit` parked flows whose deadline for finishing has passed, the longest
    /// overdue first. They follow `after`, the deadline and id of the last flow that is known.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn unfinished(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, FlowId)>,
        limit: i64,
    ) -> Result<Vec<Flow>, StoreError> {
        let first = || (Timestamp::from_unix_ms(0), String::new());
        let start = after.map_or_else(first, |(at, id)| (at, id.as_str().to_owned()));
        let page = Page {
            sql: UNFINISHED,
            fixed: params![now],
            after: |(at, id): &(_, String)| vec![Value::from(*at), id.as_str().into()],
            cursor: |row| Ok((row.time("finish_expires_at")?, row.text("id")?)),
        };
        self.database.page(page, start, limit, decode).await
    }

    /// Deletes flows whose state expired before `moment` and that hold no grant. Returns their
    /// number.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete_expired(&self, moment: Timestamp) -> Result<u64, StoreError> {
        self.database.execute(DELETE_EXPIRED, params![moment]).await
    }
}
