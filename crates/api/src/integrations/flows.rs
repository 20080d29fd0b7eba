//! `/api/integrations/flows/{flowId}`: the state of a flow, and finishing it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use evergrant_model::{ErrorCode, ProviderSlug};
use evergrant_service::{
    FieldFault, FinishRequest, FlowProgress, FlowStatus, IntegrationsService, ReachedAccount,
    ServiceError, SignedInAccount,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{ForUser, Read, Write};
use crate::path::FlowPath;
use crate::problem::{ApiError, retry_after_seconds};
use crate::state::ApiState;
use crate::views::{IntegrationView, IntegrationsView};

/// An account that the user can select.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SelectableAccount {
    /// The account's id at the platform, for `accountIds`.
    provider_account_id: String,
    /// The handle at the platform; null if unknown.
    username: Option<String>,
    /// The name shown at the platform; null if unknown.
    display_name: Option<String>,
    /// Public URL of the account's picture, served by Evergrant. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
}

impl SelectableAccount {
    /// Returns the accounts of one platform as the API shows them.
    pub(crate) fn list(
        accounts: Vec<ReachedAccount>,
        provider: &ProviderSlug,
        service: &IntegrationsService,
    ) -> Vec<Self> {
        let selectable = |account: ReachedAccount| {
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
        accounts.into_iter().map(selectable).collect()
    }
}

impl From<&SignedInAccount> for SelectableAccount {
    fn from(account: &SignedInAccount) -> Self {
        Self {
            provider_account_id: account.id.clone(),
            username: account.username.clone(),
            display_name: account.display_name.clone(),
            avatar_url: None,
        }
    }
}

/// The state of a flow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FlowState)]
pub(crate) struct FlowView {
    /// `waiting`: the user has not returned from the consent page. `pending`: the flow must be
    /// finished with its verifier and receipt. `choose`: accounts must be selected to finish it.
    /// `connected`: an account is connected. `error`: the flow failed.
    status: &'static str,
    /// The accounts to select from, with `choose`; the accounts with which the user signed in, with
    /// `error` and `ACCOUNT_MISMATCH`. Absent for a flow with a challenge, in which another person
    /// may have signed in: `POST …/accounts` and `POST …/finish` disclose them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<SelectableAccount>,
    /// Error code of the failed flow. Present only with `error`. For a flow with a challenge,
    /// `OAUTH_CALLBACK_ERROR` stands for codes about an account, which `POST …/finish` discloses.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// What is wrong, in a sentence that can be shown to an end user. Present only with `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Identifies the flow in the operator's log. Present only with `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    /// Seconds until another attempt may succeed. Present only with `error`, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    retry_after_seconds: Option<i64>,
    /// Id of the connected account. Present only with `connected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
}

impl FlowView {
    fn new(flow: FlowProgress, service: &IntegrationsService) -> Self {
        let error = flow.error.as_ref();
        let signed_in = error.map_or(&[][..], ServiceError::accounts);
        let mut accounts = SelectableAccount::list(flow.accounts, &flow.provider, service);
        accounts.extend(signed_in.iter().map(SelectableAccount::from));
        Self {
            status: flow.status.as_str(),
            accounts,
            code: error.map(|error| error.code().as_str()),
            detail: error.map(|error| error.detail().to_owned()),
            correlation_id: error.map(|_| flow.correlation_id.as_str().to_owned()),
            retry_after_seconds: error.and_then(retry_after_seconds),
            account_id: flow
                .account
                .filter(|_| flow.status == FlowStatus::Connected),
        }
    }
}

/// Get the state of a flow
///
/// Requires the credential of the user for whom the flow was started.
#[utoipa::path(get, path = "/api/integrations/flows/{flowId}", operation_id = "getFlow",
    tag = "Flows",
    params(("flowId" = String, Path, description = "`flowId` of the started flow"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:read"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200, description = "The state of the flow", body = FlowView),
        (status = 404, description = "`FLOW_NOT_FOUND`, also for another user's flow"),
    ))]
pub(crate) async fn flow(
    State(state): State<ApiState>,
    caller: ForUser<Read>,
    FlowPath(flow): FlowPath,
) -> Result<Json<FlowView>, ApiError> {
    let flow = state
        .service
        .authorizations()
        .state(&caller.call, caller.user, &flow)
        .await?;
    Ok(Json(FlowView::new(flow, &state.service)))
}

/// The proofs that finish a flow.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = FinishFlowRequest)]
pub(crate) struct FinishBody {
    /// The verifier of the flow's `challenge`. Required, unless your server started the flow
    /// without a challenge and finishes it with an API key.
    verifier: Option<String>,
    /// The `receipt` that the redirect to the app or the callback's response contains.
    receipt: String,
    /// Ids of the accounts to connect. Required if the flow's status is `choose`.
    #[schema(min_items = 1)]
    account_ids: Option<Vec<String>>,
}

/// The proofs that the browser which started a flow also consented.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = FlowProofs)]
pub(crate) struct ProofBody {
    /// The verifier of the flow's `challenge`.
    verifier: String,
    /// The `receipt` that the redirect to the app or the callback's response contains.
    receipt: String,
}

/// The accounts that a consent covers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlowAccounts)]
pub(crate) struct AccountsView {
    /// The accounts to select from.
    accounts: Vec<SelectableAccount>,
}

/// List the accounts of a flow
///
/// For a flow with a challenge: verifier and receipt prove that the browser that started it also
/// consented. If the flow failed, the response is its error.
#[utoipa::path(post, path = "/api/integrations/flows/{flowId}/accounts",
    operation_id = "listFlowAccounts", tag = "Flows", request_body = ProofBody,
    params(("flowId" = String, Path, description = "`flowId` of the started flow"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:write"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200, description = "The accounts", body = AccountsView),
        (status = 400,
            description = "`INVALID_STATE`: the verifier or receipt is wrong, or the flow is not \
                waiting to be finished; the flow's own error"),
        (status = 404, description = "`FLOW_NOT_FOUND`, also for another user's flow"),
        (status = 409, description = "`ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`"),
        (status = 422, description = "`VALIDATION_ERROR`, `NO_ELIGIBLE_ACCOUNT`"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's rate limit"),
        (status = 502, description = "`NETWORK_ERROR`"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`"),
        (status = 504, description = "`TIMEOUT_ERROR`"),
    ))]
pub(crate) async fn accounts(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    FlowPath(flow): FlowPath,
    Body(body): Body<ProofBody>,
) -> Result<Json<AccountsView>, ApiError> {
    let proof = FinishRequest {
        verifier: Some(body.verifier),
        receipt: body.receipt,
        accounts: None,
    };
    let (provider, accounts) = state
        .service
        .authorizations()
        .accounts(&caller.call, caller.user, &flow, &proof)
        .await?;
    let accounts = SelectableAccount::list(accounts, &provider, &state.service);
    Ok(Json(AccountsView { accounts }))
}

/// Finish a flow
///
/// Connects the accounts of a flow that has a challenge, or whose consent covers several accounts.
/// If the flow failed, the response is its error, with what only verifier and receipt disclose.
/// A flow that is not finished within ten minutes fails, and its grant is revoked.
#[utoipa::path(post, path = "/api/integrations/flows/{flowId}/finish", operation_id = "finishFlow",
    tag = "Flows", request_body = FinishBody,
    params(("flowId" = String, Path, description = "`flowId` of the started flow"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:write"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200, description = "The connected accounts", body = IntegrationsView),
        (status = 400,
            description = "`INVALID_STATE`: the verifier or receipt is wrong, or the flow is not \
                waiting to be finished"),
        (status = 404, description = "`FLOW_NOT_FOUND`, also for another user's flow"),
        (status = 409, description = "`ACCOUNT_ALREADY_CONNECTED`"),
        (status = 422, description = "`VALIDATION_ERROR`"),
    ))]
pub(crate) async fn finish(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    FlowPath(flow): FlowPath,
    Body(body): Body<FinishBody>,
) -> Result<Json<IntegrationsView>, ApiError> {
    if caller.is_browser() && body.verifier.is_none() {
        return Err(ServiceError::field("verifier", "is required with a session token").into());
    }
    let request = FinishRequest {
        verifier: body.verifier,
        receipt: body.receipt,
        accounts: body.account_ids,
    };
    let connected = state
        .service
        .authorizations()
        .finish(&caller.call, caller.user, &flow, request)
        .await?;
    Ok(Json(IntegrationsView {
        integrations: connected.into_iter().map(IntegrationView::from).collect(),
    }))
}

/// A session credential that the account's owner pasted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SessionCredentials)]
pub(crate) struct CredentialsBody {
    /// Values by field name, as listed in `fields` of the provider.
    values: BTreeMap<String, String>,
}

/// Finish a flow with a pasted session
///
/// For platforms of kind `cookies`, from a dialog of your app. Errors that the user can correct
/// leave the flow open for another attempt. The dialog must warn that a session allows full access
/// to the account, and must obtain the owner's consent.
#[utoipa::path(post, path = "/api/integrations/flows/{flowId}/credentials",
    operation_id = "sendCredentials", tag = "Flows", request_body = CredentialsBody,
    params(("flowId" = String, Path, description = "`flowId` of the started flow"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:write"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200, description = "The connected account", body = IntegrationsView),
        (status = 400, description = "`INVALID_STATE`: the flow has already ended or expired"),
        (status = 404, description = "`FLOW_NOT_FOUND`, also for another user's flow"),
        (status = 409, description = "`ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`"),
        (status = 422,
            description = "`VALIDATION_ERROR`: the fields to correct, such as `values.sess`; the \
                field is `values` if the platform has a consent page"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's rate limit"),
        (status = 502, description = "`NETWORK_ERROR`"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`"),
        (status = 504, description = "`TIMEOUT_ERROR`"),
    ))]
pub(crate) async fn credentials(
    State(state): State<ApiState>,
    caller: ForUser<Write>,
    FlowPath(flow): FlowPath,
    body: Result<Body<CredentialsBody>, ApiError>,
) -> Result<Json<IntegrationsView>, ApiError> {
    let Body(body) = body.map_err(what_to_send)?;
    let (authorizations, values) = (state.service.authorizations(), &body.values);
    let connected = authorizations
        .submit_credentials(&caller.call, caller.user, &flow, values)
        .await
        .map_err(within_values)?;
    Ok(Json(IntegrationsView {
        integrations: connected.into_iter().map(IntegrationView::from).collect(),
    }))
}

/// Says what to send instead of a pasted text that exceeds the limit.
fn what_to_send(ApiError(error): ApiError) -> ApiError {
    if error.code() != ErrorCode::PayloadTooLarge {
        return ApiError(error);
    }
    ApiError::new(
        ErrorCode::PayloadTooLarge,
        "The body is larger than 64 KiB or incomplete. Send a single request as copied by \"Copy as \
         cURL\", or the single values, instead of a whole recording.",
    )
}

/// Prefixes field names with `values.`, as they are in the request body.
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
