//! `POST /api/integrations/tokens`

use axum::Json;
use axum::extract::State;
use evergrant_model::{Call, ErrorCode, SignedDuration, UserId};
use evergrant_service::{IssuedToken, ServiceError};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tracing::Instrument;
use utoipa::ToSchema;

use super::token::{NO_STORE, Token};
use crate::body::Body;
use crate::caller::{ForUser, ReadTokens};
use crate::path::{parse_account, parse_provider};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

/// The most accounts of one request.
const MAX_ACCOUNTS: usize = 100;

/// The accounts whose tokens are requested.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenBatchRequest {
    /// 1 to 100 accounts of the user.
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
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenResult {
    /// Provider name, such as `reddit`.
    provider: String,
    /// The account's id at the platform.
    account_id: String,
    #[serde(flatten)]
    outcome: TokenOutcome,
}

/// The fields of the token, or `error`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum TokenOutcome {
    Token(Token),
    Error {
        /// Why there is no token.
        error: Problem,
    },
}

/// Get access tokens of several accounts
///
/// Returns a token or an error for each of up to 100 accounts, in the order of the request. The
/// request succeeds even if some accounts have no valid token. Requires an API key with
/// `tokens:read`.
#[utoipa::path(post, path = "/api/integrations/tokens", operation_id = "getTokens", tag = "Tokens",
    security(("apiKey" = [])), request_body = TokenBatchRequest,
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
    let (provider, account) = (parse_provider(provider)?, parse_account(account)?);
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
    let outcome = match issued_token(state, call, user, (&provider, &account_id)).await {
        Ok(issued) => TokenOutcome::Token(issued.into()),
        // An unknown user fails the whole request, not one account.
        Err(error) if error.code() == ErrorCode::UserNotFound => return Err(error),
        Err(error) => TokenOutcome::Error {
            error: Problem::new(&error, &call.correlation_id),
        },
    };
    Ok(TokenResult {
        provider,
        account_id,
        outcome,
    })
}
