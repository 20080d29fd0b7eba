//! One authorization attempt as a row, so that any replica can finish what another began.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{
    CorrelationId, ErrorCode, FlowId, ProviderAccountId, ProviderSlug, Timestamp, UserId,
};

use crate::StoreError;
use crate::db::decode::Decoder;
use crate::db::value::Record;
use crate::flows::status::FlowStatus;

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

impl Flow {
    pub(crate) fn read(row: &Record) -> Result<Self, StoreError> {
        let provider = ProviderSlug::new(row.text("provider")?).map_err(|_| bad("provider"))?;
        let user = UserId::try_from(i64::from(row.int("user_id")?)).map_err(|_| bad("user_id"))?;
        Ok(Self {
            id: FlowId::new(row.text("id")?).map_err(|_| bad("id"))?,
            user,
            provider,
            redirect_url: row.text("redirect_url")?,
            scope: row.text("scope")?,
            reconnect: row
                .optional_text("reconnect")?
                .and_then(|account| ProviderAccountId::new(account).ok()),
            verifier: row
                .optional_text("verifier")?
                .map(EncryptedToken::from_stored),
            issuer: row.optional_text("issuer")?,
            challenge: row.optional_text("challenge")?,
            correlation_id: CorrelationId::new(row.text("correlation_id")?)
                .map_err(|_| bad("correlation_id"))?,
            expires_at: row.time("expires_at")?,
            status: FlowStatus::parse(&row.text("status")?).ok_or(bad("status"))?,
            consumed_at: row.optional_time("consumed_at")?,
            code_hash: row.optional_bytes("code_hash")?,
            receipt_salt: row.bytes("receipt_salt")?,
            receipt_hash: row.optional_bytes("receipt_hash")?,
            finish_by: row.optional_time("finish_by")?,
            error_code: row
                .optional_text("error_code")?
                .as_deref()
                .and_then(ErrorCode::parse),
            account: row.optional_text("account")?,
            grant: PendingGrant::read(row)?,
        })
    }
}

impl PendingGrant {
    fn read(row: &Record) -> Result<Option<Self>, StoreError> {
        let Some(access_token) = row.optional_text("access_token")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            access_token: EncryptedToken::from_stored(access_token),
            refresh_token: row
                .optional_text("refresh_token")?
                .map(EncryptedToken::from_stored),
            facts: row.json("token_facts")?,
            accounts: row.json("accounts")?,
        }))
    }
}

fn bad(column: &'static str) -> StoreError {
    StoreError::Inconsistent(column)
}

const FLOWS: Decoder<Flow> = Decoder {
    table: "evergrant_flows",
    key: |row| row.key("id"),
    read: Flow::read,
};

/// The readable flows among the rows.
pub(crate) fn decode(rows: Vec<Record>) -> Result<Vec<Flow>, StoreError> {
    FLOWS.decode(rows)
}
