//! `POST /api/integrations/refresh/{provider}/{accountId}`

use axum::Json;
use axum::extract::State;
use evergrant_model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::{ForUser, Write};
use crate::path::AccountPath;
use crate::problem::ApiError;
use crate::state::ApiState;

/// The result of a refresh.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refreshed {
    /// Always true: errors are problem documents.
    success: bool,
    /// When the new access token expires; null if the platform does not say.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Refresh an account's tokens now
///
/// Makes one attempt, or waits for an attempt that is already in flight. Tokens are refreshed
/// automatically, so apps rarely need this.
#[utoipa::path(post, path = "/api/integrations/refresh/{provider}/{accountId}",
    operation_id = "refresh", tag = "Integrations",
    params(("provider" = String, Path, description = "Provider name, such as `reddit`"),
        ("accountId" = String, Path, description = "The account's id at the platform"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:write"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200, description = "The tokens are refreshed", body = Refreshed),
        (status = 404,
            description = "`ACCOUNT_NOT_FOUND`, also for another user's account; \
                `INVALID_PROVIDER`"),
        (status = 409,
            description = "`RECONNECT_REQUIRED` (the platform is not called for a grant that has \
                ended), `NO_REFRESH_TOKEN`"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's rate limit"),
        (status = 502, description = "`TOKEN_REFRESH_ERROR`, `NETWORK_ERROR`"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`"),
        (status = 504, description = "`TIMEOUT_ERROR`"),
    ))]
pub(crate) async fn refresh(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    AccountPath { provider, account }: AccountPath,
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
