//! `POST /api/integrations/tokens`

use axum::Json;
use axum::extract::State;
use evergrant_model::{Call, ErrorCode, UserId};
use evergrant_service::ServiceError;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tracing::Instrument;
use utoipa::ToSchema;

use super::token::{NEVER_STORED, Token};
use crate::body::Body;
use crate::caller::{ForUser, ReadTokens};
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
    #[serde(flatten)]
    outcome: Outcome,
}

/// The token's own fields, or `error`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Outcome {
    Token(Token),
    Error {
        /// Why there is none.
        error: Problem,
    },
}

/// Access tokens of up to 100 accounts at once.
#[utoipa::path(post, path = "/api/integrations/tokens", operation_id = "getTokens", tag = "Tokens", security(("apiKey" = [])), request_body = Wanted,
    params(("Evergrant-User" = String, Header, description = "Whose accounts")),
    responses(
        (status = 200, description = "A token or an error for each", body = Tokens),
        (status = 400, description = "`INVALID_USER_ID`, `INVALID_REQUEST`", body = Problem, content_type = "application/problem+json"),
            (status = 404, description = "`USER_NOT_FOUND`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn tokens(
    State(state): State<ApiState>,
    caller: ForUser<ReadTokens>,
    Body(wanted): Body<Wanted>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Tokens>), ApiError> {
    if !(1..=MOST_ACCOUNTS).contains(&wanted.accounts.len()) {
        return Err(ServiceError::field("accounts", "must be 1 to 100 accounts").into());
    }
    let mut reads = JoinSet::new();
    for (place, account) in wanted.accounts.into_iter().enumerate() {
        let (state, call) = (state.clone(), caller.call.clone());
        let read = async move { (place, one(&state, &call, caller.user, account).await) };
        reads.spawn(read.in_current_span());
    }
    let mut answers = reads.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    let tokens = answers
        .into_iter()
        .map(|(_, answer)| answer)
        .collect::<Result<_, _>>()?;
    Ok((NEVER_STORED, Json(Tokens { tokens })))
}

async fn one(
    state: &ApiState,
    call: &Call,
    user: UserId,
    wanted: WantedAccount,
) -> Result<TokenOrError, ServiceError> {
    let WantedAccount {
        provider,
        account_id,
    } = wanted;
    let issued = state
        .service
        .access_token(call, user, &provider, &account_id, 0)
        .await;
    let outcome = match issued {
        Ok(issued) => Outcome::Token(issued.into()),
        // An unknown user is not one account's trouble but the whole request's.
        Err(error) if error.code() == ErrorCode::UserNotFound => return Err(error),
        Err(error) => Outcome::Error {
            error: Problem::new(&error, &call.correlation_id),
        },
    };
    Ok(TokenOrError {
        provider,
        account_id,
        outcome,
    })
}
