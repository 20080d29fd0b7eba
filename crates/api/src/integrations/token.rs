//! `GET /api/integrations/token/{provider}/{accountId}`

use axum::Json;
use axum::extract::State;
use evergrant_model::{AccessToken, SignedDuration, Timestamp};
use evergrant_service::IssuedToken;
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::QueryOf;
use crate::caller::{ForUser, ReadTokens};
use crate::path::AccountPath;
use crate::problem::ApiError;
use crate::state::ApiState;
use crate::views::exposed;

/// The largest accepted `minTtlSeconds`: ten years.
const MAX_MIN_TTL_SECONDS: i64 = 315_360_000;

/// A valid access token.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of RFC 6749")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
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

impl From<IssuedToken> for Token {
    fn from(issued: IssuedToken) -> Self {
        Self {
            access_token: issued.access_token,
            token_type: issued.token_type,
            expires_at: issued.expires_at,
            scope: issued.scope,
        }
    }
}

/// Keeps tokens out of shared and private caches.
pub(crate) const NO_STORE: [(HeaderName, HeaderValue); 1] = [(
    header::CACHE_CONTROL,
    HeaderValue::from_static("private, no-store"),
)];

/// Get an access token
///
/// Refreshes the token first if it has expired or expires within `minTtlSeconds`, which is limited
/// to half of the token's lifetime. If the refresh fails, a token that has not expired yet is
/// returned nevertheless. Requires an API key with `tokens:read`; browsers cannot read platform
/// tokens.
#[utoipa::path(get, path = "/api/integrations/token/{provider}/{accountId}", operation_id = "getToken",
    tag = "Tokens", security(("apiKey" = ["tokens:read"])),
    params(("provider" = String, Path, description = "Provider name, such as `reddit`"),
        ("accountId" = String, Path, description = "The account's id at the platform"),
        ("minTtlSeconds" = Option<i64>, Query, minimum = 0, maximum = 315_360_000,
            description = "Requested remaining lifetime of the token in seconds, up to 315360000 \
                (ten years). Default: 0"),
        ("Evergrant-User" = String, Header,
            description = "The user's id, or `ext:` and your own id for the user, \
                percent-encoded")),
    responses(
        (status = 200, description = "The token", body = Token),
        (status = 404,
            description = "`ACCOUNT_NOT_FOUND`, also for another user's account; \
                `INVALID_PROVIDER`"),
        (status = 409, description = "`RECONNECT_REQUIRED`, `TOKEN_EXPIRED`, `NO_ACCESS_TOKEN`"),
        (status = 422, description = "`VALIDATION_ERROR`"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's rate limit"),
        (status = 502, description = "`TOKEN_REFRESH_ERROR`, `NETWORK_ERROR`"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`"),
        (status = 504, description = "`TIMEOUT_ERROR`"),
    ))]
pub(crate) async fn token(
    State(state): State<ApiState>,
    caller: ForUser<ReadTokens>,
    AccountPath { provider, account }: AccountPath,
    query: QueryOf,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Token>), ApiError> {
    let min_ttl_seconds = query.number("minTtlSeconds", MAX_MIN_TTL_SECONDS)?;
    let min_ttl = SignedDuration::from_secs(min_ttl_seconds);
    let issued = state
        .service
        .access_token(&caller.call, caller.user, &provider, &account, min_ttl)
        .await?;
    Ok((NO_STORE, Json(issued.into())))
}
