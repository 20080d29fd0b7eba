//! Stored flows. Any replica can continue a flow that another replica started.

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
    /// The id, which the API returns to callers.
    pub id: FlowId,
    /// The user who started the flow.
    pub user: UserId,
    /// The provider.
    pub provider: ProviderSlug,
    /// URL to which the browser returns when the flow ends.
    pub redirect_url: String,
    /// The requested scopes, separated by spaces.
    pub requested_scope: String,
    /// The account to reconnect; `None` if any account may be connected.
    pub reconnect_account: Option<ProviderAccountId>,
    /// The PKCE verifier; `None` if the provider has no PKCE.
    pub pkce_verifier: Option<EncryptedToken>,
    /// The issuer that the callback must name (RFC 9207); `None` if the provider has none.
    pub expected_issuer: Option<String>,
    /// SHA-256, as base64url, of the verifier that the starting browser presents to finish the
    /// flow; `None` if the flow is not bound to a browser.
    pub finish_challenge: Option<String>,
    /// The correlation id of the operation that started the flow.
    pub correlation_id: CorrelationId,
    /// Time at which the state expires.
    pub expires_at: Timestamp,
    /// The status.
    pub status: FlowStatus,
    /// Time of the callback; `None` before it.
    pub consumed_at: Option<Timestamp>,
    /// The hash of the authorization code of the callback; `None` if it had none.
    pub code_hash: Option<Vec<u8>>,
    /// Secret input of the receipt, so that the receipt cannot be derived from the callback alone.
    pub receipt_salt: Vec<u8>,
    /// The hash of the receipt, which proves that a browser is the one that consented; `None`
    /// unless the flow was parked or failed.
    pub receipt_hash: Option<Vec<u8>>,
    /// Time until which a parked flow can be finished; `None` unless the flow was parked.
    pub finish_expires_at: Option<Timestamp>,
    /// Why the flow failed; `None` if it did not fail or the code is not known to this version.
    pub error_code: Option<ErrorCode>,
    /// What the user is told about the failure; `None` unless the flow failed. The service defines
    /// the format.
    pub error_details: Option<serde_json::Value>,
    /// The first account that the flow connected; `None` if it has not connected one.
    pub connected_account: Option<String>,
    /// The grant of a parked flow; `None` otherwise.
    pub grant: Option<PendingGrant>,
}

/// A flow to insert.
#[derive(Debug)]
pub struct NewFlow<'a> {
    /// The public id.
    pub id: &'a FlowId,
    /// The hash of the state.
    pub state_hash: &'a [u8],
    /// The user who starts the flow.
    pub user: UserId,
    /// The provider.
    pub provider: &'a ProviderSlug,
    /// URL to which the browser returns when the flow ends.
    pub redirect_url: &'a str,
    /// The requested scopes, separated by spaces.
    pub requested_scope: &'a str,
    /// The account to reconnect; `None` if any account may be connected.
    pub reconnect_account: Option<&'a ProviderAccountId>,
    /// The PKCE verifier; `None` if the provider has no PKCE.
    pub pkce_verifier: Option<&'a EncryptedToken>,
    /// The issuer that the callback must name (RFC 9207); `None` if the provider has none.
    pub expected_issuer: Option<&'a str>,
    /// SHA-256, as base64url, of the verifier that the starting browser will present to finish the
    /// flow; `None` if the flow is not bound to a browser.
    pub finish_challenge: Option<&'a str>,
    /// Random bytes, the secret input of the receipt.
    pub receipt_salt: &'a [u8],
    /// The correlation id of the operation.
    pub correlation_id: &'a CorrelationId,
    /// The current time.
    pub created_at: Timestamp,
    /// Time at which the state expires.
    pub expires_at: Timestamp,
}

/// The grant of a parked flow.
#[derive(Debug, Clone)]
pub struct PendingGrant {
    /// The access token.
    pub access_token: EncryptedToken,
    /// The refresh token; `None` if the provider issued none.
    pub refresh_token: Option<EncryptedToken>,
    /// The other parts of the token set, without secrets; the service defines the format.
    pub token_details: serde_json::Value,
    /// The accounts that the grant reaches; the service defines the format.
    pub accounts: serde_json::Value,
}

/// The result of consuming a state.
#[derive(Debug)]
pub enum Callback {
    /// The state was valid and is now consumed.
    First(Box<Flow>),
    /// The state was consumed earlier; the flow shows the result.
    Again(Box<Flow>),
    /// The state expired without being consumed.
    Expired(Box<Flow>),
    /// No flow of this provider has this state.
    Unknown,
}

impl Flow {
    /// Returns the code that the caller who started the flow may learn without further proof.
    ///
    /// Another person may have consented to a flow that is bound to a browser. What the code tells
    /// about that person's account is then replaced by `OAUTH_CALLBACK_ERROR`.
    #[must_use]
    pub fn disclosed(&self, code: ErrorCode) -> ErrorCode {
        if self.finish_challenge.is_some() && code.is_account_specific() {
            ErrorCode::OauthCallbackError
        } else {
            code
        }
    }

    pub(crate) fn read(row: &Record) -> Result<Self, StoreError> {
        let provider =
            ProviderSlug::new(row.text("provider")?).map_err(|_| inconsistent("provider"))?;
        let user = UserId::try_from(i64::from(row.int("user_id")?))
            .map_err(|_| inconsistent("user_id"))?;
        Ok(Self {
            id: FlowId::new(row.text("id")?).map_err(|_| inconsistent("id"))?,
            user,
            provider,
            redirect_url: row.text("redirect_url")?,
            requested_scope: row.text("requested_scope")?,
            reconnect_account: row
                .optional_text("reconnect_account")?
                .and_then(|account| ProviderAccountId::new(account).ok()),
            pkce_verifier: row
                .optional_text("pkce_verifier")?
                .map(EncryptedToken::from_stored),
            expected_issuer: row.optional_text("expected_issuer")?,
            finish_challenge: row.optional_text("finish_challenge")?,
            correlation_id: CorrelationId::new(row.text("correlation_id")?)
                .map_err(|_| inconsistent("correlation_id"))?,
            expires_at: row.time("expires_at")?,
            status: FlowStatus::parse(&row.text("status")?).ok_or(inconsistent("status"))?,
            consumed_at: row.optional_time("consumed_at")?,
            code_hash: row.optional_bytes("code_hash")?,
            receipt_salt: row.bytes("receipt_salt")?,
            receipt_hash: row.optional_bytes("receipt_hash")?,
            finish_expires_at: row.optional_time("finish_expires_at")?,
            error_code: row
                .optional_text("error_code")?
                .as_deref()
                .and_then(ErrorCode::parse),
            error_details: row.optional_json("error_details")?.map(|json| json.0),
            connected_account: row.optional_text("connected_account")?,
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
            token_details: row.json("token_details")?,
            accounts: row.json("granted_accounts")?,
        }))
    }
}

fn inconsistent(column: &'static str) -> StoreError {
    StoreError::Inconsistent(column)
}

const FLOWS: Decoder<Flow> = Decoder {
    table: "evergrant_flows",
    key: |row| row.key("id"),
    read: Flow::read,
};

/// Returns the readable flows among the rows.
pub(crate) fn decode(rows: Vec<Record>) -> Result<Vec<Flow>, StoreError> {
    FLOWS.decode(rows)
}
