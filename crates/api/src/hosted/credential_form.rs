//! `GET` and `POST /connect/{provider}`: our own form, for platforms without a consent page.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::response::Response;
use evergrant_model::{Call, ErrorCode, FlowState};
use evergrant_service::{CallbackParams, CredentialForm, FieldFault, ServiceError};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{PathOf, QueryOf, is_form, read};
use crate::caller::Visitor;
use crate::codes::status_of;
use crate::integrations::flow_response;
use crate::pages::{self, CredentialPage};
use crate::problem::ApiError;
use crate::state::ApiState;

/// What the form says whose owner cancels.
const DENIED: &str = "access_denied";
/// The tick without which nothing is taken.
const CONSENT: &str = "consent";

/// The form on which the account's owner pastes a session: the `authUrl` of platforms of kind
/// `cookies`.
///
/// It posts to the same address, urlencoded, with the state, a CSRF token and the platform's
/// fields.
#[utoipa::path(get, path = "/connect/{provider}", operation_id = "credentialForm", tag = "Callback",
    params(("provider" = String, Path, description = "Such as `onlyfans`"),
        ("state" = String, Query, description = "From connect; it stands in `authUrl` already")),
    responses(
        (status = 200, description = "The form", content_type = "text/html"),
        (status = 400, description = "`INVALID_STATE`: unknown, used or expired", content_type = "text/html"),
        (status = 503, description = "`DATABASE_ERROR`", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    Visitor(call): Visitor,
    query: QueryOf,
) -> Response {
    let flow_state = FlowState::new(query.filled("state").unwrap_or_default());
    match state
        .service
        .authorizations()
        .credential_form(&call, &provider, &flow_state)
        .await
    {
        Ok(form) => page(&provider, &flow_state, &form, &BTreeMap::new(), None),
        Err(error) => pages::callback_failed(&error, &call.correlation_id),
    }
}

/// The form of the page, beside the platform's own fields.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes a form that is read field by field")]
pub(crate) struct CredentialFormBody {
    /// The state, from the page.
    state: String,
    /// The token that binds the form to the flow, from the page.
    csrf: Option<String>,
    /// The tick without which nothing is taken.
    consent: Option<String>,
    /// `access_denied`: the owner cancels, and no other field counts.
    error: Option<String>,
}

/// The owner sends the form, or cancels.
///
/// The answer is that of a callback. What the owner can correct, and errors of the platform, show
/// the form again; the flow stays open.
#[utoipa::path(post, path = "/connect/{provider}", operation_id = "submitCredentialForm", tag = "Callback",
    request_body(content = CredentialFormBody, content_type = "application/x-www-form-urlencoded"),
    params(("provider" = String, Path, description = "Such as `onlyfans`")),
    responses(
        (status = 303, description = "Back to the app"),
        (status = 400, description = "`INVALID_STATE`: unknown, used or expired, or a wrong CSRF token; `INVALID_REQUEST`: not a form", content_type = "text/html"),
        (status = 409, description = "`ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`: the form again", content_type = "text/html"),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`: more than 64 KiB", content_type = "text/html"),
        (status = 422, description = "`VALIDATION_ERROR`, `NO_ELIGIBLE_ACCOUNT`: the form again", content_type = "text/html"),
        (status = 429, description = "`RATE_LIMIT_ERROR`: the platform's; the form again", content_type = "text/html"),
        (status = 502, description = "`NETWORK_ERROR`: the form again", content_type = "text/html"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`: the form again; `DATABASE_ERROR`", content_type = "text/html"),
        (status = 504, description = "`TIMEOUT_ERROR`: the form again", content_type = "text/html"),
    ), security(()))]
pub(crate) async fn submit(
    State(state): State<ApiState>,
    PathOf(provider): PathOf<String>,
    Visitor(call): Visitor,
    request: Request,
) -> Response {
    match taken(&state, &call, &provider, request).await {
        Ok(response) => response,
        Err(ApiError(error)) => pages::callback_failed(&error, &call.correlation_id),
    }
}

async fn taken(
    state: &ApiState,
    call: &Call,
    provider: &str,
    request: Request,
) -> Result<Response, ApiError> {
    if !is_form(request.headers()) {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "Send application/x-www-form-urlencoded.",
        ));
    }
    let sent = QueryOf::parse(&read(request).await?);
    if sent.has("error") {
        return cancelled(state, call, provider, &sent).await;
    }
    connected(state, call, provider, &sent).await
}

/// Ends the flow as a consent that was denied.
async fn cancelled(
    state: &ApiState,
    call: &Call,
    provider: &str,
    sent: &QueryOf,
) -> Result<Response, ApiError> {
    let params = CallbackParams {
        state: FlowState::new(sent.filled("state").unwrap_or_default()),
        code: None,
        error: Some(DENIED.to_owned()),
        issuer: None,
    };
    let outcome = state
        .service
        .handle_oauth_callback(call, provider, params)
        .await?;
    Ok(flow_response::to_browser(state, &outcome))
}

async fn connected(
    state: &ApiState,
    call: &Call,
    provider: &str,
    sent: &QueryOf,
) -> Result<Response, ApiError> {
    let authorizations = state.service.authorizations();
    let flow_state = FlowState::new(sent.filled("state").unwrap_or_default());
    let form = authorizations
        .credential_form(call, provider, &flow_state)
        .await?;
    let values = form
        .fields
        .iter()
        .filter_map(|field| Some((field.name.to_owned(), sent.filled(field.name)?.to_owned())));
    let values: BTreeMap<_, _> = values.collect();
    let error = match agreed(sent) {
        Ok(()) => {
            let csrf = sent.filled("csrf").unwrap_or_default();
            match authorizations
                .submit_form(call, provider, flow_state.clone(), csrf, &values)
                .await
            {
                Ok(outcome) => return Ok(flow_response::to_browser(state, &outcome)),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    let over = error.code() == ErrorCode::InvalidState
        || status_of(error.code()) == StatusCode::INTERNAL_SERVER_ERROR;
    if over {
        Err(error.into())
    } else {
        Ok(page(provider, &flow_state, &form, &values, Some(&error)))
    }
}

fn agreed(sent: &QueryOf) -> Result<(), ServiceError> {
    let message = "Please confirm this: without it the session is not taken.";
    if sent.has(CONSENT) {
        Ok(())
    } else {
        Err(ServiceError::field(CONSENT, message))
    }
}

fn page(
    provider: &str,
    state: &FlowState,
    form: &CredentialForm,
    values: &BTreeMap<String, String>,
    error: Option<&ServiceError>,
) -> Response {
    let faults: &[FieldFault] = error.map_or(&[], ServiceError::field_faults);
    let trouble = error
        .filter(|_| faults.is_empty())
        .map(ServiceError::detail);
    let status = error.map_or(StatusCode::OK, |error| status_of(error.code()));
    let mut response = CredentialPage {
        provider,
        state,
        form,
        values,
        faults,
        trouble,
    }
    .page(status);
    if let Some(seconds) = error.and_then(ServiceError::retry_after_seconds) {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(0)));
    }
    response
}
