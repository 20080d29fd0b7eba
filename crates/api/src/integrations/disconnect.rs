//! `DELETE /api/integrations/disconnect/{provider}/{accountId}`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::QueryOf;
use crate::caller::{ForUser, Write};
use crate::path::AccountPath;
use crate::problem::ApiError;
use crate::state::ApiState;

/// The result of a disconnect.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Disconnected {
    /// Always true: errors are problem documents. The connection is deleted whatever the platform
    /// answers.
    success: bool,
    /// What happens to the grant at the platform. `revoked`: the platform confirmed the revocation.
    /// `pending`: Evergrant retries the revocation for a day. `unsupported`: the platform cannot
    /// revoke it. `kept`: other connections of the same platform user need it.
    revocation: &'static str,
    /// The result as a sentence for the user.
    message: String,
}

/// Disconnect an account
///
/// Deletes the connection and its tokens, and revokes the grant if the platform supports that.
#[utoipa::path(delete, path = "/api/integrations/disconnect/{provider}/{accountId}",
    operation_id = "disconnect", tag = "Integrations",
    params(("provider" = String, Path, description = "Provider name, such as `reddit`"),
        ("accountId" = String, Path, description = "The account's id at the platform"),
        ("deleteData" = Option<bool>, Query,
            description = "Whether to also delete the data collected from the account. Default: \
                false"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:write"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200, description = "The account is disconnected", body = Disconnected),
        (status = 404,
            description = "`ACCOUNT_NOT_FOUND`, also for another user's account; \
                `INVALID_PROVIDER`"),
        (status = 422, description = "`VALIDATION_ERROR`: `deleteData` is neither true nor false"),
    ))]
pub(crate) async fn disconnect(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    AccountPath { provider, account }: AccountPath,
    query: QueryOf,
) -> Result<Json<Disconnected>, ApiError> {
    // No data is collected from accounts yet, so there is nothing more to delete. The parameter is
    // validated nevertheless.
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
