//! `GET /connect/{provider}`: our own form, for platforms without a consent page.
//!
//! It is sent to the callback route, and from there goes the way of every callback.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use evergrant_model::{CorrelationId, ErrorCode, FlowState};
use evergrant_service::{CredentialForm, FieldFault, ServiceError};
use http::{HeaderValue, StatusCode, header};

use crate::body::{PathOf, QueryOf};
use crate::caller::Correlation;
use crate::codes::status_of;
use crate::integrations::callback::answered;
use crate::pages::{self, CredentialPage};
use crate::problem::ApiError;
use crate::state::ApiState;

/// The tick without which nothing is taken.
const CONSENT: &str = "consent";

/// The form on which the account's owner pastes a session: the `authUrl` of platforms of kind `cookies`.
///
/// It is sent to the callback route, urlencoded, with the state, a CSRF token and the platform's fields.
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
    Correlation(correlation_id): Correlation,
    query: QueryOf,
) -> Response {
    let flow_state = FlowState::new(query.filled("state").unwrap_or_default());
    match state.service.credential_form(&provider, &flow_state).await {
        Ok(form) => page(&provider, &flow_state, &form, &BTreeMap::new(), None),
        Err(error) => pages::callback_failed(&error, &correlation_id),
    }
}

/// Takes the form. What its owner can mend, and the platform's trouble, bring it again; the flow stays open.
pub(crate) async fn submit(
    state: &ApiState,
    provider: &str,
    sent: &QueryOf,
    correlation_id: &CorrelationId,
) -> Response {
    match taken(state, provider, sent).await {
        Ok(response) => response,
        Err(ApiError(error)) => pages::callback_failed(&error, correlation_id),
    }
}

async fn taken(state: &ApiState, provider: &str, sent: &QueryOf) -> Result<Response, ApiError> {
    let flow_state = FlowState::new(sent.filled("state").unwrap_or_default());
    let form = state.service.credential_form(provider, &flow_state).await?;
    let values =
        form.fields.iter().filter_map(|field| Some((field.name.to_owned(), sent.filled(field.name)?.to_owned())));
    let values: BTreeMap<_, _> = values.collect();
    let error = match agreed(sent) {
        Ok(()) => {
            let csrf = sent.filled("csrf").unwrap_or_default();
            match state.service.submit_form(provider, flow_state.clone(), csrf, &values).await {
                Ok(outcome) => return Ok(answered(state, &outcome)),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    let over = error.code() == ErrorCode::InvalidState || status_of(error.code()) == StatusCode::INTERNAL_SERVER_ERROR;
    if over { Err(error.into()) } else { Ok(page(provider, &flow_state, &form, &values, Some(&error))) }
}

fn agreed(sent: &QueryOf) -> Result<(), ServiceError> {
    let message = "Please confirm this: without it the session is not taken.";
    if sent.has(CONSENT) { Ok(()) } else { Err(ServiceError::field(CONSENT, message)) }
}

fn page(
    provider: &str,
    state: &FlowState,
    form: &CredentialForm,
    values: &BTreeMap<String, String>,
    error: Option<&ServiceError>,
) -> Response {
    let faults: &[FieldFault] = error.map_or(&[], ServiceError::field_faults);
    let trouble = error.filter(|_| faults.is_empty()).map(ServiceError::detail);
    let status = error.map_or(StatusCode::OK, |error| status_of(error.code()));
    let mut response = CredentialPage { provider, state, form, values, faults, trouble }.page(status);
    if let Some(seconds) = error.and_then(ServiceError::retry_after_seconds) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(0)));
    }
    response
}
