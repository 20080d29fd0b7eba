//! `GET` and `POST /api/integrations/callback/{provider}`: the OAuth redirect endpoint.

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use evergrant_model::{
    Actor, AuthorizationCode, Call, ErrorCode, FlowId, FlowState, ProviderSlug, UserId,
};
use evergrant_service::{
    CallbackOutcome, CallbackParams, CallbackResult, ErrorDetails, FailedCallback,
};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::flow_response;
use super::flows::SelectableAccount;
use crate::body::{PathOf, QueryOf, is_form, is_json, parse, read};
use crate::caller::{AnonymousCall, Authorized, ServerWrite};
use crate::pages;
use crate::path::parse_flow_provider;
use crate::problem::{ApiError, FailedFlow, Problem};
use crate::state::ApiState;
use crate::views::IntegrationView;

/// The parameters that a platform sent to an app's own callback page. Other parameters are ignored
/// (RFC 6749 §4.1.2), except the one in which the provider lists the granted scopes.
#[derive(Deserialize, ToSchema)]
#[schema(as = CallbackRequest)]
pub(crate) struct CallbackBody {
    /// The authorization code. Absent if the platform sent an error.
    code: Option<String>,
    /// The `state` parameter.
    state: String,
    /// The platform's error code. Absent if the platform sent a code.
    error: Option<String>,
    /// The platform's description of the error, for the log.
    error_description: Option<String>,
    /// The issuer, if the platform sent it (RFC 9207).
    iss: Option<String>,
    /// Further parameters.
    #[serde(flatten)]
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    others: Map<String, Value>,
}

impl CallbackBody {
    /// Returns the parameters. `scope_param` is the name of the one with the granted scopes.
    fn into_params(self, scope_param: &str) -> CallbackParams {
        let others = self.others;
        let other = |name: &str| match others.get(name)? {
            Value::String(text) => filled(Some(text.clone())),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let details = ErrorDetails {
            description: filled(self.error_description).or_else(|| other("error_message")),
            reason: other("error_reason"),
            code: other("error_code"),
        };
        let scope = other(scope_param);
        let code = filled(self.code).map(AuthorizationCode::new);
        CallbackParams {
            issuer: self.iss,
            scope,
            ..with_error(
                FlowState::new(self.state),
                code,
                filled(self.error),
                details,
            )
        }
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Returns the parameters of a response. Some platforms report an error without `error`.
fn with_error(
    state: FlowState,
    code: Option<AuthorizationCode>,
    error: Option<String>,
    error_details: ErrorDetails,
) -> CallbackParams {
    let other = error_details
        .code
        .as_ref()
        .or(error_details.reason.as_ref());
    let other = other.filter(|_| code.is_none()).cloned();
    CallbackParams {
        error: error.or(other),
        code,
        error_details,
        ..CallbackParams::new(state)
    }
}

/// The result of a callback that an app forwarded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallbackResponse {
    /// Always true: errors are problem documents.
    success: bool,
    /// `connected`: the account is connected. `pending`: the flow must be finished with its
    /// verifier and receipt. `choose`: accounts must be selected to finish the flow; only for flows
    /// without a challenge.
    status: &'static str,
    /// Id of the user for whom the flow was started.
    user_id: i32,
    /// Id of the connected account. Present only with `connected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    /// The connected account. Present only with `connected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<IntegrationView>,
    /// Id of the flow to finish. Present only with `pending` and `choose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<String>,
    /// The receipt that finishes the flow, together with the verifier if the flow has a challenge.
    /// Present only with `pending` and `choose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
    /// The accounts to select from. Present only with `choose`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<SelectableAccount>,
}

/// OAuth redirect endpoint
///
/// Redirects the browser (303) to the flow's `redirectUrl` with these query parameters:
/// `integration` (the provider name) and `status`; with `status=connected` also `accountId`; with
/// `status=pending` also `flowId` and `receipt`, to finish a flow with a challenge; with
/// `status=error` also `code`, `correlationId`, `retryAfterSeconds` if a wait is known, and
/// `flowId` and `receipt` if the flow has a challenge. The flow's state has the details; those
/// about an account are disclosed with verifier and receipt. If the consent to a flow without a
/// challenge covers several accounts, the response is a page on which the user selects accounts. An
/// unknown or used `state` is answered with an error page (400), never with a redirect.
#[utoipa::path(get, path = "/api/integrations/callback/{provider}", operation_id = "callback",
    tag = "Callback",
    params(("provider" = String, Path, description = "Provider name, such as `reddit`"),
        ("state" = String, Query, description = "The `state` of the authorization request"),
        ("code" = Option<String>, Query, description = "The authorization code (RFC 6749 §4.1.2)"),
        ("error" = Option<String>, Query,
            description = "The platform's error code (RFC 6749 §4.1.2.1)"),
        ("iss" = Option<String>, Query, description = "The issuer (RFC 9207)")),
    responses(
        (status = 200,
            description = "A page on which the user selects accounts; it posts to \
                `/connect/{provider}/choose`",
            content_type = "text/html"),
        (status = 303, description = "Redirect to the app",
            headers(("Location" = String,
                description = "The flow's `redirectUrl` with the result"))),
        (status = 400, description = "`INVALID_STATE`", content_type = "text/html"),
        (status = 503, description = "`DATABASE_ERROR`", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn by_browser(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    headers: HeaderMap,
    AnonymousCall(call): AnonymousCall,
    query: QueryOf,
) -> Response {
    match complete(&state, &call, &provider, &query).await {
        Ok(outcome) => flow_response::to_browser(&state, &outcome),
        Err(error) if accepts_json(&headers) => error.into_response(),
        Err(ApiError(error)) => pages::callback_failed(&state.site, &error, &call.correlation_id),
    }
}

/// OAuth redirect endpoint for forms and apps
///
/// Accepts a form from the platform (`response_mode=form_post`), with the same responses as GET; or
/// JSON from an app that has its own callback page and forwards the parameters with an API key. The
/// response to JSON is JSON.
#[utoipa::path(post, path = "/api/integrations/callback/{provider}", operation_id = "postCallback",
    tag = "Callback",
    security((), ("apiKey" = ["connections:write"])),
    request_body(content(
        (CallbackBody = "application/json"),
        (CallbackBody = "application/x-www-form-urlencoded"),
    )),
    params(("provider" = String, Path, description = "Provider name, such as `reddit`")),
    responses(
        (status = 200,
            description = "The result; for a form, a page on which the user selects accounts",
            content((CallbackResponse = "application/json"), (String = "text/html"))),
        (status = 303, description = "For a form: redirect to the app",
            headers(("Location" = String,
                description = "The flow's `redirectUrl` with the result"))),
        (status = 400,
            description = "`INVALID_STATE`, `INVALID_CODE`, `OAUTH_DENIED`, \
                `OAUTH_CALLBACK_ERROR`, `INVALID_REQUEST`; for a form, an error page",
            content((Problem = "application/problem+json"), (String = "text/html"))),
        (status = 409, description = "`ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`"),
        (status = 422, description = "`VALIDATION_ERROR`, `NO_ELIGIBLE_ACCOUNT`"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's rate limit"),
        (status = 502, description = "`NETWORK_ERROR`"),
        (status = 503,
            description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`; for a form, an error page",
            content((Problem = "application/problem+json"), (String = "text/html"))),
        (status = 504, description = "`TIMEOUT_ERROR`"),
    ))]
pub(crate) async fn by_post(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    headers: HeaderMap,
    AnonymousCall(call): AnonymousCall,
    request: Request,
) -> Result<Response, ApiError> {
    if is_json(request.headers()) {
        return by_server(&state, &provider, request).await;
    }
    if !is_form(request.headers()) {
        let detail = "Send application/x-www-form-urlencoded, or application/json with an API key.";
        return Err(ApiError::new(ErrorCode::InvalidRequest, detail));
    }
    let form = QueryOf::parse(&read(request).await?);
    Ok(by_browser(
        State(state),
        PathOf(provider),
        headers,
        AnonymousCall(call),
        form,
    )
    .await)
}

async fn by_server(
    state: &ApiState,
    provider: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let call = Authorized::<ServerWrite>::from_request_parts(&mut parts, state)
        .await?
        .call;
    let body: CallbackBody = parse(&read(Request::from_parts(parts, body)).await?)?;
    let provider = parse_flow_provider(provider)?;
    let params = body.into_params(&state.service.providers().callback_scope(&provider));
    let outcome = state
        .service
        .handle_oauth_callback(&call, &provider, params)
        .await?;
    response_of(state, &call, outcome).await
}

/// Returns the failure of a forwarded callback, with the receipt if the flow has a challenge.
fn problem_of(failed: FailedCallback) -> Response {
    let failed_flow = failed.receipt.map(|receipt| FailedFlow {
        flow_id: failed.flow_id.as_str().to_owned(),
        receipt,
    });
    let mut response = ApiError::from(failed.error).into_response();
    if let Some(failed_flow) = failed_flow {
        response.extensions_mut().insert(failed_flow);
    }
    response
}

/// Completes the flow with the parameters that the platform sent.
///
/// # Errors
///
/// `INVALID_STATE` if `state` is missing or a parameter is repeated; otherwise the errors of
/// [`evergrant_service::IntegrationsService::handle_oauth_callback`].
async fn complete(
    state: &ApiState,
    call: &Call,
    provider: &str,
    query: &QueryOf,
) -> Result<CallbackOutcome, ApiError> {
    let one = |name| Ok::<_, ApiError>(query.one(name)?.filter(|text| !text.is_empty()));
    let (Ok(Some(flow_state)), Ok(code), Ok(error), Ok(error_code), Ok(issuer)) = (
        one("state"),
        one("code"),
        one("error"),
        one("error_code"),
        one("iss"),
    ) else {
        return Err(ApiError::new(
            ErrorCode::InvalidState,
            "This response does not belong to a sign-in of this service. Please start again.",
        ));
    };
    let provider = parse_flow_provider(provider)?;
    // A repeated parameter that only explains the response does not invalidate it.
    let other = |name: &str| query.all(name).into_iter().find(|text| !text.is_empty());
    let details = ErrorDetails {
        description: other("error_description").or_else(|| other("error_message")),
        reason: other("error_reason"),
        code: error_code.map(str::to_owned),
    };
    let code = code.map(AuthorizationCode::new);
    let error = error.map(str::to_owned);
    let params = CallbackParams {
        issuer: issuer.map(str::to_owned),
        scope: other(&state.service.providers().callback_scope(&provider)),
        ..with_error(FlowState::new(flow_state), code, error, details)
    };
    let call = call_of(state, call, &provider);
    Ok(state
        .service
        .handle_oauth_callback(&call, &provider, params)
        .await?)
}

/// Returns the call with the provider as its actor, if the provider is known.
fn call_of(state: &ApiState, call: &Call, provider: &ProviderSlug) -> Call {
    let actor = if state.service.providers().is_known(provider) {
        Actor::ProviderCallback(provider.clone())
    } else {
        Actor::Visitor
    };
    Call {
        actor,
        ..call.clone()
    }
}

impl CallbackResponse {
    fn unfinished(self, status: &'static str, flow_id: &FlowId, receipt: String) -> Self {
        Self {
            status,
            flow_id: Some(flow_id.as_str().to_owned()),
            receipt: Some(receipt),
            ..self
        }
    }
}

async fn response_of(
    state: &ApiState,
    call: &Call,
    outcome: CallbackOutcome,
) -> Result<Response, ApiError> {
    let blank = CallbackResponse {
        success: true,
        status: "connected",
        user_id: outcome.user.get(),
        account_id: None,
        integration: None,
        flow_id: None,
        receipt: None,
        accounts: Vec::new(),
    };
    let response = match outcome.result {
        CallbackResult::Failed(failed) => return Ok(problem_of(failed)),
        CallbackResult::Pending { flow_id, receipt } => {
            blank.unfinished("pending", &flow_id, receipt)
        }
        CallbackResult::Choose {
            flow_id,
            receipt,
            accounts,
        } => CallbackResponse {
            accounts: SelectableAccount::list(accounts, &outcome.provider, &state.service),
            ..blank.unfinished("choose", &flow_id, receipt)
        },
        CallbackResult::Connected { account } => CallbackResponse {
            integration: integration(state, call, outcome.user, &outcome.provider, &account)
                .await?,
            account_id: Some(account),
            ..blank
        },
    };
    Ok(Json(response).into_response())
}

/// Returns the user's account; `None` if it was disconnected in the meantime.
async fn integration(
    state: &ApiState,
    call: &Call,
    user: UserId,
    provider: &ProviderSlug,
    account: &str,
) -> Result<Option<IntegrationView>, ApiError> {
    let list = state.service.connected_integrations(call, user).await?;
    let found = list
        .integrations
        .into_iter()
        .find(|one| one.provider == provider.as_str() && one.provider_account_id == account);
    Ok(found.map(IntegrationView::from))
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accepted.contains("json") && !accepted.contains("text/html")
}
