//! Flows: one authorization attempt each, as a row, so that any replica can finish what another began.
//!
//! The state is stored hashed and consumed by one atomic statement; whoever comes second learns what the first did.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{CorrelationId, ErrorCode, FlowId, ProviderAccountId, ProviderSlug, Timestamp, UserId};

use crate::database::{Record, params};
use crate::flow_status::FlowStatus;
use crate::{Store, StoreError};

/// A stored flow.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its public name.
    pub id: FlowId,
    /// Who began it.
    pub user: UserId,
    /// At which platform.
    pub provider: ProviderSlug,
    /// Where the browser goes at its end.
    pub redirect_url: String,
    /// The scopes asked for, divided by spaces.
    pub scope: String,
    /// The account that is to be reconnected, where one is.
    pub reconnect: Option<ProviderAccountId>,
    /// The PKCE verifier, encrypted.
    pub verifier: Option<EncryptedToken>,
    /// The issuer that a callback must name, where the platform has one.
    pub issuer: Option<String>,
    /// The hash of the verifier that finishes a bound flow.
    pub challenge: Option<String>,
    /// Finds the flow in the log.
    pub correlation_id: CorrelationId,
    /// When its state ends.
    pub expires_at: Timestamp,
    /// How far it has come.
    pub status: FlowStatus,
    /// When the callback came.
    pub consumed_at: Option<Timestamp>,
    /// The hash of the code that the callback brought.
    pub code_hash: Option<Vec<u8>>,
    /// Goes into the receipt, so that it cannot be made from the state alone.
    pub receipt_salt: Vec<u8>,
    /// The hash of the receipt.
    pub receipt_hash: Option<Vec<u8>>,
    /// When an unfinished bound flow is given up.
    pub finish_by: Option<Timestamp>,
    /// Why it is over.
    pub error_code: Option<ErrorCode>,
    /// The account that it connected.
    pub account: Option<String>,
    /// What the consent gave, while a bound flow is not finished.
    pub grant: Option<PendingGrant>,
}

/// A flow about to begin.
#[derive(Debug)]
pub struct NewFlow<'a> {
    /// Its public name.
    pub id: &'a FlowId,
    /// The hash of its state.
    pub state_hash: &'a [u8],
    /// Who begins it.
    pub user: UserId,
    /// At which platform.
    pub provider: &'a ProviderSlug,
    /// Where the browser goes at its end.
    pub redirect_url: &'a str,
    /// The scopes asked for, divided by spaces.
    pub scope: &'a str,
    /// The account that is to be reconnected, where one is.
    pub reconnect: Option<&'a ProviderAccountId>,
    /// The PKCE verifier, encrypted.
    pub verifier: Option<&'a EncryptedToken>,
    /// The issuer that the callback must name, where the platform has one.
    pub issuer: Option<&'a str>,
    /// The hash of the verifier that will finish it, for a bound flow.
    pub challenge: Option<&'a str>,
    /// Random bytes for the receipt.
    pub receipt_salt: &'a [u8],
    /// Finds the flow in the log.
    pub correlation_id: &'a CorrelationId,
    /// Now.
    pub created_at: Timestamp,
    /// When its state ends.
    pub expires_at: Timestamp,
}

/// What a consent gave, waiting to be finished.
#[derive(Debug, Clone)]
pub struct PendingGrant {
    /// The access token.
    pub access_token: EncryptedToken,
    /// The refresh token, where there is one.
    pub refresh_token: Option<EncryptedToken>,
    /// The other parts of the token set, without a secret; the service's own shape.
    pub facts: serde_json::Value,
    /// The accounts that the grant reaches; the service's own shape.
    pub accounts: serde_json::Value,
}

/// What a callback found.
#[derive(Debug)]
pub enum Callback {
    /// The state was good, and is now used up.
    First(Box<Flow>),
    /// The state was used before; this is what it led to.
    Again(Box<Flow>),
    /// The state was never used and its time is over.
    Expired(Box<Flow>),
    /// No flow of this platform has this state.
    Unknown,
}

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
pub(crate) const BY_STATE: &str = columns!("SELECT", "FROM evergrant_flows WHERE state_hash = $1 AND provider = $2");
pub(crate) const OWNED: &str = columns!("SELECT", "FROM evergrant_flows WHERE id = $1 AND user_id = $2");
pub(crate) const UNFINISHED: &str = columns!(
    "SELECT",
    "FROM evergrant_flows WHERE status IN ('pending', 'choose') AND finish_by <= $1 ORDER BY finish_by LIMIT $2"
);
const SWEEP: &str = "DELETE FROM evergrant_flows WHERE expires_at < $1 AND access_token IS NULL";

impl Flow {
    fn read(row: &Record) -> Result<Self, StoreError> {
        let provider = ProviderSlug::new(row.text("provider")?).map_err(|_| bad("provider"))?;
        let user = UserId::try_from(i64::from(row.int("user_id")?)).map_err(|_| bad("user_id"))?;
        Ok(Self {
            id: FlowId::new(row.text("id")?).map_err(|_| bad("id"))?,
            user,
            provider,
            redirect_url: row.text("redirect_url")?,
            scope: row.text("scope")?,
            reconnect: row.optional_text("reconnect")?.and_then(|account| ProviderAccountId::new(account).ok()),
            verifier: row.optional_text("verifier")?.map(EncryptedToken::from_stored),
            issuer: row.optional_text("issuer")?,
            challenge: row.optional_text("challenge")?,
            correlation_id: CorrelationId::new(row.text("correlation_id")?).map_err(|_| bad("correlation_id"))?,
            expires_at: row.time("expires_at")?,
            status: FlowStatus::parse(&row.text("status")?).ok_or(bad("status"))?,
            consumed_at: row.optional_time("consumed_at")?,
            code_hash: row.optional_bytes("code_hash")?,
            receipt_salt: row.bytes("receipt_salt")?,
            receipt_hash: row.optional_bytes("receipt_hash")?,
            finish_by: row.optional_time("finish_by")?,
            error_code: row.optional_text("error_code")?.as_deref().and_then(ErrorCode::parse),
            account: row.optional_text("account")?,
            grant: PendingGrant::read(row)?,
        })
    }
}

impl PendingGrant {
    fn read(row: &Record) -> Result<Option<Self>, StoreError> {
        let Some(access_token) = row.optional_text("access_token")? else { return Ok(None) };
        Ok(Some(Self {
            access_token: EncryptedToken::from_stored(access_token),
            refresh_token: row.optional_text("refresh_token")?.map(EncryptedToken::from_stored),
            facts: row.json("token_facts")?,
            accounts: row.json("accounts")?,
        }))
    }
}

fn bad(column: &'static str) -> StoreError {
    StoreError::Inconsistent(column)
}

impl Store {
    /// Begins a flow.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] where the user is gone, others where the database fails.
    pub async fn insert_flow(&self, new: &NewFlow<'_>) -> Result<(), StoreError> {
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

    /// Uses up the state of a flow of this platform, once, noting the hash of the code that came with it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn consume_flow(
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
        let Some(flow) = self.flow_by_state(state_hash, provider).await? else { return Ok(Callback::Unknown) };
        let used = flow.consumed_at.is_some();
        let flow = Box::new(flow);
        Ok(if used { Callback::Again(flow) } else { Callback::Expired(flow) })
    }

    /// Uses up the user's flow without its state, for whoever began it and completes it by hand; `None` where it is
    /// another's, used or expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn consume_owned_flow(
        &self,
        id: &FlowId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Option<Flow>, StoreError> {
        let row = self.database.returning(CONSUME_OWNED, params![id.as_str(), user.get(), now]).await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// The flow of this name, whoever began it: for a browser that proves itself by its receipt.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn flow_by_id(&self, id: &FlowId) -> Result<Option<Flow>, StoreError> {
        let row = self.database.row(BY_ID, params![id.as_str()]).await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// The flow of this platform with this state, used or not.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn flow_by_state(&self, state_hash: &[u8], provider: &ProviderSlug) -> Result<Option<Flow>, StoreError> {
        let row = self.database.row(BY_STATE, params![state_hash, provider.as_str()]).await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// This user's flow; another's is `None`, just as one that does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn flow(&self, id: &FlowId, user: UserId) -> Result<Option<Flow>, StoreError> {
        let row = self.database.row(OWNED, params![id.as_str(), user.get()]).await?;
        row.as_ref().map(Flow::read).transpose()
    }

    /// Up to `limit` flows that waited to be finished for too long.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn unfinished_flows(&self, now: Timestamp, limit: i64) -> Result<Vec<Flow>, StoreError> {
        let rows = self.database.rows(UNFINISHED, params![now, limit]).await?;
        rows.iter().map(Flow::read).collect()
    }

    /// Forgets flows whose state ended before `moment` and that hold no grant.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the database fails.
    pub async fn sweep_flows(&self, moment: Timestamp) -> Result<u64, StoreError> {
        self.database.execute(SWEEP, params![moment]).await
    }
}
