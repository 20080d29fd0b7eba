//! `POST /api/integrations/report-401`

use axum::Json;
use axum::extract::State;
use evergrant_model::{AccessToken, Timestamp};
use evergrant_service::ReportOutcome;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{ForUser, ReadTokens};
use crate::path::{parse_account, parse_provider};
use crate::problem::ApiError;
use crate::state::ApiState;

/// A token that a platform rejected.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RejectedToken {
    /// Provider name, such as `reddit`.
    provider: String,
    /// The account's id at the platform.
    account_id: String,
    /// The rejected access token.
    access_token: String,
}

/// What Evergrant did about a rejected token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RejectedTokenReport)]
pub(crate) struct ReportView {
    /// `superseded`: a newer token was already stored; read it. `refreshed`: the token was
    /// refreshed; read the new one. `tooYoung`: the token is less than a minute old, so the
    /// rejection has another cause and nothing was refreshed. For a pasted session, `confirmed`:
    /// the platform accepts it; `unconfirmed`: the platform could not be called, or its answer is
    /// not conclusive until a second check.
    outcome: &'static str,
    /// When the stored token expires; null if unknown.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Report a token that the platform rejected
///
/// Refreshes the token unless a newer one is already stored. Any number of reports of the same
/// token causes one refresh. Requires an API key with `tokens:read`.
#[utoipa::path(post, path = "/api/integrations/report-401", operation_id = "reportRefusedToken",
    tag = "Tokens", security(("apiKey" = ["tokens:read"])), request_body = RejectedToken,
    params(("Evergrant-User" = String, Header,
            description = "The user's id, or `ext:` and your own id for the user, \
                percent-encoded")),
    responses(
        (status = 200, description = "What was done", body = ReportView),
        (status = 404,
            description = "`ACCOUNT_NOT_FOUND`, also for another user's account; \
                `INVALID_PROVIDER`"),
        (status = 409, description = "`RECONNECT_REQUIRED`, `NO_REFRESH_TOKEN`"),
        (status = 422, description = "`VALIDATION_ERROR`"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's rate limit"),
        (status = 502, description = "`TOKEN_REFRESH_ERROR`, `NETWORK_ERROR`"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`"),
        (status = 504, description = "`TIMEOUT_ERROR`"),
    ))]
pub(crate) async fn report(
    State(state): State<ApiState>,
    caller: ForUser<ReadTokens>,
    Body(rejected): Body<RejectedToken>,
) -> Result<Json<ReportView>, ApiError> {
    let RejectedToken {
        provider,
        account_id,
        access_token,
    } = rejected;
    let (provider, account) = (
        parse_provider(&state, &provider)?,
        parse_account(&account_id)?,
    );
    let token = AccessToken::new(access_token);
    let reports = state.service.rejected_tokens();
    let reported = reports
        .report(&caller.call, caller.user, &provider, &account, &token)
        .await?;
    let outcome = match reported.outcome {
        ReportOutcome::Superseded => "superseded",
        ReportOutcome::Refreshed => "refreshed",
        ReportOutcome::Confirmed => "confirmed",
        ReportOutcome::Unconfirmed => "unconfirmed",
        ReportOutcome::TooYoung => "tooYoung",
    };
    Ok(Json(ReportView {
        outcome,
        expires_at: reported.expires_at,
    }))
}
