//! `DELETE /api/integrations/disconnect/{provider}/{accountId}`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::{PathOf, QueryOf};
use crate::caller::{ForUser, Write};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

/// What became of the grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Disconnected {
    /// Always true: the connection is gone here whatever the platform answered.
    success: bool,
    /// `revoked`, `pending` (we keep asking for a day), `unsupported`, or `kept` for other
    /// connections of the person.
    revocation: &'static str,
    /// The same in a sentence for the user.
    message: String,
}

/// Disconnects an account: its tokens are deleted here, and its grant is ended at the platform as
/// far as that can.
#[utoipa::path(delete, path = "/api/integrations/disconnect/{provider}/{accountId}", operation_id = "disconnect", tag = "Integrations",
    params(("provider" = String, Path, description = "Such as `reddit`"),
        ("accountId" = String, Path, description = "The account's id at the platform"),
        ("deleteData" = Option<bool>, Query, description = "Whether what was collected from the account goes too; false"),
        ("Evergrant-User" = Option<String>, Header, description = "With an API key: whom this is for")),
    responses(
        (status = 200, description = "Disconnected", body = Disconnected),
        (status = 404, description = "`ACCOUNT_NOT_FOUND`, for another user's too; `INVALID_PROVIDER`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`: `deleteData` is neither true nor false", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn disconnect(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    PathOf((provider, account)): PathOf<(String, String)>,
    query: QueryOf,
) -> Result<Json<Disconnected>, ApiError> {
    // Nothing is collected from accounts yet, so there is nothing more to delete; the parameter is
    // checked all the same.
    query.flag("deleteData")?;
    let done = state
        .service
        .disconnect_integration(&caller.call, caller.user, &provider, &account)
        .await?;
    Ok(Json(Disconnected {
        success: true,
        revocation: done.revocation.as_str(),
        message: done.message,
    }))
}
