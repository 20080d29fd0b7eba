//! `POST /api/integrations/report-401`

use axum::Json;
use axum::extract::State;
use evergrant_model::{AccessToken, Timestamp};
use evergrant_service::ReportOutcome;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{ForUser, ReadTokens};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

/// A token that a platform has refused.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RefusedToken {
    /// The platform.
    provider: String,
    /// The account's id there.
    account_id: String,
    /// The access token that was refused.
    access_token: String,
}

/// What was done about it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportView {
    /// `superseded`: a newer token was there already; `renewed`: now one is; read it. `tooYoung`:
    /// the token is less than a minute old, so the refusal has another cause. Of a pasted session,
    /// `confirmed`: the platform says that it holds; `unconfirmed`: the platform could not be
    /// asked, or is not believed before it has said so twice.
    outcome: &'static str,
    /// When the token ends that is held now; null if unknown.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Says that a platform has refused a token which should have worked: it is renewed, unless that
/// has happened already.
///
/// For API keys with `tokens:read` only. However many report the same token, it is renewed once.
#[utoipa::path(post, path = "/api/integrations/report-401", operation_id = "reportRefusedToken", tag = "Tokens",
    security(("apiKey" = [])), request_body = RefusedToken,
    params(("Evergrant-User" = String, Header, description = "Whose account: the user's id, or `ext:` and your own id")),
    responses(
        (status = 200, description = "What was done", body = ReportView),
        (status = 404, description = "`ACCOUNT_NOT_FOUND`, for another user's too; `INVALID_PROVIDER`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`RECONNECT_REQUIRED`, `NO_REFRESH_TOKEN`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "`TOKEN_REFRESH_ERROR`, `NETWORK_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "`TIMEOUT_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn report(
    State(state): State<ApiState>,
    caller: ForUser<ReadTokens>,
    Body(refused): Body<RefusedToken>,
) -> Result<Json<ReportView>, ApiError> {
    let RefusedToken {
        provider,
        account_id,
        access_token,
    } = refused;
    let token = AccessToken::new(access_token);
    let reports = state.service.rejected_tokens();
    let reported = reports
        .report(&caller.call, caller.user, &provider, &account_id, &token)
        .await?;
    let outcome = match reported.outcome {
        ReportOutcome::Superseded => "superseded",
        ReportOutcome::Refreshed => "renewed",
        ReportOutcome::Confirmed => "confirmed",
        ReportOutcome::Unconfirmed => "unconfirmed",
        ReportOutcome::TooYoung => "tooYoung",
    };
    Ok(Json(ReportView {
        outcome,
        expires_at: reported.expires_at,
    }))
}
