//! `POST /api/integrations/tokens`

use axum::Json;
use axum::extract::State;
use evergrant_model::{CorrelationId, UserId};
use evergrant_service::ServiceError;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use utoipa::ToSchema;

use super::token::{NEVER_STORED, Token};
use crate::body::Body;
use crate::caller::{Correlation, ForUser, ReadTokens};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

const MOST_ACCOUNTS: usize = 100;

/// Whose tokens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// 1 to 100 accounts of the user.
    accounts: Vec<WantedAccount>,
}

/// One account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WantedAccount {
    /// The platform.
    provider: String,
    /// The account's id there.
    account_id: String,
}

/// An answer or an error for each account, in the order of the request.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// One for each account.
    tokens: Vec<TokenOrError>,
}

/// The token of one account, or why there is none.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenOrError {
    /// The platform.
    provider: String,
    /// The account's id there.
    account_id: String,
    /// The token's fields, where there is one.
    #[serde(flatten)]
    token: Option<Token>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// Access tokens of up to 100 accounts at once.
#[utoipa::path(post, path = "/api/integrations/tokens", tag = "Tokens", request_body = Wanted,
    params(("Evergrant-User" = String, Header, description = "Whose accounts")),
    responses(
        (status = 200, description = "A token or an error for each", body = Tokens),
        (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn tokens(
    State(state): State<ApiState>,
    caller: ForUser<ReadTokens>,
    Correlation(correlation_id): Correlation,
    Body(wanted): Body<Wanted>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Tokens>), ApiError> {
    if !(1..=MOST_ACCOUNTS).contains(&wanted.accounts.len()) {
        return Err(ServiceError::field("accounts", "must be 1 to 100 accounts").into());
    }
    let mut reads = JoinSet::new();
    for (place, account) in wanted.accounts.into_iter().enumerate() {
        let (state, correlation_id) = (state.clone(), correlation_id.clone());
        reads.spawn(async move { (place, one(&state, caller.user, account, &correlation_id).await) });
    }
    let mut answers = reads.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    let tokens = answers.into_iter().map(|(_, answer)| answer).collect();
    Ok((NEVER_STORED, Json(Tokens { tokens })))
}

async fn one(state: &ApiState, user: UserId, wanted: WantedAccount, correlation_id: &CorrelationId) -> TokenOrError {
    let WantedAccount { provider, account_id } = wanted;
    let issued = state.service.access_token(user, &provider, &account_id, 0, correlation_id).await;
    let (token, error) = match issued {
        Ok(issued) => (Some(Token::from(issued)), None),
        Err(error) => (None, Some(Problem::new(&error, correlation_id))),
    };
    TokenOrError { provider, account_id, token, error }
}
