//! `POST /api/integrations/tokens`

use axum::Json;
use axum::extract::State;
use evergrant_model::{AccessToken, Call, ErrorCode, SignedDuration, Timestamp, UserId};
use evergrant_service::{IssuedToken, ServiceError};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tracing::Instrument;
use utoipa::ToSchema;

use super::token::NO_STORE;
use crate::body::Body;
use crate::caller::{ForUser, ReadTokens};
use crate::path::{parse_account, parse_provider};
use crate::problem::{self, ApiError, Problem};
use crate::state::ApiState;
use crate::views::exposed;

/// The most accounts of one request.
const MAX_ACCOUNTS: usize = 100;

/// The accounts whose tokens are requested.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenBatchRequest {
    /// 1 to 100 accounts of the user.
    #[schema(min_items = 1, max_items = 100)]
    accounts: Vec<AccountRef>,
}

/// Identifies an account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccountRef {
    /// Provider name, such as `reddit`.
    provider: String,
    /// The account's id at the platform.
    account_id: String,
}

/// The tokens of several accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenBatch {
    /// A token or an error for each account, in the order of the request.
    tokens: Vec<TokenResult>,
}

/// The token of one account, or the error that occurred.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TokenResult {
    Issued(AccountToken),
    Failed(AccountError),
}

/// The token of one account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountToken {
    /// Provider name, such as `reddit`.
    provider: String,
    /// The account's id at the platform.
    account_id: String,
    /// The platform's access token.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String)]
    access_token: AccessToken,
    /// The token type as the platform sent it, such as `bearer`; null if it sent none.
    token_type: Option<String>,
    /// When the token expires; null if unknown.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The granted scopes, separated by spaces; null if unknown.
    scope: Option<String>,
}

/// The error that occurred for one account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountError {
    /// Provider name, such as `reddit`.
    provider: String,
    /// The account's id at the platform.
    account_id: String,
    /// Why there is no token.
    error: Problem,
}

/// Get access tokens of several accounts
///
/// Returns a token or an error for each of up to 100 accounts, in the order of the request. The
/// request succeeds even if some accounts have no valid token. Requires an API key with
/// `tokens:read`.
#[utoipa::path(post, path = "/api/integrations/tokens", operation_id = "getTokens", tag = "Tokens",
    security(("apiKey" = ["tokens:read"])), request_body = TokenBatchRequest,
    params(("Evergrant-User" = String, Header,
            description = "The user's id, or `ext:` and your own id for the user, \
                percent-encoded")),
    responses(
        (status = 200, description = "A token or an error for each account", body = TokenBatch),
        (status = 400, description = "`INVALID_USER_ID`, `INVALID_REQUEST`"),
        (status = 404, description = "`USER_NOT_FOUND`"),
        (status = 422, description = "`VALIDATION_ERROR`"),
    ))]
pub(crate) async fn tokens(
    State(state): State<ApiState>,
    caller: ForUser<ReadTokens>,
    Body(request): Body<TokenBatchRequest>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<TokenBatch>), ApiError> {
    if !(1..=MAX_ACCOUNTS).contains(&request.accounts.len()) {
        return Err(ServiceError::field("accounts", "must be 1 to 100 accounts").into());
    }
    let mut reads = JoinSet::new();
    for (index, account) in request.accounts.into_iter().enumerate() {
        let (state, call) = (state.clone(), caller.call.clone());
        let read = async move { (index, token_of(&state, &call, caller.user, account).await) };
        reads.spawn(read.in_current_span());
    }
    let mut results = reads.join_all().await;
    results.sort_by_key(|(index, _)| *index);
    let tokens = results
        .into_iter()
        .map(|(_, result)| result)
        .collect::<Result<_, _>>()?;
    Ok((NO_STORE, Json(TokenBatch { tokens })))
}

async fn issued_token(
    state: &ApiState,
    call: &Call,
    user: UserId,
    (provider, account): (&str, &str),
) -> Result<IssuedToken, ServiceError> {
    let (provider, account) = (parse_provider(state, provider)?, parse_account(account)?);
    state
        .service
        .access_token(call, user, &provider, &account, SignedDuration::ZERO)
        .await
}

async fn token_of(
    state: &ApiState,
    call: &Call,
    user: UserId,
    account: AccountRef,
) -> Result<TokenResult, ServiceError> {
    let AccountRef {
        provider,
        account_id,
    } = account;
    match issued_token(state, call, user, (&provider, &account_id)).await {
        Ok(issued) => Ok(TokenResult::Issued(AccountToken {
            provider,
            account_id,
            access_token: issued.access_token,
            token_type: issued.token_type,
            expires_at: issued.expires_at,
            scope: issued.scope,
        })),
        // An unknown user fails the whole request, not one account.
        Err(error) if error.code() == ErrorCode::UserNotFound => Err(error),
        Err(error) => {
            problem::log(&error, &call.correlation_id);
            Ok(TokenResult::Failed(AccountError {
                provider,
                account_id,
                error: Problem::new(&error, &call.correlation_id, state.public_url()),
            }))
        }
    }
}
