//! `GET` and `POST /api/integrations/callback/{provider}`: where a platform sends the browser back
//! to.

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use evergrant_model::{Actor, AuthorizationCode, Call, ErrorCode, FlowState, ProviderSlug};
use evergrant_service::{CallbackEnd, CallbackOutcome, CallbackParams, ServiceError};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::flow_response;
use super::flows::Choice;
use crate::body::{PathOf, QueryOf, is_form, is_json, parse, read};
use crate::caller::{Allowed, ServerWrite, Visitor};
use crate::pages;
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;
use crate::views::IntegrationView;

/// What an app that owns the callback page passes on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CallbackBody {
    /// The code from the platform.
    code: Option<String>,
    /// The state from the platform.
    state: String,
    /// The platform's error, if it sent one.
    error: Option<String>,
    /// The issuer, if the platform named itself (RFC 9207).
    iss: Option<String>,
}

/// What came of a callback that an app passed on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallbackAnswer {
    /// Always true: a failure is a problem document.
    success: bool,
    /// `connected`; `pending` for a flow that is to be finished with its verifier; `choose` for one
    /// without a challenge whose consent reached several accounts, to be finished with some of
    /// them.
    status: &'static str,
    /// The user who began the flow.
    user_id: i32,
    /// The connected account.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    /// The connected account, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<IntegrationView>,
    /// The flow to finish.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<String>,
    /// What finishes it, together with the verifier where the flow has a challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
    /// The accounts to choose from, with `choose`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<Choice>,
}

/// The platform sends the browser back.
///
/// Answers 303 to the flow's `redirectUrl` with `integration`, `status=connected` and `accountId`;
/// or `status=error`, `code` and `correlationId`; or, for a bound flow, `status=pending`, `flowId`
/// and `receipt`. Where the consent of an unbound flow reached several accounts, a page of ours
/// asks which of them to connect. An unknown or used state gets a page of ours with status 400 and
/// never a redirect.
#[utoipa::path(get, path = "/api/integrations/callback/{provider}", operation_id = "callback", tag = "Callback",
    params(("provider" = String, Path, description = "Such as `reddit`"),
        ("state" = String, Query, description = "From the authorization request"),
        ("code" = Option<String>, Query, description = "What buys the tokens"),
        ("error" = Option<String>, Query, description = "The platform's error"),
        ("iss" = Option<String>, Query, description = "Who answers (RFC 9207)")),
    responses(
        (status = 200, description = "Which accounts? A page that posts to `/connect/{provider}/choose`", content_type = "text/html"),
        (status = 303, description = "Back to the app"),
        (status = 400, description = "`INVALID_STATE`", content_type = "text/html"),
        (status = 503, description = "`DATABASE_ERROR`", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn by_browser(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    headers: HeaderMap,
    Visitor(call): Visitor,
    query: QueryOf,
) -> Response {
    match complete(&state, &call, &provider, &query).await {
        Ok(outcome) => flow_response::to_browser(&state, &outcome),
        Err(error) if accepts_json(&headers) => error.into_response(),
        Err(ApiError(error)) => pages::callback_failed(&error, &call.correlation_id),
    }
}

/// The platform posts the browser back, or an app passes on what its own page received.
///
/// A form (`response_mode=form_post`) is answered as the GET is. JSON needs an API key and is
/// answered in JSON.
#[utoipa::path(post, path = "/api/integrations/callback/{provider}", operation_id = "postCallback", tag = "Callback",
    security((), ("apiKey" = [])),
    request_body(content((CallbackBody = "application/json"), (CallbackBody = "application/x-www-form-urlencoded"))),
    params(("provider" = String, Path, description = "Such as `reddit`")),
    responses(
        (status = 200, description = "Connected, or to be finished; for a form, the page that asks which accounts",
            content((CallbackAnswer = "application/json"), (String = "text/html"))),
        (status = 303, description = "Back to the app (for a form)"),
        (status = 400, description = "`INVALID_STATE`, `INVALID_CODE`, `OAUTH_DENIED`, `OAUTH_CALLBACK_ERROR`, `INVALID_REQUEST`; a page for a form",
            content((Problem = "application/problem+json"), (String = "text/html"))),
        (status = 409, description = "`ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`VALIDATION_ERROR`, `NO_ELIGIBLE_ACCOUNT`",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's",
            body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "`NETWORK_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`; a page for a form",
            content((Problem = "application/problem+json"), (String = "text/html"))),
        (status = 504, description = "`TIMEOUT_ERROR`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn by_post(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    headers: HeaderMap,
    Visitor(call): Visitor,
    request: Request,
) -> Result<Response, ApiError> {
    if is_json(request.headers()) {
        return by_server(&state, &provider, request)
            .await
            .map(IntoResponse::into_response);
    }
    if !is_form(request.headers()) {
        let detail = "Send application/x-www-form-urlencoded as a platform does, or application/json with an API key.";
        return Err(ApiError::new(ErrorCode::InvalidRequest, detail));
    }
    let form = QueryOf::parse(&read(request).await?);
    Ok(by_browser(State(state), PathOf(provider), headers, Visitor(call), form).await)
}

async fn by_server(
    state: &ApiState,
    provider: &str,
    request: Request,
) -> Result<Json<CallbackAnswer>, ApiError> {
    let (mut parts, body) = request.into_parts();
    let call = Allowed::<ServerWrite>::from_request_parts(&mut parts, state)
        .await?
        .call;
    let body: CallbackBody = parse(&read(Request::from_parts(parts, body)).await?)?;
    let params = CallbackParams {
        state: FlowState::new(body.state),
        code: body
            .code
            .filter(|code| !code.is_empty())
            .map(AuthorizationCode::new),
        error: body.error.filter(|error| !error.is_empty()),
        issuer: body.iss,
    };
    let outcome = state
        .service
        .handle_oauth_callback(&call, provider, params)
        .await?;
    answer(state, &call, outcome).await.map(Json)
}

/// Reads what the platform sent, and completes the flow. An answer with a repeated `state`, `code`
/// or `iss` is rejected.
async fn complete(
    state: &ApiState,
    call: &Call,
    provider: &str,
    query: &QueryOf,
) -> Result<CallbackOutcome, ApiError> {
    let filled = |name| Ok::<_, ApiError>(query.one(name)?.filter(|text| !text.is_empty()));
    let (Ok(Some(flow_state)), Ok(code), Ok(error), Ok(error_code), Ok(issuer)) = (
        filled("state"),
        filled("code"),
        filled("error"),
        filled("error_code"),
        filled("iss"),
    ) else {
        return Err(ApiError::new(
            ErrorCode::InvalidState,
            "This answer does not belong to a sign-in that was begun here. Please begin it again.",
        ));
    };
    // Some dialogs send an `error_code` and no `error`.
    let error = error.or(error_code.filter(|_| code.is_none()));
    let params = CallbackParams {
        state: FlowState::new(flow_state),
        code: code.map(AuthorizationCode::new),
        error: error.map(str::to_owned),
        issuer: issuer.map(str::to_owned),
    };
    let known = ProviderSlug::new(provider)
        .ok()
        .filter(|slug| state.service.providers().is_known(slug));
    let actor = known.map_or(Actor::Visitor, Actor::ProviderCallback);
    let call = Call {
        actor,
        ..call.clone()
    };
    Ok(state
        .service
        .handle_oauth_callback(&call, provider, params)
        .await?)
}

async fn answer(
    state: &ApiState,
    call: &Call,
    outcome: CallbackOutcome,
) -> Result<CallbackAnswer, ApiError> {
    let mut answer = CallbackAnswer {
        success: true,
        status: "connected",
        user_id: outcome.user.get(),
        account_id: None,
        integration: None,
        flow_id: None,
        receipt: None,
        accounts: Vec::new(),
    };
    match outcome.end {
        CallbackEnd::Failed(code) => {
            return Err(ServiceError::new(
                code,
                "The sign-in came to nothing. Please begin it again.",
            )
            .into());
        }
        CallbackEnd::Pending { flow_id, receipt } => {
            answer.status = "pending";
            answer.flow_id = Some(flow_id.as_str().to_owned());
            answer.receipt = Some(receipt);
        }
        CallbackEnd::Choose {
            flow_id,
            receipt,
            accounts,
        } => {
            answer.status = "choose";
            answer.flow_id = Some(flow_id.as_str().to_owned());
            answer.receipt = Some(receipt);
            answer.accounts = Choice::list(accounts, outcome.provider.as_str(), &state.service);
        }
        CallbackEnd::Connected { account } => {
            let list = state
                .service
                .connected_integrations(call, outcome.user)
                .await?;
            let mine = list.integrations.into_iter();
            let found = mine
                .filter(|one| one.provider == outcome.provider.as_str())
                .find(|one| one.provider_account_id == account);
            answer.integration = found.map(IntegrationView::from);
            answer.account_id = Some(account);
        }
    }
    Ok(answer)
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accepted.contains("json") && !accepted.contains("text/html")
}
