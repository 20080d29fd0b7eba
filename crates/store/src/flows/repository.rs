//! Reading and changing flows.
//!
//! The state is stored hashed and consumed by one atomic statement; a second callback learns what
//! the first one did.

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
            " id, user_id, provider, redirect_url, scope, reconnect, verifier, issuer, challenge, correlation_id,
            expires_at, status, consumed_at, code_hash, receipt_salt, receipt_hash, finish_by, error_code, account,
            access_token, refresh_token, token_facts, accounts ",
            $after
        )
    };
}

const INSERT: &str = "INSERT INTO evergrant_flows (id, state_hash, user_id, provider, redirect_url, scope, reconnect,
        verifier, issuer, challenge, receipt_salt, correlation_id, created_at, expires_at)
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
    "FROM evergrant_flows WHERE status IN ('pending', 'choose') AND finish_by <= $1
        AND finish_by >= $2 AND (finish_by, id) > ($2, $3)
    ORDER BY finish_by, id LIMIT $4"
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
    /// [`StoreError::Missing`] if the user is gone, others if the query fails.
    pub async fn insert(&self, new: &NewFlow<'_>) -> Result<(), StoreError> {
        let params = params![
            new.id.as_str(),
            new.state_hash,
            new.user.get(),
            new.provider.as_str(),
            new.redirect_url,
            new.scope,
            new.reconnect.map(ProviderAccountId::as_str),
            new.verifier.map(EncryptedToken::as_str),
            new.issuer,
            new.challenge,
            new.receipt_salt,
            new.correlation_id.as_str(),
            new.created_at,
            new.expires_at,
        ];
        self.database.execute(INSERT, params).await.map(drop)
    }

    /// Consumes the state of a flow of this provider, once, and stores the hash of the code that
    /// came with it.
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
        let used = flow.consumed_at.is_some();
        let flow = Box::new(flow);
        Ok(if used {
            Callback::Again(flow)
        } else {
            Callback::Expired(flow)
        })
    }

    /// Consumes the user's flow without its state, for the browser that started it and completes it
    /// by hand; `None` if it is unknown, another user's, consumed or expired.
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

    /// The flow with this id, of any user: for a browser that authenticates by its receipt.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn by_id(&self, id: &FlowId) -> Result<Option<Flow>, StoreError> {
        let row = self.database.row(BY_ID, params![id.as_str()]).await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// The flow of this provider with this state, consumed or not.
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

    /// This user's flow; `None` if it is unknown or another user's.
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

    /// Up to `limit` flows whose time to be finished has passed, the longest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn unfinished(&self, now: Timestamp, limit: i64) -> Result<Vec<Flow>, StoreError> {
        let page = Page {
            sql: UNFINISHED,
            fixed: params![now],
            after: |(at, id): &(_, String)| vec![Value::from(*at), id.as_str().into()],
            cursor: |row| Ok((row.time("finish_by")?, row.text("id")?)),
        };
        self.database
            .page(
                page,
                (Timestamp::from_unix_ms(0), String::new()),
                limit,
                decode,
            )
            .await
    }

    /// Deletes flows whose state ended before `moment` and that hold no grant; answers how many.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn delete_expired(&self, moment: Timestamp) -> Result<u64, StoreError> {
        self.database.execute(DELETE_EXPIRED, params![moment]).await
    }
}
