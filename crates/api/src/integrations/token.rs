//! `GET /api/integrations/token/{provider}/{accountId}`

use axum::Json;
use axum::extract::State;
use evergrant_model::Timestamp;
use evergrant_service::IssuedToken;
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::{PathOf, QueryOf};
use crate::caller::{ForUser, ReadTokens};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

/// The longest wish for a token's remaining life: ten years.
const MAX_MIN_TTL_SECONDS: i64 = 315_360_000;

/// A token that works now.
#[derive(Serialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "the names are those of RFC 6749, as the contract has them"
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    /// What to present to the platform.
    access_token: String,
    /// As the platform sent it, such as `bearer`; null where it states none.
    token_type: Option<String>,
    /// When it ends; null if unknown.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The granted scopes, divided by spaces; null if unknown.
    scope: Option<String>,
}

impl From<IssuedToken> for Token {
    fn from(issued: IssuedToken) -> Self {
        Self {
            access_token: issued.access_token.expose().to_owned(),
            token_type: issued.token_type,
            expires_at: issued.expires_at,
            scope: issued.scope,
        }
    }
}

pub(crate) const NEVER_STORED: [(HeaderName, HeaderValue); 1] = [(
    header::CACHE_CONTROL,
    HeaderValue::from_static("private, no-store"),
)];

/// An access token that works now.
///
/// Renewed first if it has ended, or sooner than `minTtlSeconds` from now (cut to half of the
/// token's life). For API keys with `tokens:read` only: a browser never reads a platform token.
#[utoipa::path(get, path = "/api/integrations/token/{provider}/{accountId}", operation_id = "getToken", tag = "Tokens", security(("apiKey" = [])),
    params(("provider" = String, Path, description = "Such as `reddit`"),
        ("accountId" = String, Path, description = "The account's id at the platform"),
        ("minTtlSeconds" = Option<i64>, Query, description = "How long the token must last, in seconds; 0"),
        ("Evergrant-User" = String, Header, description = "Whose account: the user's id, or `ext:` and your own id")),
    responses(
        (status = 200, description = "The token", body = Token),
            (status = 404, description = "`ACCOUNT_NOT_FOUND`, for another user's too; `INVALID_PROVIDER`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`RECONNECT_REQUIRED`, `TOKEN_EXPIRED`, `NO_ACCESS_TOKEN`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "`TOKEN_REFRESH_ERROR`, `NETWORK_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "`TIMEOUT_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn token(
    State(state): State<ApiState>,
    caller: ForUser<ReadTokens>,
    PathOf((provider, account)): PathOf<(String, String)>,
    query: QueryOf,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Token>), ApiError> {
    let wish = query.number("minTtlSeconds", MAX_MIN_TTL_SECONDS)?;
    let issued = state
        .service
        .access_token(&caller.call, caller.user, &provider, &account, wish)
        .await?;
    Ok((NEVER_STORED, Json(issued.into())))
}
