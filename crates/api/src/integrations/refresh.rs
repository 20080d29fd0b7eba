//! `POST /api/integrations/refresh/{provider}/{accountId}`

use axum::Json;
use axum::extract::State;
use evergrant_model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::PathOf;
use crate::caller::{ForUser, Write};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

/// A renewed connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refreshed {
    /// Always true: a failure is a problem document.
    success: bool,
    /// When the new access token ends; null if unknown.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Renews a connection's token now: one attempt, joined if one is under way.
#[utoipa::path(post, path = "/api/integrations/refresh/{provider}/{accountId}", operation_id = "refresh", tag = "Integrations",
    params(("provider" = String, Path, description = "Such as `reddit`"),
        ("accountId" = String, Path, description = "The account's id at the platform"),
        ("Evergrant-User" = Option<String>, Header, description = "With an API key: whom this is for")),
    responses(
        (status = 200, description = "Renewed", body = Refreshed),
        (status = 404, description = "`ACCOUNT_NOT_FOUND`, for another user's too; `INVALID_PROVIDER`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`RECONNECT_REQUIRED` (no call is made for a dead grant), `NO_REFRESH_TOKEN`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "`TOKEN_REFRESH_ERROR`, `NETWORK_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "`TIMEOUT_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn refresh(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    PathOf((provider, account)): PathOf<(String, String)>,
) -> Result<Json<Refreshed>, ApiError> {
    let expires_at = state
        .service
        .refresh_token(&caller.call, caller.user, &provider, &account)
        .await?;
    Ok(Json(Refreshed {
        success: true,
        expires_at,
    }))
}
