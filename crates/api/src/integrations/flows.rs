//! `/api/integrations/flows/{id}`: how far a flow has come, and finishing it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use evergrant_model::ErrorCode;
use evergrant_service::{
    FieldFault, FinishRequest, FlowState, FlowStatus, IntegrationsService, ReachedAccount,
    ServiceError,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Body, PathOf};
use crate::caller::{ForUser, Read, Write};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;
use crate::views::{IntegrationView, IntegrationsView};

/// An account that can be chosen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Choice {
    /// What `accountIds` takes.
    provider_account_id: String,
    /// The handle.
    username: Option<String>,
    /// The name that people see.
    display_name: Option<String>,
    /// Where the account's picture is: an address of Evergrant's own, which anybody may show.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
}

impl Choice {
    /// Accounts at one platform, as they are offered.
    pub(crate) fn list(
        accounts: Vec<ReachedAccount>,
        provider: &str,
        service: &IntegrationsService,
    ) -> Vec<Self> {
        let offered = |account: ReachedAccount| {
            let avatar_url = service.avatars().address(provider, &account.metadata);
            let ReachedAccount {
                id,
                username,
                display_name,
                ..
            } = account;
            Self {
                provider_account_id: id,
                username,
                display_name,
                avatar_url,
            }
        };
        accounts.into_iter().map(offered).collect()
    }
}

/// How far a flow has come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FlowState)]
pub(crate) struct FlowView {
    /// `waiting` for the user, `pending` or `choose` for the browser to finish it, `connected`, or
    /// `error`.
    status: &'static str,
    /// The accounts to choose from, with `choose`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<Choice>,
    /// Why it came to nothing, with `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The account that it connected, with `connected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
}

impl FlowView {
    fn new(flow: FlowState, service: &IntegrationsService) -> Self {
        Self {
            status: flow.status.as_str(),
            accounts: Choice::list(flow.accounts, flow.provider.as_str(), service),
            code: flow.code.map(ErrorCode::as_str),
            account_id: flow
                .account
                .filter(|_| flow.status == FlowStatus::Connected),
        }
    }
}

/// How far the flow has come.
#[utoipa::path(get, path = "/api/integrations/flows/{flowId}", operation_id = "getFlow", tag = "Flows",
    params(("flowId" = String, Path, description = "From connect"),
        ("Evergrant-User" = Option<String>, Header, description = "With an API key: whom this is for")),
    responses(
        (status = 200, description = "Its state", body = FlowView),
        (status = 404, description = "`FLOW_NOT_FOUND`, for another user's too", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn flow(
    State(state): State<ApiState>,
    caller: ForUser<Read>,
    PathOf(flow): PathOf<String>,
) -> Result<Json<FlowView>, ApiError> {
    let flow = state
        .service
        .authorizations()
        .state(&caller.call, caller.user, &flow)
        .await?;
    Ok(Json(FlowView::new(flow, &state.service)))
}

/// What finishes a flow.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Finish {
    /// The text whose hash was the challenge. Required unless the flow was begun without a
    /// challenge, which only your server can do; session tokens must always send it.
    verifier: Option<String>,
    /// What came back with the browser, or with the callback that your server passed on.
    receipt: String,
    /// Which accounts to connect, where the flow says `choose`.
    account_ids: Option<Vec<String>>,
}

/// Finishes a bound flow, or one whose consent reached several accounts.
///
/// Not done within ten minutes, the grant is given up.
#[utoipa::path(post, path = "/api/integrations/flows/{flowId}/finish", operation_id = "finishFlow", tag = "Flows", request_body = Finish,
    params(("flowId" = String, Path, description = "From connect"),
        ("Evergrant-User" = Option<String>, Header, description = "With an API key: whom this is for")),
    responses(
        (status = 200, description = "The accounts that it connected", body = IntegrationsView),
        (status = 400, description = "`INVALID_STATE`: a wrong verifier or receipt, or not waiting for them", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`FLOW_NOT_FOUND`, for another user's too", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`ACCOUNT_ALREADY_CONNECTED`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn finish(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    PathOf(flow): PathOf<String>,
    Body(body): Body<Finish>,
) -> Result<Json<IntegrationsView>, ApiError> {
    if caller.is_browser() && body.verifier.is_none() {
        return Err(ServiceError::field("verifier", "is required of session tokens").into());
    }
    let request = FinishRequest {
        verifier: body.verifier,
        receipt: body.receipt,
        accounts: body.account_ids,
    };
    let made = state
        .service
        .authorizations()
        .finish(&caller.call, caller.user, &flow, request)
        .await?;
    Ok(Json(IntegrationsView {
        integrations: made.into_iter().map(IntegrationView::from).collect(),
    }))
}

/// What the owner of an account pastes, for a platform of kind `cookies`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// The platform's fields, by the names under `fields` in the list of platforms.
    values: BTreeMap<String, String>,
}

/// Completes a flow of a platform of kind `cookies` from the app's own dialog.
///
/// Whatever the owner can mend is answered with the flow still open. Your dialog must say that
/// whoever has such a session can act as its owner, and ask for consent.
#[utoipa::path(post, path = "/api/integrations/flows/{flowId}/credentials", operation_id = "sendCredentials", tag = "Flows", request_body = Credentials,
    params(("flowId" = String, Path, description = "From connect"),
        ("Evergrant-User" = Option<String>, Header, description = "With an API key: whom this is for")),
    responses(
        (status = 200, description = "The account that it connected", body = IntegrationsView),
        (status = 400, description = "`INVALID_STATE`: the flow is over", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`FLOW_NOT_FOUND`, for another user's too", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`: what to mend, by paths such as `values.sess`; `values` alone where the platform has a consent page of its own", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "`NETWORK_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "`TIMEOUT_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn credentials(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    PathOf(flow): PathOf<String>,
    Body(body): Body<Credentials>,
) -> Result<Json<IntegrationsView>, ApiError> {
    let (authorizations, values) = (state.service.authorizations(), &body.values);
    let made = authorizations
        .submit_credentials(&caller.call, caller.user, &flow, values)
        .await
        .map_err(within_values)?;
    Ok(Json(IntegrationsView {
        integrations: made.into_iter().map(IntegrationView::from).collect(),
    }))
}

/// Names each faulty field as the body has it.
fn within_values(error: ServiceError) -> ServiceError {
    let faults = error.field_faults();
    if faults.is_empty() || faults.iter().any(|fault| fault.field == "values") {
        return error;
    }
    let path = |fault: &FieldFault| FieldFault {
        field: format!("values.{}", fault.field),
        ..fault.clone()
    };
    ServiceError::fields(faults.iter().map(path).collect())
}
